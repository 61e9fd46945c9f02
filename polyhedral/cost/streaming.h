// How a contraction's matrix comes from memory while its tiles compute.
#pragma once

#include "polyhedral/cost/tile_choice.h"

namespace nasc {

// Of the first-level cache, what a block of the matrix may take, and the whole of it, which needs no copies of the sums:
// rows, sums and what is fetched ahead pass through the rest.
inline constexpr double kPanelShare = 0.55, kWholeShare = 0.7;
// A block of the matrix that serves more tiles than that is not fetched ahead: too much of it would come too early.
inline constexpr double kFetchedPasses = 48;

// Of an amplified sum, added at a time to a copy of all tiles; a sum of fewer than four blocks stays whole.
inline constexpr int64_t kBlockTerms = 64, kLongTerms = 4 * kBlockTerms;

inline constexpr double kMostCopy = 128 << 10;  // what codegen keeps on the stack

struct Streaming {
  int64_t block =
      0; // values of the first reduction loop after which all rows of outputs were served; 0: all
  bool prefetch = false; // the next block while this one is used
};

// The rows come from beyond the second-level cache: each chunk of the sum from a place of its own, more of them than hardware
// follows, or, where a panel of the matrix meets all rows, one tile after the other. What the next row of tiles, or the next
// tile, reads is fetched meanwhile.
bool far_rows(const Contraction& contraction, const Program& program, const Target& target, const TileChoice& tile);

// `passes`: tiles of rows that read the same columns of the matrix one after the other; `points`: of the output, that
// these tiles hold: a block needs a copy of them, which each thread has on its stack. `amplified`: what follows makes the
// errors of these sums larger, as the output transform of Winograd's algorithm does; blocks are short then, and `shorten`
// says that long sums have to be cut also where the caches need no blocks.
Streaming streaming(const Contraction& contraction, const Program& program, const Target& target,
                    const TileChoice& tile, double passes, double points, bool amplified, bool shorten);

} // namespace nasc
