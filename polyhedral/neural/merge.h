// Loops of a piece that continue each other made one.
#pragma once

#include "polyhedral/neural/form.h"

namespace nasc {

// Loops of one iteration go, continuing ones are merged, the rest is sorted.
void merge_loops(ConvPiece& piece);

}  // namespace nasc
