// Long sums made of short ones, whose errors are smaller.
#pragma once

#include "polyhedral/cost/tile_choice.h"

namespace nasc {

struct ShortSums {
  int64_t rows = 1;   // of the register tile
  int64_t block = 0;  // values of the first reduction loop that each tile sums apart; 0: all at once
};

// Those of a tile whose totals fit the registers beside its sums, and, where what follows makes errors larger (`amplified`: the
// output transform of Winograd's algorithm does) and the sums are long or many tiles use them (`passes`), also others: in a
// tile of fewer rows, or with totals that wait on the stack. Very long sums of a product have such totals in any case.
ShortSums short_sums(const Contraction& contraction, const Program& program, const Target& target, const TileChoice& tile,
                     double passes, bool amplified);

}  // namespace nasc
