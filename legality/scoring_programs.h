// The Programs that scoring adds to a Network. Private to legality.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "ir/program.h"

namespace nasc {

// A definition in the notation of ir/einsum.h on f32 operands of these shapes; interned.
std::shared_ptr<const Program> scoring_program(const char* name, const std::vector<Shape>& inputs, size_t outputs);
// Names: `norm` X -> Y, M, R (batch statistics); `norm-again` X, M, R -> Y; `cross-entropy` Z, T -> L[1]; `fisher` and `flow` A, G -> D[C];
// `codes` X -> K[N, N] (rectified positions that two images share).

}  // namespace nasc
