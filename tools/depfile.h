// Make dependency files (-MD).
#pragma once

#include <string>
#include <vector>

namespace nasc {

// A name as make and ninja read it in a rule. UserError usage for names that no quoting can carry
// (newlines).
std::string make_quoted(const std::string& name);

struct DepFile {
  std::vector<std::string> targets; // already quoted
  std::vector<std::string> inputs;  // file names
  bool phony =
      false; // -MP: an empty rule per input but the first, so that deleting one is no error
};
std::string text(const DepFile& file);

} // namespace nasc
