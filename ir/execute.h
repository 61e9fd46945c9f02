// The executor: whole Networks at useful speed, in their own types or in double; the oracle of networks.
#pragma once

#include <functional>
#include <vector>

#include "ir/host_tensor.h"
#include "ir/network.h"
#include "ir/points.h"

namespace nasc {

struct ExecuteOptions {
  bool in_double = false;  // every float tensor and operation is f64
  bool use_blas = true;    // contractions go to OpenBLAS when it can be loaded
  ParameterValues parameters = {};  // those that the shapes of the inputs do not give
  std::function<void(const Call&, double seconds)> trace = {};  // after each call
};

// Runs all calls in order on row-major inputs in the order of network.inputs; gives the outputs in theirs. Sums of
// products are re-associated where statements allow it. Throws UserError bad_tensor, bad_shape.
std::vector<HostTensor> execute(const Network& network, const std::vector<HostTensor>& inputs,
                                const ExecuteOptions& options = {});
// One Program, bound as for interpret(). With in_double, float tensors come out as f64.
void execute(const Program& program, Bindings& bindings, const ExecuteOptions& options = {});

// OpenBLAS was found. On the first call of either it is loaded, with OPENBLAS_CORETYPE set from the features of the
// CPU when it is unset (0.3.21 does not know new CPUs and would fall back to AVX2).
bool has_blas();

}  // namespace nasc
