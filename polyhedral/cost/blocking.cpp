// Traffic of an image's tiles: each block of channels lies elsewhere, so that nothing but a cache
// hides the latency.
#include "polyhedral/cost/blocking.h"

#include <algorithm>
#include <cmath>

#include "polyhedral/cost/register_tile.h"
#include "polyhedral/cost/streaming.h"

namespace nasc {
namespace {
constexpr double kFarSeen = 0.4; // of reads from the last cache: the others overlap
constexpr double kUnasked = 0.67; // of the rate of memory, for what is not fetched ahead
constexpr double kClearly = 1.04;
constexpr double kTileShare = 0.6; // of the first cache, what a panel and the rows of a tile may take, in blocks of the sum
constexpr double kTimely = 32; // passes over a panel: of more, what is fetched ahead comes too early

double up(double a, double b) { return std::ceil(a / b); }

struct Model {
  const TileSizes& s;
  int64_t lanes;
  const Target& t;
  double l1 = kTileShare * static_cast<double>(t.l1_bytes), l2 = 0.7 * static_cast<double>(t.l2_bytes);

  double width(const TileChoice& c) const { return static_cast<double>(c.vectors * lanes); }
  double count(const TileChoice& c) const { return up(static_cast<double>(s.columns), width(c)); }
  double panel(const TileChoice& c) const { return width(c) * s.depth * kFloatBytes; }
  double points() const { return s.outer * static_cast<double>(s.rows * s.lines); }
  double tiles(const TileChoice& c) const {
    return up(static_cast<double>(s.rows), static_cast<double>(c.rows));
  }
  // Cycles to read a matrix from memory that is not fetched ahead in time.
  double waited_for(double passes) const {
    bool far = s.matrix_bytes > static_cast<double>(t.l2_bytes) / 2;
    return far && passes > kTimely ? s.matrix_bytes / (kUnasked * t.memory_rate) : 0;
  }
  // A panel and what the rows of a tile read.
  double used(const TileChoice& c) const {
    double apart = std::max(1.0, s.touched_bytes / (s.depth * points() * kFloatBytes));
    return panel(c) + static_cast<double>(c.rows) * s.depth * kFloatBytes * apart;
  }
  double traffic(double near, double far) const {
    return kSeenShare * near / t.l2_rate + kFarSeen * far / t.l3_rate;
  }
  // Between one core and all of them.
  double shared(double trips) const { return (1 + uneven(trips, std::max(1, t.cores))) / 2; }

  double alone(const TileChoice& c) const {
    double arithmetic = arithmetic_cycles(c, s, lanes, t), n = count(c), rows = s.touched_bytes;
    double near = n * rows, far = 0, waited = 0;
    if (c.matrix_outer) {
      waited = waited_for(s.outer * up(static_cast<double>(s.lines), static_cast<double>(c.lines)) *
                          tiles(c));
      if (rows + std::min(panel(c), l1) > l2)
        far = (n - 1) * rows;
    } else {
      double strips = s.outer * up(static_cast<double>(s.lines), static_cast<double>(c.lines));
      double strip = rows / strips;
      if (strip + panel(c) <= l1)
        near = rows;
      if (s.matrix_bytes + strip > l2)
        far = (strips - 1) * s.matrix_bytes;
    }
    return arithmetic + traffic(near, far) + waited;
  }

  double together(const TileChoice& c) const {
    double n = count(c), rows = s.touched_bytes;
    double columns = c.column_tiles ? static_cast<double>(c.column_tiles) : n;
    double lines = static_cast<double>(c.line_tiles ? c.line_tiles : s.lines);
    double strips = static_cast<double>(s.lines) / lines, passes = n / columns;
    double blocks = c.block ? static_cast<double>(s.first / c.block) : 1;
    double strip = rows / strips / blocks;
    double near = n * rows, far = 0, waited = waited_for(s.outer * lines * tiles(c));
    if (c.block)
      near += 2 * (blocks + 1) * points() * static_cast<double>(s.columns) * kFloatBytes;
    if (strip > l2)
      far += n * rows;
    else if (rows > l2)
      far += (passes - 1) * rows;
    if (s.matrix_bytes + strip > l2)
      far += (strips - 1) * s.matrix_bytes;
    double trips = (c.column_tiles ? passes : 1) * (c.line_tiles ? strips : 1);
    return (arithmetic_cycles(c, s, lanes, t) + traffic(near, far) + waited) * shared(trips);
  }

  // Blocks of the sum whose panel and rows stay in the first cache; 0: those of the whole sum do.
  std::vector<int64_t> blocks(const TileChoice& c) const {
    if (used(c) <= kWholeShare * static_cast<double>(t.l1_bytes))
      return {0};
    std::vector<int64_t> out;
    for (int64_t b = s.first / c.chunk * c.chunk; b > c.chunk; b -= c.chunk)
      if (s.first % b == 0 &&
          used(c) * static_cast<double>(b) <= l1 * static_cast<double>(s.first))
        out.push_back(b);
    return out;
  }
  bool copy_fits(const TileChoice& c) const {
    double tiles = c.column_tiles ? static_cast<double>(c.column_tiles) : count(c);
    double lines =
        c.line_tiles ? static_cast<double>(c.line_tiles) / static_cast<double>(s.lines) : 1;
    return !c.block || tiles * width(c) * points() * lines * kFloatBytes <= kMostCopy;
  }
};
} // namespace

double uneven(double tiles, int cores) {
  double trips = std::ceil(tiles), most = 0;
  for (int t = 0; t < cores; ++t) {
    double first = std::floor(trips * t / cores), last = std::floor(trips * (t + 1) / cores);
    most = std::max(most, std::min(last, tiles) - first);
  }
  return most * cores / tiles;
}

std::optional<TileChoice> together_choice(const TileChoice& base,
                                          const std::vector<TileChoice>& tiles, const TileSizes& s,
                                          int64_t lanes, const Target& t) {
  Model model{s, lanes, t};
  // Windows that overlap read what they just read.
  bool overlap = s.depth * model.points() * kFloatBytes > s.rows_bytes;
  if (s.products > 1 || overlap)
    return std::nullopt;
  double trips = s.outer * static_cast<double>(s.lines);
  if (base.matrix_outer || trips < 2)
    trips = model.count(base);
  double best_cycles = model.alone(base) * model.shared(trips) / kClearly;
  std::optional<TileChoice> best;
  for (TileChoice c : tiles) {
    int64_t count = static_cast<int64_t>(model.count(c));
    if (c.lines > 1)
      continue;
    c.matrix_outer = true;
    auto consider = [&](int64_t columns, int64_t lines) {
      c.column_tiles = columns;
      c.line_tiles = lines;
      for (int64_t block : model.blocks(c)) {
        c.block = block;
        if (!model.copy_fits(c))
          continue;
        if (double cycles = model.together(c); cycles < best_cycles)
          best = c, best_cycles = cycles;
      }
    };
    std::vector<int64_t> columns = {0}, strips = {0};
    for (int64_t n = 1; n <= count / 2 && s.columns % (c.vectors * lanes) == 0; ++n)
      if (count % n == 0)
        columns.push_back(n);
    for (int64_t n = 1; n <= s.lines / 2; ++n)
      if (s.lines % n == 0)
        strips.push_back(n);
    for (int64_t n : columns)
      for (int64_t m : strips)
        if (n || m)
          consider(n, m);
  }
  return best;
}

} // namespace nasc
