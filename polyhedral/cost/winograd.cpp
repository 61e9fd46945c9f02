// Products at the rate of their register tile, transforms by vector, and traffic of what leaves the
// caches.
#include "polyhedral/cost/winograd.h"

#include <algorithm>
#include <map>

#include "polyhedral/cost/register_tile.h"

namespace nasc {
namespace {
// A transform of one vector of channels: its multiply-adds, two per cycle, and its loads and
// stores.
struct Transforms {
  double input, output;
};
Transforms transforms_of(int64_t m) {
  static const std::map<int64_t, Transforms> kTransforms = {{2, {50, 40}}, {3, {115, 75}}, {4, {190, 130}}};
  return kTransforms.at(m);
}

// Vectors of all groups' channels; the last may be filled in part.
double vectors_of(int64_t channels, const Target& t) { return static_cast<double>((channels + t.lanes(kFloatBytes) - 1) / t.lanes(kFloatBytes)); }

// Of a group's outputs.
RegisterTile group_tile(const WinogradShape& w, int64_t rows, const Target& t) {
  return register_tile(t, rows, static_cast<int64_t>(vectors_of(w.rows(), t)), w.rows() % t.lanes(kFloatBytes) != 0);
}

// Of both transformed tensors, which have room for whole vectors.
double transformed_bytes(const WinogradShape& w, const Target& t) {
  int64_t points = w.tile() * w.tile() * w.all_tiles();
  return static_cast<double>(points * t.vector_bits / 8) * (vectors_of(w.channels * w.groups, t) + vectors_of(w.out[1], t));
}
double filter_bytes(const WinogradShape& w) { return static_cast<double>(w.tile() * w.tile() * w.channels * w.out[1] * kFloatBytes); }

// To write bytes and to read them again when so many at once pass through the second cache.
double beyond_cycles(double bytes, double at_once, const Target& t) {
  return 2 * bytes * std::max(0.0, 1 - static_cast<double>(t.l2_bytes) / 2 / at_once) / t.l3_rate;
}

// Weights of a whole network do not stay in any cache between inferences.
double weights_traffic(double bytes, const Target& t) { return bytes / t.memory_rate; }
} // namespace

RegisterTile product_tile(const WinogradShape& w, const Target& t) { return group_tile(w, w.block_tiles(), t); }

double direct_cycles(const WinogradShape& w, const Target& t) {
  double vectors = vectors_of(w.out[1], t);
  RegisterTile tile = group_tile(w, w.out[3], t);
  double rows = static_cast<double>(w.out[0] * w.out[2]),
         steps = 9 * static_cast<double>(w.channels);
  return std::max(rows * steps * vectors * tile.cycles_per_step,
                  weights_traffic(steps * static_cast<double>(w.out[1] * kFloatBytes), t));
}

double winograd_cycles(const WinogradShape& w, const Target& t) {
  double points = static_cast<double>(w.tile() * w.tile()), tiles = static_cast<double>(w.all_tiles());
  double in = vectors_of(w.channels * w.groups, t), out = vectors_of(w.out[1], t);
  RegisterTile tile = group_tile(w, w.all_tiles(), t);
  double products = std::max(points * static_cast<double>(w.channels) * out * tile.cycles_per_step,
                             weights_traffic(filter_bytes(w), t));
  Transforms each = transforms_of(w.m);
  double transforms = tiles * (in * each.input + out * each.output);
  // Both transformed tensors are written and read once; what of a block does not fit the second
  // cache comes from the last. Each block reads the filters again.
  double bytes = transformed_bytes(w, t);
  int64_t block = winograd_block(w, t);
  if (!block)
    return products + transforms + beyond_cycles(bytes, bytes, t);
  double blocks = static_cast<double>(w.out[0] * w.tiles(0)) / static_cast<double>(block), filters = filter_bytes(w);
  return products + transforms + beyond_cycles(bytes, bytes / blocks, t) + blocks * filters / t.read_rate(filters + bytes / blocks);
}

int64_t winograd_block(const WinogradShape& w, const Target& t) {
  constexpr int64_t kTiles = 14, kBlocks = 8; // at least: tiles that read U once; fewer blocks are still large
  double transformed = transformed_bytes(w, t), filters = filter_bytes(w);
  for (int64_t rows = 1; rows * kBlocks <= w.tiles(0); ++rows)
    if (w.tiles(0) % rows == 0 && rows * w.tiles(1) >= kTiles) {
      // What V and P need not be read and written beyond the second cache, against filters that each block reads.
      double blocks = static_cast<double>(w.out[0] * w.tiles(0) / rows);
      return beyond_cycles(transformed, transformed, t) > blocks * filters / t.read_rate(filters) ? rows : 0;
    }
  return 0;
}

} // namespace nasc
