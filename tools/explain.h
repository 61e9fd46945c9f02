// What the compiler does with a kernel and why: plan, alternatives, predicted and measured times.
#pragma once

#include <string>

#include "tools/pipeline.h"

namespace nasc {

// Of a Compilation after its judge stage: the kernel of that name, or "all" for a table of all kernels. Measures in
// children of this process when the target is this machine. Throws UserError when there is no such kernel.
std::string explain(const Compilation& compilation, const std::string& kernel);

} // namespace nasc
