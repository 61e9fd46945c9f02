// Enumerates what could be wrong with a schedule as integer systems, for an engine that decides
// them one by one.
#pragma once

#include <functional>

#include "legality/order_ppl.h"

namespace nasc {

using Decide = std::function<IntegerAnswer(const IntegerSystem&)>;

// The verdict when `decide` answers each system; undecided as soon as it gives up. May throw
// IntegerOverflow. `prune`: systems that simplification alone shows to be empty are not asked
// about.
Verdict judge_cases(const Kernel& kernel, const Decide& decide, bool prune = true);

} // namespace nasc
