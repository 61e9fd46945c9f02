// Comparison of results with references: |y - r| <= rtol |r| + atol scale.
#pragma once

#include <string>

#include "ir/host_tensor.h"

namespace nasc {

struct Tolerance {
  double rtol = 1e-4, atol = 1e-5;
  bool by_size = true; // scale is max(1, RMS(r)); else 1, as the ONNX suites do
};

// NaN equals NaN, an infinity the same infinity; integers and booleans must be equal. Half
// precision results get a relative tolerance of at least two of its units.
struct Difference {
  bool equal = true;
  std::string why; // the first element at fault, or another type or shape
  double max_absolute = 0, max_relative = 0, max_ulp = 0;
  double relative_rms = 0; // of the difference, over that of the reference; finite elements only
  int64_t wrong = 0, count = 0;
};
Difference compare(const HostTensor& result, const HostTensor& reference,
                   const Tolerance& tolerance);

} // namespace nasc
