#include <atomic>
#include <catch2/catch.hpp>
#include <stdexcept>

#include "tools/jobs.h"

using namespace nasc;

TEST_CASE("jobs: all are done, by any number of threads") {
  for (int threads : {1, 2, 5}) {
    Jobs jobs(threads);
    std::atomic<int> sum = 0;
    for (int k = 1; k <= 300; ++k)
      jobs.add([&sum, k] { sum += k; });
    jobs.finish();
    CHECK(sum == 300 * 301 / 2);
    jobs.add([&sum] { sum = -1; }); // and more after that
    jobs.finish();
    CHECK(sum == -1);
  }
}

TEST_CASE("jobs: the first exception comes out of finish") {
  for (int threads : {1, 3}) {
    Jobs jobs(threads);
    for (int k = 0; k < 50; ++k)
      jobs.add([k] {
        if (k == 20)
          throw std::runtime_error("twenty");
      });
    CHECK_THROWS_WITH(jobs.finish(), "twenty");
    CHECK_NOTHROW(jobs.finish());
  }
}

TEST_CASE("jobs: nothing waits for a queue that is left") {
  std::atomic<int> begun = 0;
  {
    Jobs jobs(2);
    for (int k = 0; k < 10; ++k)
      jobs.add([&] { ++begun; });
  }
  CHECK(begun <= 10);
}
