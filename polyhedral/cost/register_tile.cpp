// Search of the few dozen register tiles.
#include "polyhedral/cost/register_tile.h"

#include <algorithm>

namespace nasc {
namespace {
// Measured (1x1 convolutions of 96 channels, tiles of 60 pixels): 12 broadcasts and a load take 7.5 cycles; 8 accumulators
// are as fast as 12 from near caches, but the steps of smaller tiles have to hide as much of the rest.
constexpr double kFmaPerCycle = 2, kLoadsPerCycle = 1.6, kFmaLatency = 4, kStepOverhead = 0.5;
// Measured (Granite Rapids): a step of few accumulators costs more where a vector is a whole line of the cache (ResNeXt's
// 1024 channels @8 in tiles of 2x8 instead of 8x2: 101 GFLOP/s, not 145).
constexpr int kWideBits = 512;
constexpr double kWideOverhead = 1;

}  // namespace

double step_cycles(const Target& target, int64_t rows, int64_t vectors) {
  double fma = static_cast<double>(rows * vectors) / kFmaPerCycle;
  double loads = static_cast<double>(rows + vectors) / kLoadsPerCycle;
  return std::max({fma, loads, kFmaLatency}) + (target.vector_bits >= kWideBits ? kWideOverhead : kStepOverhead);
}

double rows_cycles(const Target& target, int64_t row_extent, int64_t rows, int64_t vectors) {
  double cycles = static_cast<double>(row_extent / rows) * step_cycles(target, rows, vectors);
  return row_extent % rows ? cycles + step_cycles(target, row_extent % rows, vectors) : cycles;
}

bool fits_registers(const Target& target, int64_t rows, int64_t vectors) {
  return rows * vectors + vectors + 1 <= target.vector_registers;
}

int64_t window_rows(const Target& target, int64_t row_extent, int64_t taps) {
  constexpr int64_t kLive = 3;  // taps whose operands are held; those of more are read again
  int64_t most = std::max<int64_t>(1, target.vector_registers - 2 * std::min(taps, kLive)), best = 1;
  auto tile = [](int64_t rows) {
    return rows ? std::max(static_cast<double>(rows) / kFmaPerCycle, kFmaLatency) + kStepOverhead : 0;
  };
  auto cycles = [&](int64_t rows) { return static_cast<double>(row_extent / rows) * tile(rows) + tile(row_extent % rows); };
  for (int64_t rows = 1; rows <= std::min(row_extent, most); ++rows)
    if (cycles(rows) <= cycles(best)) best = rows;
  return best;
}

RegisterTile register_tile(const Target& target, int64_t row_extent, int64_t vector_extent, bool partial) {
  RegisterTile best;
  for (int64_t vectors = 1; vectors <= 8; ++vectors) {
    int64_t rest = vector_extent % vectors;
    if (vectors > 1 && (partial ? vectors > vector_extent : rest > 0)) continue;
    for (int64_t rows = 1; rows <= std::min<int64_t>(row_extent, 28); ++rows) {
      if (!fits_registers(target, rows, vectors)) continue;
      double group = rows_cycles(target, row_extent, rows, vectors), cycles = group / static_cast<double>(vectors);
      if (rest) {
        double all = group * static_cast<double>(vector_extent / vectors) + rows_cycles(target, row_extent, rows, rest);
        cycles = all / static_cast<double>(vector_extent);
      }
      bool better = best.cycles_per_step == 0 || cycles < best.cycles_per_step * 0.999;
      bool tied = !better && cycles <= best.cycles_per_step * 1.001;
      // Equal time: fewer partial tiles, which are compiled twice.
      if (better || (tied && row_extent % rows == 0 && row_extent % best.rows != 0)) best = {rows, vectors, cycles};
    }
  }
  return best;
}

}  // namespace nasc
