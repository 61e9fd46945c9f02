// What each step of a compiled model has to do: for profiles, and for whether threads divide it.
#pragma once

#include <optional>
#include <vector>

#include "ir/program.h"
#include "ir/target.h"

namespace nasc {

// Floating-point operations of the statements, and the bytes of the bound tensors, each touched once.
struct Cost {
  Extent flops, bytes;
  bool whole = true;  // all is counted
};
Cost cost_of(const Program& program);
// False where the threads would wait for each other longer than the work takes; true where that depends on parameters.
bool worth_dividing(const Cost& cost, const Target& target);
// Positive where several threads are worth having for these steps, each of which is divided; nullopt when not all is counted.
std::optional<Extent> worth_threads(const std::vector<Cost>& steps, const Target& target);

}  // namespace nasc
