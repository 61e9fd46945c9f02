// What each step of a compiled model has to do: for profiles, and for whether threads divide it.
#pragma once

#include "ir/program.h"
#include "ir/target.h"

namespace nasc {

// Floating-point operations of the statements, and the bytes of the bound tensors, each touched once. What depends on
// parameters counts as nothing.
struct Cost {
  double flops = 0, bytes = 0;
  bool whole = true;  // nothing depends on parameters
};
Cost cost_of(const Program& program);
// False where the threads would wait for each other longer than the work takes.
bool worth_dividing(const Cost& cost, const Target& target);

}  // namespace nasc
