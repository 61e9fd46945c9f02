// The tokens of the textual IR, shared by its printer and its parsers. Private to ir.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "ir/program.h"

namespace nasc {

inline bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}
// Words that isl's notation or bodies give a meaning, `e0`, `e1`.. that isl names existentials by, and type names.
bool is_reserved(const std::string& word);
// Binding strength of an infix operator, 0 when there is none; all are left-associative.
int infix_level(std::string_view symbol);
// "text" with quotes, backslashes and bytes outside printable ASCII escaped; the reader's string() is the inverse.
std::string quoted(const std::string& text);
// A name as it is when it is a C identifier, else quoted; the reader's name() is the inverse.
std::string name_text(const std::string& name);

struct TextReader {
  const std::string& source;
  std::string file;
  size_t at = 0;

  [[noreturn]] void fail(const std::string& text) const { fail_at(at, text); }
  [[noreturn]] void fail_at(size_t position, const std::string& text, bool limit = false) const;
  void space();  // and comments
  bool done();
  char peek();
  bool eat(std::string_view token);  // words only whole
  void need(std::string_view token);
  std::string word();  // a C identifier
  bool at_word();
  std::string string();
  std::string name() { return peek() == '"' ? string() : word(); }
  int64_t integer();
  uint64_t hexadecimal();
  // Everything up to the closing bracket of the opening one at `at`, both included, nesting limited.
  std::string balanced();
};

// `index, index, ...]` after the opening bracket, as text that isl can read: only names in `known` occur.
std::string parse_index_list(TextReader& in, const std::vector<std::string>& known);
// A statement's `y[..] += body`, with the domain, iterators and tensors given; adds write, reads, combine and body.
struct Assignment {
  Access write;
  std::vector<Access> reads;
  Combine combine;
  ExprRef body;
};
Assignment parse_assignment(TextReader& in, const Program& program, const std::string& statement,
                            const std::vector<std::string>& iterators, const std::vector<std::string>& parameters);

}  // namespace nasc
