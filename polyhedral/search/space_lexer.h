// Tokens of space and objective texts, with lines for diagnostics.
#pragma once

#include <string>
#include <vector>

namespace nasc {

struct SpaceToken {
  enum Kind { word, quoted, mark, end } kind = end;
  std::string text;
  int line = 1;
};
// Words are letters, digits and _.:/%+-; marks are one of ( ) { } [ ] , ; $ * ? | and = == != < <=
// >
// >=. Comments (#) and spaces are dropped; the last token is `end`. Throws UserError at FILE:LINE.
std::vector<SpaceToken> space_tokens(const std::string& text, const std::string& file);

} // namespace nasc
