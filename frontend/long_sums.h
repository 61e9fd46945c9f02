// Long floating point sums in two levels, so that their error does not grow with their length.
#pragma once

#include "ir/program.h"

namespace nasc {

// A sum of n >= 1024 terms that is no matrix product, y[o] += f(o, k, l), becomes p[o, k] += f(o, k, l) and
// y[o] += p[o, k], with a local tensor p: the error of a sum grows with its length (in single precision a mean of
// 32768 values was wrong by 1e-5 of itself), that of two sums of about sqrt(n) terms hardly does. k is one of the
// iterators that are summed over, or numbers blocks of the only one. Sums of symbolic length stay.
void split_long_sums(Program& program);

}  // namespace nasc
