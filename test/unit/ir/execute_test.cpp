// The executor against the interpreter, and its speed on layers of real size.
#include <catch2/catch.hpp>

#include <chrono>
#include <cmath>

#include "ir/execute.h"
#include "ir/interpret.h"
#include "ir/text.h"
#include "test/unit/ir/programs.h"
#include "test/unit/ir/random_program.h"

using namespace nasc;
using namespace nasc::test;

namespace {
bool near(double a, double b, double tolerance) {
  return (std::isnan(a) && std::isnan(b)) || a == b || std::abs(a - b) <= tolerance * std::max(1.0, std::abs(b));
}
void check_equal(const Program& p, unsigned seed, double tolerance, const ExecuteOptions& options = {}) {
  Bindings a = random_bindings(p, seed), b = a;
  interpret(p, a);
  execute(p, b, options);
  for (const Tensor& t : p.tensors) {
    if (t.role != Role::output) continue;
    REQUIRE(a[t.name].shape == b[t.name].shape);
    for (int64_t i = 0; i < a[t.name].count(); ++i) {
      INFO(print(p) << "element " << i << " of " << t.name);
      if (!near(get(b[t.name], i), get(a[t.name], i), tolerance)) REQUIRE(get(b[t.name], i) == get(a[t.name], i));
    }
  }
}
// The statement `y += x * w` over text of a domain, after clearing y.
Program contraction(Shape x, Shape w, Shape y, const std::string& source) {
  Program p;
  std::string tensors = "tensor x : f32" + text(x) + " input\n tensor w : f32" + text(w) + " input\n tensor y : f32" + text(y) + " output\n";
  std::string dims, bounds;
  for (size_t d = 0; d < y.size(); ++d) {
    dims += text(d ? ", i" : "i", d);
    bounds += text(d ? " and " : " : ", "0 <= i", d, " < ", y[d].text());
  }
  return parse_program("program p {\n " + tensors + " stmt init { init[" + dims + "]" + bounds + " }\n y[" + dims + "] = 0.5\n " + source + "\n}\n");
}
}  // namespace

TEST_CASE("execute: [property] random Programs give what the interpreter gives") {
  for (unsigned seed = 1000; seed < 1300; ++seed) {
    INFO("seed " << seed);
    check_equal(random_program(seed), seed, 0);
  }
}

TEST_CASE("execute: contractions of every shape go through matrix products and stay right") {
  if (!has_blas()) WARN("OpenBLAS is absent: the plain path is tested instead");
  check_equal(conv(2, 16, 8, 9), 1, 1e-6);
  check_equal(conv(1, 16, 16, 14), 2, 1e-6);
  check_equal(contraction({6, 20, 30}, {30, 25}, {6, 20, 25},
                          "stmt mm { mm[b, m, n, k] : 0 <= b < 6 and 0 <= m < 20 and 0 <= n < 25 and 0 <= k < 30 }\n y[b, m, n] += x[b, m, k] * w[k, n]"),
              3, 1e-6);
  check_equal(contraction({20, 6, 30}, {6, 25, 30}, {6, 25, 20},  // transposed operands and result
                          "stmt mm { mm[b, m, n, k] : 0 <= b < 6 and 0 <= m < 20 and 0 <= n < 25 and 0 <= k < 30 }\n y[b, n, m] += x[m, b, k] * w[b, n, k]"),
              4, 1e-6);
  check_equal(contraction({2, 12, 11, 11}, {12, 1, 3, 3}, {2, 12, 5, 5},  // depthwise, stride 2
                          "stmt dw { dw[n, c, h, v, i, j] : 0 <= n < 2 and 0 <= c < 12 and 0 <= h, v < 5 and 0 <= i, j < 3 }\n y[n, c, h, v] += x[n, c, 2*h + i, 2*v + j] * w[c, 0, i, j]"),
              5, 1e-6);
  check_equal(contraction({2, 12, 11, 11}, {18, 4, 3, 3}, {2, 18, 11, 11},  // three groups, padded
                          "stmt g { g[n, m, h, v, d, i, j] : 0 <= n < 2 and 0 <= m < 18 and 0 <= h, v < 11 and 0 <= d < 4 and 0 <= i, j < 3 and 0 < h + i < 12 and 0 < v + j < 12 }\n y[n, m, h, v] += x[n, 4*floor(m/6) + d, h + i - 1, v + j - 1] * w[m, d, i, j]"),
              10, 1e-6);
  check_equal(contraction({2, 12, 11, 11}, {12, 4, 3, 3}, {2, 12, 13, 13},  // three groups, transposed: all of their channels in w
                          "stmt g { g[n, m, h, v, d, i, j] : 0 <= n < 2 and 0 <= m < 12 and 0 <= h, v < 13 and 0 <= d < 4 and 0 <= i, j < 3 and 0 <= h - i < 11 and 0 <= v - j < 11 }\n y[n, m, h, v] += x[n, 4*floor(m/4) + d, h - i, v - j] * w[4*floor(m/4) + d, m mod 4, i, j]"),
              11, 1e-6);
  check_equal(contraction({300}, {40, 300}, {40}, "stmt mv { mv[m, k] : 0 <= m < 40 and 0 <= k < 300 }\n y[m] += w[m, k] * x[k]"), 6, 1e-6);
  check_equal(contraction({90}, {80}, {90, 80}, "stmt o { o[m, n] : 0 <= m < 90 and 0 <= n < 80 }\n y[m, n] += x[m] * w[n]"), 7, 1e-6);
  check_equal(contraction({64, 64}, {64, 64}, {64, 64},  // a triangle is no box
                          "stmt t { t[i, j, k] : 0 <= i, j < 64 and 0 <= k <= i }\n y[i, j] += x[i, k] * w[k, j]"),
              8, 1e-6);
  check_equal(contraction({30, 30}, {30, 30}, {30, 30},  // reversed and strided
                          "stmt r { r[i, j, k] : 0 <= i, j < 30 and 0 <= k < 15 }\n y[29 - i, j] += x[i, 2*k] * w[29 - k, 29 - j]"),
              9, 1e-6);
}

TEST_CASE("execute: a gather written as a sum of selected elements costs what it selects") {
  std::string source = R"(program p { tensor x : f32[$, 8] input tensor j : i64[5] input tensor y : f32[5, 8] output
    stmt zero { zero[a, b] : 0 <= a < 5 and 0 <= b < 8 } y[a, b] = 0
    stmt sum { sum[a, b, k] : 0 <= a < 5 and 0 <= b < 8 and 0 <= k < $ }
      y[a, b] += select(select(j[a] < 0:i64, j[a] + $:i64, j[a]) == k, x[k, b], 0) })";
  auto sized = [&](const std::string& rows) {
    std::string out = source;
    for (size_t at; (at = out.find('$')) != std::string::npos;) out.replace(at, 1, rows);
    return parse_program(out);
  };
  check_equal(sized("5"), 3, 0);
  Program large = sized("100000");
  Bindings b{{"x", zeros(DType::f32, {100000, 8})}, {"j", host_tensor<int64_t>(DType::i64, {5}, {0, -1, 99999, 7, 200000})}};
  b["x"].as<float>()[99999 * 8 + 3] = 6;
  auto start = std::chrono::steady_clock::now();
  execute(large, b);
  CHECK(std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count() < 0.5);
  CHECK(b["y"].as<float>()[8 + 3] == 6);
  CHECK(b["y"].as<float>()[16 + 3] == 6);
}

TEST_CASE("execute: in double, every float tensor is one") {
  Program p = conv(1, 8, 8, 8);
  Bindings b = random_bindings(p, 1);
  b["x"].as<float>()[0] = 0.1f;
  execute(p, b, {.in_double = true});
  CHECK(b["y"].dtype == DType::f64);
  check_equal(p, 2, 1e-6, {.in_double = true});
  check_equal(p, 2, 1e-6, {.use_blas = false});
}

TEST_CASE("execute: a Network with a view, shared programs and freed temporaries") {
  Network n = parse_network(R"(network net {
    buffer x : f32[2, 8] input
    buffer a : f32[2, 8] temp
    buffer v : f32[16] temp alias a
    buffer y : f32[16] output
    program double0 { tensor x : f32[2, 8] input tensor y : f32[2, 8] output
      stmt s { s[i, j] : 0 <= i < 2 and 0 <= j < 8 } y[i, j] = x[i, j] * 2 }
    program add0 { tensor x : f32[16] input tensor y : f32[16] output
      stmt s { s[i] : 0 <= i < 16 } y[i] = x[i] + 1 }
    inputs [x] outputs [y, v]
    call 0 double0(x, a)
    call 1 add0(v, y)
  })");
  HostTensor x = zeros(DType::f32, {2, 8});
  for (int i = 0; i < 16; ++i) x.as<float>()[i] = static_cast<float>(i);
  int calls = 0;
  auto out = execute(n, {x}, {.trace = [&](const Call&, double) { ++calls; }});
  CHECK(calls == 2);
  for (int i = 0; i < 16; ++i) CHECK(out[0].as<float>()[i] == 2 * i + 1);
  CHECK(out[1].shape == std::vector<int64_t>{16});
  CHECK(out[1].as<float>()[3] == 6);
  CHECK_THROWS_AS(execute(n, {zeros(DType::f32, {2, 9})}), UserError);
  CHECK_THROWS_AS(execute(n, {zeros(DType::i32, {2, 8})}), UserError);
  CHECK_THROWS_AS(execute(n, {}), UserError);
}

TEST_CASE("execute: a convolution of ResNet-50 takes milliseconds") {
  Program p = conv(1, 128, 128, 28);
  Bindings b = random_bindings(p, 1);
  execute(p, b);
  auto start = std::chrono::steady_clock::now();
  execute(p, b);
  double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  WARN("3x3 convolution, 128 channels, 28x28: " << seconds * 1e3 << " ms");
  if (has_blas()) CHECK(seconds < 1);
}
