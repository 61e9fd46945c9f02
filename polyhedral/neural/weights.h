// Weights of rewritten convolutions.
#pragma once

#include <string>

#include "polyhedral/neural/form.h"

namespace nasc {

// Elements of `source` (of shape `from`) at the places that the piece's loops took before the rewrite. Nothing for a
// payload that is absent.
Payload taken_weights(const Payload& source, const Shape& from, size_t element_bytes, const ConvPiece& piece);
// Normal numbers of variance 2 / fan-in, the same for the same seed everywhere.
Payload drawn_weights(DType dtype, const std::array<int64_t, 4>& shape, const std::string& seed);

}  // namespace nasc
