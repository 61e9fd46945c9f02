// Transformations of some statements of a kernel: those that others surround keep their loops.
#pragma once

#include <string>
#include <vector>

#include "polyhedral/transformation.h"

namespace nasc {

// The statements alone, as a Program of their own: what others write or read of what they touch is
// bound. Refuses  not-a-part (no such statements, not one behind the other, or others write what
// they write).
Expected<Program> part_of(const Program& program, const std::vector<std::string>& statements);

// `apply` with the further argument `of`: the loops around these statements are made as if there
// were no others, and put in the place of those they had. Refuses  not-a-part.
using OnKernel = std::function<Expected<Kernel>(const Kernel&, const Args&)>;
OnKernel on_part(OnKernel apply);
inline constexpr Parameter kOfPart{Parameter::words, "of",
                                   "only these statements, which no loop joins to others", false};

} // namespace nasc
