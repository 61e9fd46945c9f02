// The analytic model of register tiles: which block of outputs to keep in vector registers.
#pragma once

#include <cstdint>

#include "ir/target.h"

namespace nasc {

inline constexpr int64_t kFloatBytes = 4;  // of the elements that the models reckon with
// Measured (Granite Rapids): cycles to load a total from memory, add an accumulator and store it.
inline constexpr double kCopyCycles = 4;
// Share of the time of reads from the second cache, or of what is read again, that does not overlap with other work.
inline constexpr double kSeenShare = 0.25;

struct RegisterTile {
  int64_t rows = 1;     // scalars broadcast per step (pixels, rows of a GEMM)
  int64_t vectors = 1;  // vectors of outputs per row
  double cycles_per_step = 0;  // for all `row_extent` rows and one group of `vectors`, per vector of outputs
};

// The tile with the least time for `row_extent` rows and `vector_extent` vectors of outputs: accumulators, one
// vector per output vector and one broadcast must fit the registers (cpu-perf 3.1); a step costs the larger of the
// multiply-adds (two pipes), the loads and the latency of the accumulator chain (four cycles);
// partial tiles cost what their rows cost. partial: the last tile may have fewer vectors, too.
RegisterTile register_tile(const Target& target, int64_t row_extent, int64_t vector_extent, bool partial = false);

// Outputs side by side of a window over each channel whose innermost `taps` are unrolled: the inputs and weights of the
// taps share the registers with the accumulators.
int64_t window_rows(const Target& target, int64_t row_extent, int64_t taps);

// Cycles of one step of one tile.
double step_cycles(const Target& target, int64_t rows, int64_t vectors);
// Cycles per step of `row_extent` rows in tiles of rows x vectors, partial tiles included.
double rows_cycles(const Target& target, int64_t row_extent, int64_t rows, int64_t vectors);
bool fits_registers(const Target& target, int64_t rows, int64_t vectors);

}  // namespace nasc
