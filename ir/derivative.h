// Derivatives of the scalar functions of statement bodies, as a table.
#pragma once

#include "ir/expr.h"

namespace nasc {

// Sum over the places where `e` reads its k-th access of g * d e / d place, simplified: reverse mode of one expression.
// nullptr: zero everywhere. The type is that of the read. Comparisons, rounding functions and integers have derivative
// zero; at a kink max(a, b) and min(a, b) go with b, so that max(x, 0) has derivative 0 at 0; |x| has sign(x).
// Throws UserError unsupported_op for a function without a row (mod by a variable, bit operations on floats).
ExprRef pull_back(const ExprRef& e, int k, const ExprRef& g);

}  // namespace nasc
