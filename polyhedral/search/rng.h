// Random numbers and elementary functions that are the same bits on every platform.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace nasc {

// xoshiro256** seeded by splitmix64. The stream and all distributions below are part of the format
// of journals: the same seed gives the same candidates everywhere. Only integer and correctly
// rounded operations are used (this folder is compiled without contraction to fused operations).
struct Rng {
  explicit Rng(uint64_t seed = 0);
  uint64_t next();
  uint64_t below(uint64_t n); // uniform in [0, n), by rejection; n > 0
  double uniform();           // [0, 1), 53 bits
  double normal();            // sum of twelve uniforms less six: mean 0, deviation 1
  Rng fork(uint64_t stream);  // an independent stream, which depends on the present state
  uint64_t state[4];
};
void shuffle(std::vector<int>& items, Rng& rng); // Fisher-Yates

// Accurate to a few units in the last place; libm may differ between machines, these do not.
double portable_exp(double x);
double portable_log(double x); // x > 0
double portable_pow(double base, double exponent);

} // namespace nasc
