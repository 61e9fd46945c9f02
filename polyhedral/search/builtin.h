// Spaces that travel in the compiler, by name, and spaces in files.
#pragma once

#include <string_view>
#include <vector>

#include "polyhedral/search/space_text.h"

namespace nasc {

struct BuiltinSpace {
  const char* name; // `--space=builtin:NAME`
  const char* doc;
  std::string_view text;
};
const std::vector<BuiltinSpace>& builtin_spaces();

// `builtin:NAME`, NAME of a builtin space, or a file. Throws UserError no_input or bad_text.
SpaceText load_space(const std::string& name_or_file);

} // namespace nasc
