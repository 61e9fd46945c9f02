// The timing protocol.
#include <catch2/catch.hpp>
#include <numeric>
#include <thread>

#include "ir/diag.h"
#include "runtime/measure.h"

TEST_CASE("summary: percentiles are samples") {
  std::vector<double> ms(100);
  std::iota(ms.rbegin(), ms.rend(), 1.0);
  auto t = nasc::summary(ms);
  CHECK(t.min_ms == 1);
  CHECK(t.median_ms == 50);
  CHECK(t.p90_ms == 90);
  CHECK(t.p99_ms == 99);
  CHECK(t.mean_ms == Approx(50.5));
  CHECK(t.calls == 100);
  CHECK(nasc::summary({7}).p99_ms == 7);
  CHECK_THROWS_AS(nasc::summary({}), nasc::InternalError);
}

TEST_CASE("measure: warms up, counts, and stops at its limit") {
  int calls = 0;
  auto t = nasc::measure([&] { ++calls; }, {.warm_calls = 5, .warm_seconds = 0, .calls = 10, .seconds = 0});
  CHECK(calls == 15);
  CHECK(t.calls == 10);
  auto slow = nasc::measure([] { std::this_thread::sleep_for(std::chrono::milliseconds(20)); },
                            {.warm_calls = 0, .warm_seconds = 0, .calls = 1000, .seconds = 0, .limit_seconds = 0.05});
  CHECK(slow.calls >= 1);
  CHECK(slow.calls <= 4);
  CHECK(slow.min_ms >= 20);
}
