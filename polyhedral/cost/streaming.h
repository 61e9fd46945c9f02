// How a contraction's matrix comes from memory while its tiles compute.
#pragma once

#include "polyhedral/cost/tile_choice.h"

namespace nasc {

struct Streaming {
  int64_t block =
      0; // values of the first reduction loop after which all rows of outputs were served; 0: all
  bool prefetch = false; // the next block while this one is used
};

// `passes`: tiles of rows that read the same columns of the matrix one after the other; `points`: of the output, that
// these tiles hold: a block needs a copy of them, which each thread has on its stack.
Streaming streaming(const Contraction& contraction, const Program& program, const Target& target,
                    const TileChoice& tile, double passes, double points);

} // namespace nasc
