// Slices of a Program along a symbolic parameter: whether its instance for N is N instances for 1
// side by side.
#pragma once

#include <optional>
#include <string>

#include "polyhedral/memo.h"

namespace nasc {

// g when `extent` is g * parameter, 0 when the parameter does not occur, nullopt otherwise.
std::optional<int64_t> growth(const Extent& extent, const std::string& parameter);

// The program computes, for each r in [0, N), what it computes for N = 1 on slice r of every tensor
// that grows with N: the elements whose index in each growing dimension lies in [g r, g (r + 1)).
// Checked per statement on its domain D(N) = union of D(1) shifted by r, and on its accesses, which
// a shift of the iterator moves by g in the growing dimensions and by 0 in the others. Every
// written tensor grows. False, too, when isl gives up within its quota.
bool slices_by(const Program& program, const std::string& parameter);
// The Program for N = 1 of all parameters N that it slices_by as images are: each tensor that grows has N of them along its
// first dimension, and at least two others. Itself when there are none. Remembered per object.
//   Of rows of matrices, one says nothing about many: weights are worth reading once for several of them.
ProgramRef one_slice(const ProgramRef& program);

} // namespace nasc
