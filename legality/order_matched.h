// The part of the order judge that needs no integer programming.
#pragma once

#include "polyhedral/module.h"

namespace nasc {

// True: every dependence is surely kept and no marked loop carries one, as judge_order_by_isl would
// find. False: nothing is known. Two instances that touch the same element agree in the iterators
// that index it; loops over these do not separate them, and then the place in a sequence must.
bool keeps_matched_order(const Kernel& kernel);

} // namespace nasc
