// The analytic model of Winograd convolutions (cpu-perf 6).
#pragma once

#include "polyhedral/cost/register_tile.h"
#include "polyhedral/transforms/winograd_programs.h"

namespace nasc {

// Of its products, for tiles of outputs (of a block, if there are blocks) by vectors of a group's channels.
RegisterTile product_tile(const WinogradShape& shape, const Target& target);
// Cycles of one core for the convolution directly, and by tiles of shape.m.
double direct_cycles(const WinogradShape& shape, const Target& target);
double winograd_cycles(const WinogradShape& shape, const Target& target);
// Rows of tiles per block, 0 for all at once: V and P of a block stay in the second cache, but each block, of some tiles at
// least, reads the filters U again.
int64_t winograd_block(const WinogradShape& shape, const Target& target);

} // namespace nasc
