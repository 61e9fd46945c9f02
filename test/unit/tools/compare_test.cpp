// Comparison of results with references.
#include "tools/compare.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <limits>

using namespace nasc;

namespace {
HostTensor floats(const std::vector<float>& v) {
  return host_tensor(DType::f32, {static_cast<int64_t>(v.size())}, v);
}
const float kInf = std::numeric_limits<float>::infinity();
const float kNan = std::numeric_limits<float>::quiet_NaN();
} // namespace

TEST_CASE("compare: NaN equals NaN, infinities only themselves") {
  Tolerance t;
  CHECK(compare(floats({kNan, kInf, -kInf}), floats({std::nanf("7"), kInf, -kInf}), t).equal);
  CHECK_FALSE(compare(floats({kInf}), floats({-kInf}), t).equal);
  CHECK_FALSE(compare(floats({kNan}), floats({1}), t).equal);
  CHECK_FALSE(compare(floats({3e38f}), floats({kInf}), t).equal);
}

TEST_CASE("compare: the absolute part grows with the size of the reference") {
  Tolerance t{.rtol = 0, .atol = 1e-3, .by_size = true};
  CHECK(compare(floats({100.05f, 100}), floats({100, 100}), t).equal);
  t.by_size = false;
  Difference d = compare(floats({100, 100.05f}), floats({100, 100}), t);
  CHECK_FALSE(d.equal);
  CHECK(d.wrong == 1);
  CHECK(d.why.find("[1]") != std::string::npos);
  CHECK(d.max_absolute == Approx(0.05).epsilon(0.01));
}

TEST_CASE("compare: integers are exact, also beyond 2^53") {
  auto wide = [](int64_t v) { return host_tensor(DType::i64, {1}, std::vector<int64_t>{v}); };
  CHECK(compare(wide(1ll << 60), wide(1ll << 60), {}).equal);
  CHECK_FALSE(compare(wide((1ll << 60) + 1), wide(1ll << 60), {}).equal);
}

TEST_CASE("compare: type and shape belong to the result") {
  CHECK_FALSE(compare(floats({1}), zeros(DType::f64, {1}), {}).equal);
  CHECK_FALSE(compare(zeros(DType::f32, {1, 2}), zeros(DType::f32, {2, 1}), {}).equal);
}

TEST_CASE("compare: units in the last place") {
  float next = std::nextafter(1.0f, 2.0f);
  CHECK(compare(floats({next}), floats({1}), {}).max_ulp == Approx(1));
}
