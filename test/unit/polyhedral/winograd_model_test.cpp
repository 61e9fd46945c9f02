// The analytic model of Winograd's algorithm.
#include <catch2/catch.hpp>

#include "polyhedral/cost/winograd.h"

using namespace nasc;

TEST_CASE("winograd: the time of blocks has the filters that each of them reads") {
  WinogradShape w;
  w.out = {1, 48, 56, 56}, w.channels = 192, w.m = 3;
  Target t;
  t.l2_bytes = 4 << 20;
  REQUIRE(winograd_block(w, t) == 1);
  double cycles = winograd_cycles(w, t), filters = 4.0 * 25 * 192 * 48;
  t.l2_rate *= 2;
  CHECK(cycles - winograd_cycles(w, t) == Approx(19 * filters / t.l2_rate)); // a row of tiles at a time
}

TEST_CASE("winograd: vectors filled in part take room in the caches as whole ones do") {
  Target t;
  t.vector_bits = 512, t.l2_bytes = 2 << 20;
  for (int64_t channels : {18, 32}) {
    WinogradShape w;
    w.out = {1, channels, 56, 56}, w.channels = channels, w.m = 4;
    CHECK(winograd_block(w, t) == 1);
  }
}
