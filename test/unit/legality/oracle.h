// The third opinion: executes the instance order of a small Kernel and looks at every pair that
// touches one element.
#pragma once

#include "legality/verdict.h"
#include "polyhedral/module.h"

namespace nasc::testing {

// yes or no, by enumeration; parameters take the value `parameter`.
Verdict judge_by_enumeration(const Kernel& kernel, int parameter = 5);

} // namespace nasc::testing
