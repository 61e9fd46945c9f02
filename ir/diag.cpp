// The one table of diagnostic codes, and how errors are worded.
#include "ir/diag.h"

#include <algorithm>
#include <cstdio>

namespace nasc {
namespace code {
const Code bad_file{101, "bad-file", Exit::malformed};
const Code bad_graph{102, "bad-graph", Exit::malformed};
const Code bad_type{103, "bad-type", Exit::malformed};
const Code bad_shape{104, "bad-shape", Exit::malformed};
const Code bad_attribute{105, "bad-attribute", Exit::malformed};
const Code bad_tensor{106, "bad-tensor", Exit::malformed};
const Code bad_name{107, "bad-name", Exit::malformed};
const Code bad_text{108, "bad-text", Exit::malformed};
const Code bad_plan{109, "bad-plan", Exit::malformed};
const Code bad_opset{110, "bad-opset", Exit::malformed};
const Code bad_library{111, "bad-library", Exit::malformed};
const Code no_input{201, "no-input", Exit::no_input};
const Code unsupported_op{301, "unsupported-op", Exit::unsupported};
const Code unsupported_type{302, "unsupported-type", Exit::unsupported};
const Code unsupported_attribute{303, "unsupported-attribute", Exit::unsupported};
const Code unsupported_shape{304, "unsupported-shape", Exit::unsupported};
const Code unsupported_target{305, "unsupported-target", Exit::unsupported};
const Code limit{401, "limit", Exit::limit};
const Code cannot_create{501, "cannot-create", Exit::cannot_create};
const Code io_error{502, "io-error", Exit::io};
const Code outside_root{503, "outside-root", Exit::refused};
const Code usage{601, "usage", Exit::usage};
const Code mismatch{602, "mismatch", Exit::mismatch};
const Code failure{603, "failure", Exit::failure};
}  // namespace code

std::vector<const Code*> all_codes() {
  using namespace code;
  return {&bad_file,       &bad_graph,        &bad_type,         &bad_shape,
          &bad_attribute,  &bad_tensor,       &bad_name,         &bad_text,
          &bad_plan,       &bad_opset,        &bad_library,      &no_input,
          &unsupported_op, &unsupported_type, &unsupported_attribute,
          &unsupported_shape, &unsupported_target, &limit,       &cannot_create,
          &io_error,       &outside_root,     &usage,            &mismatch,
          &failure};
}

UserError::UserError(const Code& c, std::string where_, const std::string& text)
    : std::runtime_error(text), code(&c), where(std::move(where_)) {}

std::string UserError::line() const {
  char tag[64];
  std::snprintf(tag, sizeof tag, " [NASC%04d %s]", code->number, code->slug);
  return (where.empty() ? "nasc" : escaped(where)) + ": error: " + what() + tag;
}

std::string escaped(std::string_view name) {
  std::string out;
  for (unsigned char c : name) {
    if (c == '\n') out += "\\n";
    else if (c == '\t') out += "\\t";
    else if (c == '\\') out += "\\\\";
    else if (c < 0x20 || c >= 0x7f) {
      char hex[8];
      std::snprintf(hex, sizeof hex, "\\x%02x", c);
      out += hex;
    } else out += static_cast<char>(c);
  }
  return out;
}

std::string nearest(std::string_view word, const std::vector<std::string>& names) {
  std::string best;
  size_t best_distance = word.size() / 3 + 2;
  for (const auto& name : names) {
    std::vector<size_t> row(name.size() + 1);
    for (size_t j = 0; j <= name.size(); ++j) row[j] = j;
    for (size_t i = 1; i <= word.size(); ++i) {
      size_t diagonal = row[0];
      row[0] = i;
      for (size_t j = 1; j <= name.size(); ++j) {
        size_t substituted = diagonal + (word[i - 1] != name[j - 1]);
        diagonal = row[j];
        row[j] = std::min({row[j] + 1, row[j - 1] + 1, substituted});
      }
    }
    if (row.back() < best_distance) best_distance = row.back(), best = name;
  }
  return best;
}

detail::CheckFailure::CheckFailure(const char* file, int line, const char* condition) {
  out << file << ':' << line << ": check failed: " << condition << ": ";
}
detail::CheckFailure::~CheckFailure() noexcept(false) { throw InternalError(out.str()); }

}  // namespace nasc
