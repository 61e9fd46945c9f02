// Tiles of a contraction that are taken together, so that what they share stays in the second-level
// cache.
#pragma once

#include <optional>

#include "polyhedral/cost/tile_choice.h"

namespace nasc {

// What a contraction computes and reads, by shapes alone.
struct TileSizes {
  double outer = 1; // points of the dimensions besides rows, lines and vectors
  int64_t rows = 1, lines = 1, columns = 1;
  int64_t period = 1;  // of the rows, one has the terms of a tap
  double depth = 1;  // terms of each sum
  int64_t first = 1; // values of its outermost loop
  double matrix_bytes = 0, rows_bytes = 0;
  double touched_bytes = 0; // of the rows: what lies in the lines that are read
  double products = 1;      // independent ones, of `outer`
};
TileSizes tile_sizes(const Contraction& contraction, const Program& program);
// Cycles of one core for the multiply-adds of all tiles, partial ones included.
double arithmetic_cycles(const TileChoice& tile, const TileSizes& sizes, int64_t lanes, const Target& target);
// Time of the thread with the most of some tiles, the last of which may be a part of one, over that of equal shares.
double uneven(double tiles, int cores);

// The best of `tiles` with loops around groups of tiles of an image, when it clearly beats `base`,
// whose loops go through the whole image for all columns, or through all columns for each line.
std::optional<TileChoice> together_choice(const TileChoice& base,
                                          const std::vector<TileChoice>& tiles,
                                          const TileSizes& sizes, int64_t lanes,
                                          const Target& target);

} // namespace nasc
