// Scalar values and the exact meaning of every scalar function in every element type.
#pragma once

#include <cstddef>
#include <cstdint>

#include "ir/dtype.h"
#include "ir/expr.h"

namespace nasc {

// Float types hold f (always a value of the type: f32 and f16 are rounded after each operation); integers and bool
// hold i, extended to 64 bits as the type's sign says (u64: its bit pattern).
union Scalar {
  double f;
  int64_t i;
};

Scalar load(DType type, const std::byte* at);
void store(DType type, std::byte* at, Scalar value);
// `value` rounded to a float type, to nearest even.
double rounded(DType type, double value);
// The low bits of `value` as a value of an integer type.
int64_t wrapped(DType type, int64_t value);
// Cast: float to integer truncates and saturates (NaN gives 0), integers wrap, bool is "not zero".
Scalar convert(DType from, DType to, Scalar value);

// One function on operands of one type (select: on the type of the values). Results of comparisons are bool.
// Throws UserError bad_tensor on integer division by zero. Leaves and cast are not here.
using ScalarFn = Scalar (*)(DType operands, const Scalar* args);
ScalarFn scalar_fn(Fn fn, DType operands);

}  // namespace nasc
