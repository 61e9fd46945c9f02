// The storage judge: elements that a layout folds onto one place must not live at the same time.
#pragma once

#include "legality/verdict.h"
#include "polyhedral/module.h"

namespace nasc {

// A local tensor whose layout has fewer places than the tensor has elements (`mod` of an outer
// part).
bool folds(const Tensor& tensor);

// From the first write of an element to its last access no other element of the same place is
// written. Dependences are on logical elements and say nothing about this. The storage is each
// thread's own. What is not surely_apart isl decides; undecided when it hits its quota. A Program
// without folded tensors costs nothing.
Verdict judge_storage(const Kernel& kernel);
Verdict judge_storage_by_isl(const Kernel& kernel);
// The answer for a folded tensor is yes, since the values of loops around all its accesses and the
// place say which element it is. Costs next to nothing; false says nothing.
bool surely_apart(const Kernel& kernel, const Tensor& tensor);

// The Program with a place for every element: what an order other than the judged one needs.
Program unfolded(Program program);
// The unfolded Program in the order that its text means.
Kernel textual_kernel(const Program& program);

} // namespace nasc
