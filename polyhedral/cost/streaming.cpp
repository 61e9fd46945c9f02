// A block of the matrix stays in the first-level cache from its first pass to its last; a matrix
// that no cache keeps between inferences is fetched ahead. Long sums are made of short ones.
#include "polyhedral/cost/streaming.h"

#include <cmath>

#include "polyhedral/cost/register_tile.h"

namespace nasc {
namespace {
// Of an amplified sum, added at a time to a copy of all tiles; a sum of fewer than four blocks stays whole.
constexpr int64_t kBlockTerms = 64, kLongTerms = 4 * kBlockTerms;
constexpr double kManyPasses = 32; // over a block of the matrix: worth short sums that do not fit the registers
} // namespace

Streaming streaming(const Contraction& c, const Program& p, const Target& target,
                    const TileChoice& tile, double passes, double points, bool amplified) {
  Streaming out;
  if (c.reduction.empty())
    return out;
  const Statement& s = p.statement(c.statement);
  const Tensor& matrix = p.tensor(c.matrix_tensor);
  Extent whole = storage_bytes(matrix);
  auto depth = iterator_extent(s, c.reduction[0]);
  if (!whole.is_constant() || !depth || *depth % tile.chunk || *depth <= tile.chunk)
    return out;
  double row =
      static_cast<double>(tile.vectors * target.lanes(bytes(matrix.dtype)) * bytes(matrix.dtype));
  int64_t terms = 1;
  for (size_t k = 1; k < c.reduction.size(); ++k) {
    auto e = iterator_extent(s, c.reduction[k]);
    if (!e)
      return out;
    row *= static_cast<double>(*e);
    terms *= *e;
  }
  out.prefetch = tile.matrix_outer && whole.constant() > target.l2_bytes / 2 && passes <= kFetchedPasses;
  double l1 = static_cast<double>(target.l1_bytes);
  bool shorten = amplified && terms * *depth >= kLongTerms;
  if (passes < 2 || (row * static_cast<double>(*depth) <= kPanelShare * l1 && !shorten) ||
      points * bytes(p.tensor(s.write.tensor).dtype) > kMostCopy)
    return out;
  for (int64_t b = tile.chunk; b < *depth; b += tile.chunk)
    if (*depth % b == 0 && row * static_cast<double>(b) <= kPanelShare * l1 && !(amplified && out.block && terms * b > kBlockTerms))
      out.block = b;
  return out;
}

bool far_rows(const Contraction& c, const Program& p, const Target& target, const TileChoice& tile) {
  constexpr int64_t kStreams = 8;
  if (tile.matrix_outer || tile.lines > 1 || tile.together() || c.reduction.empty())
    return false;
  const Tensor& rows = p.tensor(c.rows_tensor);
  Extent whole = storage_bytes(rows);
  int64_t depth = iterator_extent(p.statement(c.statement), c.reduction[0]).value_or(0);
  return whole.is_constant() && whole.constant() > target.l2_bytes / 2 && depth > kStreams * tile.chunk;
}

int64_t short_sums(const Contraction& c, const Program& p, const Target& target,
                   const TileChoice& tile, double passes, bool amplified) {
  const Statement& s = p.statement(c.statement);
  bool fits = fits_registers(target, 2 * tile.rows * tile.lines, tile.vectors);
  if (c.reduction.empty() || (!fits && !(amplified && passes > kManyPasses)))
    return 0;
  int64_t terms = 1; // per value of the first loop
  for (size_t k = 1; k < c.reduction.size(); ++k) {
    auto e = iterator_extent(s, c.reduction[k]);
    if (!e)
      return 0;
    terms *= *e;
  }
  int64_t out = 0, depth = iterator_extent(s, c.reduction[0]).value_or(0);
  // The error of n short sums of m terms grows with the root of n + m, least where they are equal; when the total waits on
  // the stack, half as many additions are worth 12 % of the error.
  double most = (fits ? 1 : 2) * std::sqrt(static_cast<double>(terms * depth));
  for (int64_t b = tile.chunk; b < depth && (static_cast<double>(terms * b) <= most || !out); b += tile.chunk)
    if (depth % b == 0)
      out = b;
  return 2 * out <= depth ? out : 0;
}

} // namespace nasc
