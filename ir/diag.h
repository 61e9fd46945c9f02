// Errors: UserError for bad input, Refusal for a transformation that does not apply, InternalError for our own bugs.
#pragma once

#include <expected>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace nasc {

// Exit codes of every tool (peers.md 3.2). Retry is useful only for limit and temporary.
enum class Exit : int {
  ok = 0,
  failure = 1,
  mismatch = 2,      // a comparison failed
  usage = 64,        // bad flags
  malformed = 65,    // malformed or semantically invalid model, IR, plan, tensor
  no_input = 66,     // input missing or unreadable
  unsupported = 69,  // operator, type, attribute or target that nasc does not have
  internal = 70,     // our bug
  limit = 71,        // memory, time or size limit
  cannot_create = 73,
  io = 74,
  temporary = 75,
  refused = 77,      // policy: external data outside its folder
};

// A diagnostic code of the one table in diag.cpp, printed as [NASC0123 slug].
struct Code {
  int number;
  const char* slug;
  Exit exit;
};

// The table of all codes; `NASC0101 bad-file` and so on. Add a code there, and only there.
namespace code {
extern const Code bad_file, bad_graph, bad_type, bad_shape, bad_attribute, bad_tensor, bad_name, bad_text, bad_plan,
    no_input, bad_opset, unsupported_op, unsupported_type, unsupported_attribute, unsupported_shape,
    unsupported_target, limit, cannot_create, io_error, outside_root, usage, mismatch, bad_library, failure;
}
std::vector<const Code*> all_codes();

// Bad input, reported once by main(): `WHERE: error: TEXT [NASC0123 slug]`. `where` is FILE:NODE, FILE:LINE or a flag.
struct UserError : std::runtime_error {
  UserError(const Code& c, std::string where_, const std::string& text);
  const Code* code;
  std::string where;
  std::string line() const;  // the whole diagnostic, one line, names escaped
};

// Why a transformation does not apply. `code` is stable kebab-case (`indivisible`), documented by its transformation.
struct Refusal {
  std::string code;
  std::string text;
};
template <class T>
using Expected = std::expected<T, Refusal>;
inline std::unexpected<Refusal> refuse(std::string code, std::string text) {
  return std::unexpected(Refusal{std::move(code), std::move(text)});
}

struct InternalError : std::logic_error {
  using std::logic_error::logic_error;
};

// Escapes control bytes, quotes and non-ASCII bytes so that a name from a file can be printed safely.
std::string escaped(std::string_view text);

// Text of all arguments, streamed.
template <class... Args>
std::string text(const Args&... args) {
  std::ostringstream out;
  (out << ... << args);
  return out.str();
}

// The nearest of `names` to `word` when it is near enough for "did you mean", else empty.
std::string nearest(std::string_view word, const std::vector<std::string>& names);

namespace detail {
struct CheckFailure {
  std::ostringstream out;
  CheckFailure(const char* file, int line, const char* condition);
  [[noreturn]] ~CheckFailure() noexcept(false);
  template <class T>
  CheckFailure& operator<<(const T& value) {
    out << value;
    return *this;
  }
};
struct Void {
  void operator&(const CheckFailure&) {}
};
}  // namespace detail
}  // namespace nasc

// NASC_CHECK(condition) << "context": throws InternalError, in all builds.
#define NASC_CHECK(condition) \
  (condition) ? (void)0 : ::nasc::detail::Void() & ::nasc::detail::CheckFailure(__FILE__, __LINE__, #condition)
