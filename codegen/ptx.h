// From a Kernel to PTX text for a CUDA device.
#pragma once

#include "codegen/emit.h"

namespace nasc {

// .entry SYMBOL(buffers..., values): the Program's non-temp tensors in order, then the values array, all in global
// memory. Any grid is right; a block has `threads` threads (0: any number).
struct PtxKernel {
  std::string symbol, ptx;
  int threads = 1;
  int grid_dims = 0;  // 0: launch one block
  std::vector<std::string> notes;
};
// `sm` as in 75, 80, 90. Refusals: those of emit_kernel; gpu-function (a function that is libm's on processors);
// gpu-lanes (a vectorised loop without constant trip count); gpu-reduction (vectorised loop over a sum).
Expected<PtxKernel> emit_ptx(const Kernel& kernel, int sm, const std::string& symbol, const EmitOptions& options);

}  // namespace nasc
