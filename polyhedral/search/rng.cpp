// Generator, distributions, exp and log by range reduction and series.
#include "polyhedral/search/rng.h"

#include <cmath>
#include <limits>
#include <utility>

namespace nasc {
namespace {
constexpr double kLn2 = 0.693147180559945309417;

uint64_t splitmix(uint64_t& x) {
  uint64_t z = (x += 0x9e3779b97f4a7c15ull);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
  return z ^ (z >> 31);
}
uint64_t rotated(uint64_t x, int k) { return (x << k) | (x >> (64 - k)); }
} // namespace

Rng::Rng(uint64_t seed) {
  for (uint64_t& s : state)
    s = splitmix(seed);
}

uint64_t Rng::next() {
  uint64_t result = rotated(state[1] * 5, 7) * 9, t = state[1] << 17;
  state[2] ^= state[0];
  state[3] ^= state[1];
  state[1] ^= state[2];
  state[0] ^= state[3];
  state[2] ^= t;
  state[3] = rotated(state[3], 45);
  return result;
}

uint64_t Rng::below(uint64_t n) {
  uint64_t rest = (0 - n) % n; // 2^64 mod n: that many values would be too frequent
  uint64_t x = next();
  while (x < rest)
    x = next();
  return x % n;
}

double Rng::uniform() { return static_cast<double>(next() >> 11) * 0x1p-53; }

double Rng::normal() {
  double sum = -6;
  for (int i = 0; i < 12; ++i)
    sum += uniform();
  return sum;
}

Rng Rng::fork(uint64_t stream) { return Rng(next() ^ (stream * 0x9e3779b97f4a7c15ull)); }

void shuffle(std::vector<int>& items, Rng& rng) {
  for (size_t i = items.size(); i > 1; --i)
    std::swap(items[i - 1], items[rng.below(i)]);
}

double portable_exp(double x) {
  if (x > 709.7)
    return std::numeric_limits<double>::infinity();
  if (x < -745)
    return 0;
  double k = std::nearbyint(x / kLn2), r = x - k * kLn2, sum = 1;
  for (int i = 14; i > 0; --i)
    sum = 1 + sum * r / i;
  return std::ldexp(sum, static_cast<int>(k));
}

double portable_log(double x) {
  if (x <= 0)
    return -std::numeric_limits<double>::infinity();
  int exponent = 0;
  double m = std::frexp(x, &exponent);
  if (m < 0.70710678118654752)
    m *= 2, --exponent;
  double s = (m - 1) / (m + 1), square = s * s, sum = 0;
  for (int i = 23; i > 0; i -= 2)
    sum = 1.0 / i + square * sum;
  return exponent * kLn2 + 2 * s * sum;
}

double portable_pow(double base, double exponent) {
  return base <= 0 ? 0 : portable_exp(exponent * portable_log(base));
}

} // namespace nasc
