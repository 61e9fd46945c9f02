// Tokens of the textual IR.
#include <algorithm>
#include <charconv>
#include <set>

#include "ir/text_reader.h"

namespace nasc {
namespace {
constexpr int kMaxNesting = 64;

struct Level {
  const char* symbol;
  int level;
};
constexpr Level kLevels[] = {{"|", 1},  {"^", 2},  {"&", 3},  {"==", 4}, {"!=", 4}, {"<=", 4}, {">=", 4},
                             {"<<", 5}, {">>", 5}, {"<", 4},  {">", 4},  {"+", 6},  {"-", 6},  {"*", 7}, {"/", 7}};
const std::set<std::string> kReserved = {"and",   "or",   "not",  "exists", "mod",  "floor", "ceil", "ceild", "floord",
                                         "max",   "min",  "true", "false",  "nan",  "inf",   "NaN",  "infty", "infinity",
                                         "implies", "all", "lt",  "le",     "gt",   "ge",    "rat",  "extent", "div"};
}  // namespace

bool is_reserved(const std::string& word) {
  bool existential = word.size() > 1 && word[0] == 'e' &&
                     std::all_of(word.begin() + 1, word.end(), [](char c) { return c >= '0' && c <= '9'; });
  return existential || kReserved.count(word) || find_dtype(word);
}
int infix_level(std::string_view symbol) {
  for (const Level& l : kLevels)
    if (symbol == l.symbol) return l.level;
  return 0;
}
std::string quoted(const std::string& text) {
  constexpr char kHex[] = "0123456789abcdef";
  std::string out = "\"";
  for (unsigned char c : text) {
    if (c >= 32 && c < 127 && c != '"' && c != '\\') out += static_cast<char>(c);
    else (out += "\\x") += {kHex[c >> 4], kHex[c & 15]};
  }
  return out + "\"";
}

std::string name_text(const std::string& name) {
  bool plain = !name.empty() && !(name[0] >= '0' && name[0] <= '9') && name.size() <= 256 &&
               std::all_of(name.begin(), name.end(), is_word);
  return plain ? name : quoted(name);
}

void TextReader::fail_at(size_t position, const std::string& text, bool limit) const {
  int line = 1, column = 1;
  for (size_t i = 0; i < position && i < source.size(); ++i) {
    column = source[i] == '\n' ? 1 : column + 1;
    line += source[i] == '\n';
  }
  throw UserError(limit ? code::limit : code::bad_text, nasc::text(file, ":", line, ":", column), text);
}
void TextReader::space() {
  while (at < source.size()) {
    char c = source[at];
    if (c == ';') at = std::min(source.find('\n', at), source.size());
    else if (c == ' ' || c == '\n' || c == '\t' || c == '\r') ++at;
    else return;
  }
}
bool TextReader::done() {
  space();
  return at == source.size();
}
char TextReader::peek() {
  space();
  return at < source.size() ? source[at] : '\0';
}
bool TextReader::eat(std::string_view token) {
  space();
  if (source.compare(at, token.size(), token) != 0) return false;
  size_t end = at + token.size();
  if (is_word(token.back()) && end < source.size() && is_word(source[end])) return false;
  at = end;
  return true;
}
void TextReader::need(std::string_view token) {
  if (!eat(token)) fail("expected '" + std::string(token) + "'");
}
bool TextReader::at_word() {
  char c = peek();
  return is_word(c) && !(c >= '0' && c <= '9');
}
std::string TextReader::word() {
  if (!at_word()) fail("expected a name");
  size_t start = at;
  while (at < source.size() && is_word(source[at])) ++at;
  if (at - start > 256) fail_at(start, "a name has more than 256 characters", true);
  return source.substr(start, at - start);
}
std::string TextReader::string() {
  need("\"");
  std::string out;
  while (at < source.size() && source[at] != '"' && source[at] != '\n') {
    char c = source[at++];
    if (c == '\\') {
      unsigned v = 0;
      const char* digits = source.data() + at + 1;
      if (at + 3 > source.size() || source[at] != 'x' || std::from_chars(digits, digits + 2, v, 16).ptr != digits + 2)
        fail("expected \\x and two digits");
      c = static_cast<char>(v);
      at += 3;
    }
    out += c;
  }
  if (at >= source.size() || source[at] != '"') fail("a string has no end");
  ++at;
  return out;
}
int64_t TextReader::integer() {
  space();
  int64_t v = 0;
  auto r = std::from_chars(source.data() + at, source.data() + source.size(), v);
  if (r.ec != std::errc()) fail("expected an integer");
  at = r.ptr - source.data();
  return v;
}
uint64_t TextReader::hexadecimal() {
  space();
  uint64_t v = 0;
  if (source.compare(at, 2, "0x") != 0) fail("expected 0x");
  auto r = std::from_chars(source.data() + at + 2, source.data() + source.size(), v, 16);
  if (r.ec != std::errc()) fail("expected a hexadecimal number");
  at = r.ptr - source.data();
  return v;
}
std::string TextReader::balanced() {
  space();
  size_t start = at;
  int depth = 0;
  for (; at < source.size(); ++at) {
    char c = source[at];
    depth += (c == '(' || c == '[' || c == '{') - (c == ')' || c == ']' || c == '}');
    if (depth > kMaxNesting) fail_at(at, "nested too deeply", true);
    if (depth <= 0) break;
  }
  if (at == source.size()) fail_at(start, "a bracket is not closed");
  ++at;
  return source.substr(start, at - start);
}

}  // namespace nasc
