// What each step of a compiled model has to do, for profiles.
#pragma once

#include <string>

#include "ir/program.h"

namespace nasc {

// `NAME FLOPS BYTES`: floating-point operations of the statements, and the bytes of the bound tensors, each touched
// once. What depends on parameters counts as nothing.
std::string cost_line(const Program& program);

}  // namespace nasc
