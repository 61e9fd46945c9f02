// Ways to tile a contraction, with the time that the analytic model gives each.
#pragma once

#include <string>
#include <vector>

#include "ir/target.h"
#include "polyhedral/cost/contraction.h"

namespace nasc {

struct TileChoice {
  int64_t rows = 1, vectors = 1;  // of the register tile
  int64_t lines = 1;              // of the contraction's second dimension of rows, each of `rows`
  bool matrix_outer = false;      // the loop over vectors is outermost: the matrix is read once, the rows once per block
  bool serial = false;            // one tile of vectors, read in blocks that all rows use: one thread computes it
  int parallel = -1;              // group dimension divided among threads; -1: the first with more than one tile
  int64_t chunk = 8, step = 4;    // of the reduction: inner loop, unrolled steps
  // Tiles of columns, and of lines, that are taken together, outermost, with blocks of the sum around them; 0: all.
  int64_t column_tiles = 0, line_tiles = 0, block = 0;
  bool together() const { return column_tiles > 0 || line_tiles > 0; }
  double cycles = 0;              // of one core
};
std::string text(const TileChoice& choice, const Contraction& contraction);

// The analytic choice first, then alternatives by predicted time. `block`: elements of the vector dimension that the
// matrix has side by side in memory, when that is settled; 0: free. Empty when no tile fits.
std::vector<TileChoice> tile_choices(const Contraction& contraction, const Program& program, const Target& target,
                                     int64_t block);

// Group dimensions above one that both operands vary along: independent products.
std::vector<int> shared_dimensions(const Contraction& contraction, const Statement& statement);

}  // namespace nasc
