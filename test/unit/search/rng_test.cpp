// Random streams and elementary functions are fixed bits.
#include "polyhedral/search/rng.h"

#include <catch2/catch.hpp>
#include <cmath>

using namespace nasc;

TEST_CASE("Rng: the stream of a seed never changes") {
  Rng rng(1);
  std::vector<uint64_t> first = {rng.next(), rng.next(), rng.next()};
  CHECK(first == std::vector<uint64_t>{12966619160104079557ull, 9600361134598540522ull,
                                       10590380919521690900ull});
  Rng other(2);
  CHECK(other.next() != first[0]);
}

TEST_CASE("Rng: below is uniform, also for bounds that do not divide") {
  Rng rng(3);
  std::vector<int> counts(7);
  for (int i = 0; i < 70'000; ++i)
    ++counts[rng.below(7)];
  for (int c : counts)
    CHECK(std::abs(c - 10'000) < 400);
}

TEST_CASE("Rng: normal has mean 0 and deviation 1") {
  Rng rng(4);
  double sum = 0, square = 0;
  for (int i = 0; i < 50'000; ++i) {
    double x = rng.normal();
    sum += x, square += x * x;
  }
  CHECK(std::abs(sum / 50'000) < 0.02);
  CHECK(std::abs(square / 50'000 - 1) < 0.03);
}

TEST_CASE("portable exp and log agree with libm") {
  for (double x : {-700.0, -20.5, -1.0, -1e-9, 0.0, 1e-3, 0.3, 1.0, 5.5, 88.0, 700.0})
    CHECK(portable_exp(x) == Approx(std::exp(x)).epsilon(1e-13));
  for (double x : {1e-300, 1e-5, 0.1, 0.7, 0.999, 1.0, 1.5, 2.0, 12345.6, 1e300})
    CHECK(portable_log(x) == Approx(std::log(x)).epsilon(1e-13).margin(1e-14));
  CHECK(portable_pow(2, 10) == Approx(1024).epsilon(1e-12));
}
