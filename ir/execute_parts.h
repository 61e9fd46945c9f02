// What the executor runs one statement with. Private to ir.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "ir/execute.h"

namespace nasc {

// A row-major tensor in memory; dtype is the effective one (f64 for every float type in double).
struct Elements {
  DType dtype;
  std::vector<int64_t> shape;
  std::byte* data;
};
using ElementsByName = std::map<std::string, Elements>;

inline DType effective(DType type, const ExecuteOptions& options) {
  return options.in_double && is_float(type) ? DType::f64 : type;
}
inline std::vector<int64_t> row_major_strides(const std::vector<int64_t>& shape) {
  std::vector<int64_t> strides(shape.size(), 1);
  for (size_t d = shape.size(); d-- > 1;) strides[d - 1] = strides[d] * shape[d];
  return strides;
}

// Row by row evaluation of any statement.
void run_rows(const Program& program, const Statement& s, const ElementsByName& tensors, const ParameterValues& values,
              const ExecuteOptions& options);
// The statement through matrix products, when it is a contraction and BLAS is there; false when not.
bool run_contraction(const Statement& s, const ElementsByName& tensors, const ParameterValues& values);

// Makes the index functions of accesses linear by splitting one iterator m, 0 <= m < q * groups, into its member (in
// place) and its group (a new last dimension), where the only floors are floor(m / q). True when all are linear after.
bool split_groups(std::vector<std::pair<int64_t, int64_t>>& bounds, const std::vector<std::vector<IndexFn>*>& accesses);

// Vector forms of scalar functions on rows of float or double (lanes of comparisons and conditions are int64_t);
// nullptr when there is only the scalar form.
using RowKernel = void (*)(const void* const* args, void* out, int n);
RowKernel row_kernel(Fn fn, DType operands);
struct RowSums {
  float (*sum)(const float* from, int n);  // in 16 parts
  void (*add)(float* to, const float* from, int n);
};
const RowSums& row_sums();

}  // namespace nasc
