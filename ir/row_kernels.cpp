// Loops over rows of floats that the compiler vectorises, for the processor at hand. No multiplication is contracted with an
// addition: results are the same on all.
#include <cmath>

#include "ir/execute_parts.h"

namespace nasc {
namespace {
namespace common {
#include "ir/row_kernels_loops.h"
}  // namespace common

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define NASC_WIDE_ROWS 1
#pragma GCC push_options
#pragma GCC target("avx2")
namespace wide {
#include "ir/row_kernels_loops.h"
}  // namespace wide
#pragma GCC pop_options
const bool has_wide = __builtin_cpu_supports("avx2");
#endif
}  // namespace

RowKernel row_kernel(Fn fn, DType operands) {
#ifdef NASC_WIDE_ROWS
  if (has_wide) return wide::find_any(fn, operands);
#endif
  return common::find_any(fn, operands);
}

const RowSums& row_sums() {
#ifdef NASC_WIDE_ROWS
  if (has_wide) return wide::kRowSums;
#endif
  return common::kRowSums;
}

}  // namespace nasc
