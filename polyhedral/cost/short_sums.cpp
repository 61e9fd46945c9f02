// Short sums are worth additions, or smaller tiles, where something amplifies their errors.
#include "polyhedral/cost/short_sums.h"

#include <cmath>

#include "polyhedral/cost/register_tile.h"
#include "polyhedral/cost/streaming.h"

namespace nasc {
namespace {
// Tiles that use a block of the matrix one after the other: of more, short sums are worth their time where errors are amplified.
constexpr double kManyPasses = 32;
// Of some passes, long sums are; of fewer, which wait for the matrix, a copy of all tiles in memory is cheaper (streaming.h).
constexpr double kSomePasses = 3;
// Products that nothing amplifies: of BERT's 768 terms, sums of 256 have 0.6 of the error, for 2 % of the time.
constexpr int64_t kPlainTerms = 256, kVeryLong = 3 * kPlainTerms;

// Rows of the tile for sums of `block` steps. far: the matrix comes from the second cache at each pass.
int64_t cheapest_rows(const Target& target, const TileChoice& tile, int64_t row_extent, double block, bool far) {
  // A total on the stack takes kCopyCycles in 14x2 tiles, 3 in 6x2 of half the width, where 3x2 is slower all the same.
  constexpr double kInRegisters = 0.5, kClearly = 1.05;
  constexpr int64_t kLeast = 12;
  double read = far ? static_cast<double>(tile.vectors * (target.vector_bits / 8)) / target.l2_rate : 0;
  auto tile_cycles = [&](int64_t rows) {
    double each = fits_registers(target, 2 * rows, tile.vectors) ? kInRegisters : kCopyCycles;
    return block * (step_cycles(target, rows, tile.vectors) + read) + each * static_cast<double>(rows * tile.vectors);
  };
  auto cycles = [&](int64_t rows) {
    double whole = static_cast<double>(row_extent / rows) * tile_cycles(rows);
    return row_extent % rows ? whole + tile_cycles(row_extent % rows) : whole;
  };
  int64_t best = tile.rows;
  for (int64_t rows = tile.rows - 1; rows * tile.vectors >= kLeast; --rows)
    if (cycles(rows) * (best == tile.rows ? kClearly : 1) < cycles(best))
      best = rows;
  return best;
}
}  // namespace

ShortSums short_sums(const Contraction& c, const Program& p, const Target& target, const TileChoice& tile, double passes,
                     bool amplified) {
  ShortSums out{tile.rows, 0};
  const Statement& s = p.statement(c.statement);
  int64_t terms = 1, depth = 0;  // per value of the first loop; its values
  for (size_t k = 0; k < c.reduction.size(); ++k) {
    auto e = iterator_extent(s, c.reduction[k]);
    if (!e)
      return out;
    (k ? terms *= *e : depth = *e);
  }
  auto fits = [&] { return fits_registers(target, 2 * out.rows * tile.lines, tile.vectors); };
  // The error of n short sums of m terms grows with the root of n + m, least where they are equal; when the total waits on
  // the stack, half as many additions are worth 12 % of the error.
  double most = std::sqrt(static_cast<double>(terms * depth));
  int64_t least = 1;
  if (!amplified && !fits()) {
    if (terms > 1 || depth < kVeryLong)
      return out;
    most = kPlainTerms;
    least = kPlainTerms / 2;
  } else if (!fits()) {
    bool many = passes > kManyPasses;
    if (!many && (passes <= kSomePasses || terms * depth < kLongTerms))
      return out;
    double block = many ? most : kBlockTerms;
    double panel = static_cast<double>(terms * depth * tile.vectors * (target.vector_bits / 8));
    bool far = panel > kWholeShare * static_cast<double>(target.l1_bytes);
    if (c.row >= 0 && c.group.extents[c.row].is_constant() && tile.lines == 1)
      out.rows = cheapest_rows(target, tile, c.group.extents[c.row].constant(), block, far);
    most = many && !fits() ? 2 * most : block;
  }
  for (int64_t b = tile.chunk; b < depth && (static_cast<double>(terms * b) <= most || !out.block); b += tile.chunk)
    if (depth % b == 0)
      out.block = b;
  if (2 * out.block > depth || out.block < least)
    return {tile.rows, 0};
  return out;
}

}  // namespace nasc
