// Quoting as GCC and Clang do it for -MQ.
#include "tools/depfile.h"

#include "ir/diag.h"

namespace nasc {

std::string make_quoted(const std::string& name) {
  std::string out;
  for (size_t i = 0; i < name.size(); ++i) {
    char c = name[i];
    if (c == '\n' || c == '\r' || c == '\0')
      throw UserError(code::usage, name,
                      "a file name with line ends cannot be written into a dependency file");
    if (c == ' ' || c == '\t') {
      for (size_t j = i; j > 0 && name[j - 1] == '\\'; --j)
        out += '\\'; // backslashes before a blank are doubled
      out += '\\';
    } else if (c == '#' || c == ':') {
      out += '\\';
    } else if (c == '$') {
      out += '$';
    }
    out += c;
  }
  return out;
}

std::string text(const DepFile& file) {
  std::string out;
  for (const auto& target : file.targets)
    out += (out.empty() ? "" : " ") + target;
  out += ":";
  for (const auto& input : file.inputs)
    out += " \\\n  " + make_quoted(input);
  out += "\n";
  if (file.phony)
    for (size_t i = 1; i < file.inputs.size(); ++i)
      out += "\n" + make_quoted(file.inputs[i]) + ":\n";
  return out;
}

} // namespace nasc
