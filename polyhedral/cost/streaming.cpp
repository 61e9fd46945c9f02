// A block of the matrix stays in the first-level cache from its first pass to its last; a matrix
// that no cache keeps between inferences is fetched ahead.
#include "polyhedral/cost/streaming.h"

namespace nasc {
Streaming streaming(const Contraction& c, const Program& p, const Target& target,
                    const TileChoice& tile, double passes, double points, bool amplified, bool shorten) {
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
  out.prefetch = tile.matrix_outer && whole.constant() > 2 * target.l1_bytes && passes <= kFetchedPasses;
  double l1 = static_cast<double>(target.l1_bytes);
  shorten = shorten && terms * *depth >= kLongTerms;
  if (passes < 2 || (row * static_cast<double>(*depth) <= kWholeShare * l1 && !shorten) ||
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

} // namespace nasc
