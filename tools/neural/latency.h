// Predicted time of a convolution, original or rewritten, from its form alone.
#pragma once

#include "ir/target.h"
#include "polyhedral/neural/form.h"

namespace nasc {

// Cycles of one core for the kernels that the form becomes: one grouped convolution per piece, by register tiles or
// (where it applies) Winograd's algorithm, its weights from beyond the caches; and putting the pieces together.
double predicted_cycles(const ConvForm& form, const Target& target);
// At a nominal clock: the model orders candidates, it does not promise times.
double predicted_ms(double cycles);

} // namespace nasc
