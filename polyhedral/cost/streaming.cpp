// A block of the matrix stays in the first-level cache from its first pass to its last; a matrix
// that no cache keeps between inferences is fetched ahead.
#include "polyhedral/cost/streaming.h"

#include "polyhedral/cost/register_tile.h"

namespace nasc {
namespace {
// Measured on Granite Rapids (1x1 convolutions and products of 256 to 1024 terms, tiles of 24 to 28 accumulators).
constexpr double kFarShare = 1.0 / 16;  // of the second cache, of what is read from there at each pass
constexpr double kSlow = 0.25;          // of the rate of the second cache
constexpr double kManyCopies = 0.06;    // share of the time
constexpr double kNearCopyCycles = 1.2; // as kCopyCycles, of totals in the first cache (7x7 convolutions)
}  // namespace

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
  // A part of the second cache serves as well as the first one where a step needs little of it.
  double far = kFarShare * static_cast<double>(target.l2_bytes), step = step_cycles(target, tile.rows * tile.lines, tile.vectors);
  bool slow = row <= kSlow * target.l2_rate * step * static_cast<double>(terms);
  double panel = row * static_cast<double>(*depth);
  if (passes < 2 || ((panel <= kWholeShare * l1 || (slow && panel <= far)) && !shorten) ||
      points * bytes(p.tensor(s.write.tensor).dtype) > kMostCopy)
    return out;
  bool near = points * bytes(p.tensor(s.write.tensor).dtype) <= l1 / 2;
  auto copies = [&] { // share of the time
    double steps = static_cast<double>(out.block * terms) * step, sums = static_cast<double>(tile.rows * tile.lines * tile.vectors);
    double cycles = (near ? kNearCopyCycles : kCopyCycles) * sums;
    return cycles / (steps + cycles);
  };
  bool streams = slow || terms == 1;  // windows jump in their panel
  for (int64_t b = tile.chunk; b < *depth; b += tile.chunk) {
    double bytes = row * static_cast<double>(b);
    bool fits = bytes <= kPanelShare * l1 || (out.block && streams && copies() > kManyCopies && bytes <= far);
    if (*depth % b == 0 && fits && !(amplified && out.block && terms * b > kBlockTerms))
      out.block = b;
  }
  return out;
}

bool far_rows(const Contraction& c, const Program& p, const Target& target, const TileChoice& tile) {
  constexpr int64_t kStreams = 8;
  if (tile.lines > 1 || tile.together() || c.reduction.empty())
    return false;
  const Tensor& rows = p.tensor(c.rows_tensor);
  Extent whole = storage_bytes(rows);
  int64_t depth = iterator_extent(p.statement(c.statement), c.reduction[0]).value_or(0);
  return whole.is_constant() && whole.constant() > target.l2_bytes / 2 && depth > (tile.matrix_outer ? 1 : kStreams) * tile.chunk;
}

} // namespace nasc
