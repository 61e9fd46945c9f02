// One pass over the characters.
#include "polyhedral/search/space_lexer.h"

#include <cctype>
#include <string_view>

#include "ir/diag.h"

namespace nasc {
namespace {
constexpr size_t kMaxBytes = 1 << 20;
bool word_char(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) ||
         std::string_view("_.:/%+-").find(c) != std::string_view::npos;
}
} // namespace

std::vector<SpaceToken> space_tokens(const std::string& text, const std::string& file) {
  if (text.size() > kMaxBytes)
    throw UserError(code::limit, file, "space is larger than 1 MiB");
  std::vector<SpaceToken> out;
  int line = 1;
  for (size_t i = 0; i < text.size();) {
    char c = text[i];
    auto fail = [&](const std::string& what) {
      throw UserError(code::bad_text, nasc::text(file, ":", line), what);
    };
    if (c == '\n') {
      ++line, ++i;
    } else if (std::isspace(static_cast<unsigned char>(c))) {
      ++i;
    } else if (c == '#') {
      while (i < text.size() && text[i] != '\n')
        ++i;
    } else if (c == '"') {
      std::string word;
      for (++i; i < text.size() && text[i] != '"' && text[i] != '\n'; ++i)
        word += text[i] == '\\' && i + 1 < text.size() ? text[++i] : text[i];
      if (i == text.size() || text[i] == '\n')
        fail("unterminated string");
      ++i;
      out.push_back({SpaceToken::quoted, word, line});
    } else if (word_char(c)) {
      size_t start = i;
      while (i < text.size() && word_char(text[i]))
        ++i;
      out.push_back({SpaceToken::word, text.substr(start, i - start), line});
    } else if (std::string_view("=!<>").find(c) != std::string_view::npos) {
      size_t size = i + 1 < text.size() && text[i + 1] == '=' ? 2 : 1;
      std::string mark = text.substr(i, size);
      if (mark == "!")
        fail("expected != after !");
      out.push_back({SpaceToken::mark, mark == "==" ? "=" : mark, line});
      i += size;
    } else if (std::string_view("(){}[],;$*?|").find(c) != std::string_view::npos) {
      out.push_back({SpaceToken::mark, std::string(1, c), line});
      ++i;
    } else {
      fail(nasc::text("unexpected character ", escaped(std::string(1, c))));
    }
  }
  out.push_back({SpaceToken::end, "end of file", line});
  return out;
}

} // namespace nasc
