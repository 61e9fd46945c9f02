// Largest error of the emitted functions, in units in the last place, over dense samples against long double.
#include <catch2/catch.hpp>
#include <cmath>
#include <cstdio>

#include "ir/text.h"
#include "test/unit/codegen/jit.h"

using namespace nasc;
using namespace nasc::test;

namespace {
double ulps(float value, long double exact) {
  auto nearest = static_cast<float>(exact);
  if (value == nearest || (std::isnan(value) && std::isnan(nearest))) return 0;
  if (std::isinf(nearest) || std::isinf(value) || std::isnan(nearest) || std::isnan(value)) return 1e30;
  float a = std::abs(nearest);
  long double unit = std::nextafterf(a, INFINITY) - a;
  return static_cast<double>(std::abs(static_cast<long double>(value) - exact) / unit);
}

double worst(const std::string& fn, long double (*exact)(long double), float lo, float hi) {
  constexpr int64_t n = 100000;
  std::string source = text("program p { tensor x : f32[", n, "] input\n tensor y : f32[", n,
                            "] output\n stmt s { s[i] : 0 <= i < ", n, " }\n y[i] = ", fn, "(x[i])\n }");
  Program p = parse_program(source);
  std::string domain = text("{ s[i] : 0 <= i < ", n, " }");
  Kernel k{p, Schedule{parse_schedule("{ domain: \"" + domain + R"(", child: { mark: "i", child: { schedule: "[{ s[i] -> [floor(i/8)] }]",
    child: { mark: "v vectorize", child: { schedule: "[{ s[i] -> [(i mod 8)] }]" } } } } })")}};
  HostTensor x = zeros(DType::f32, {n});
  for (int64_t i = 0; i < n; ++i) x.as<float>()[i] = lo + (hi - lo) * (static_cast<float>(i) / (n - 1));
  const float special[] = {0.f, -0.f, INFINITY, -INFINITY, NAN, 1e-40f, -1e-40f, 1.17549435e-38f, 3.4e38f, 1.f, -1.f, 0.5f, 88.7f, -87.5f, -103.f, 89.f};
  bool all = fn != "sin" && fn != "cos" && fn != "tan";
  for (size_t i = 0; i < std::size(special); ++i)
    if (all || std::abs(special[i]) <= 1) x.as<float>()[i] = special[i];
  Bindings bindings{{"x", x}};
  KernelObject object = run_kernel(k, bindings);
  CHECK(object.notes.empty());
  double w = 0;
  for (int64_t i = 0; i < n; ++i) {
    double u = ulps(bindings.at("y").as<float>()[i], exact(x.as<float>()[i]));
    if (u > 1e29) UNSCOPED_INFO(fn << "(" << x.as<float>()[i] << ") = " << bindings.at("y").as<float>()[i]);
    w = std::max(w, u);
  }
  return w;
}
}  // namespace

TEST_CASE("math: largest errors of the emitted functions") {
  if (required_features(host_target()).empty()) WARN("no fused multiply-add: bounds may not hold");
  struct Case {
    const char* fn;
    long double (*exact)(long double);
    float lo, hi;
    double bound;
  };
  const Case cases[] = {{"exp", std::exp, -104, 89, 1.5}, {"exp", std::exp, -1, 1, 1.5}, {"exp", std::exp, -1e4f, -86, 1.5},
                        {"log", std::log, 1e-6f, 10, 1.5}, {"log", std::log, 1e-30f, 1e30f, 1.5}, {"log", std::log, 0.9f, 1.1f, 1.5},
                        {"tanh", std::tanh, -10, 10, 2.5}, {"tanh", std::tanh, -1, 1, 2.5},
                        {"erf", std::erf, -5, 5, 2.5}, {"erf", std::erf, -1, 1, 2.5},
                        {"sin", std::sin, -10, 10, 2}, {"sin", std::sin, -1e6f, 1e6f, 2},
                        {"cos", std::cos, -10, 10, 2}, {"cos", std::cos, -1e6f, 1e6f, 2},
                        {"tan", std::tan, -10, 10, 4},
                        {"sinh", std::sinh, -89, 89, 4}, {"sinh", std::sinh, -2, 2, 4}, {"cosh", std::cosh, -89, 89, 4}};
  for (const Case& c : cases) {
    double w = worst(c.fn, c.exact, c.lo, c.hi);
    std::printf("math: %s on [%g, %g]: %.2f ulp\n", c.fn, c.lo, c.hi, w);
    CHECK(w <= c.bound);
  }
}
