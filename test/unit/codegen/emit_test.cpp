// Emitted kernels against the interpreter: element types, functions, combines, layouts, parameters, both nest sources.
#include <catch2/catch.hpp>

#include "ir/interpret.h"
#include "ir/text.h"
#include "polyhedral/transformation.h"
#include "test/unit/codegen/jit.h"

using namespace nasc;
using namespace nasc::test;

namespace {
// Both nests: from the textual schedule through isl, and the plain one.
void agrees(const std::string& source, double tolerance, const ParameterValues& given = {}) {
  INFO(source);
  Program p = parse_program(source);
  Kernel k{p, textual_schedule(p)};
  CHECK(check_kernel(k, given) <= tolerance);
  CHECK(check_kernel(k, given, 1, plain_nest(p)) <= tolerance);
}

std::string unary_program(const std::string& type, const std::string& out, const std::string& body) {
  return "program p { tensor x : " + type + "[37] input\n tensor y : " + out + "[37] output\n" +
         "stmt s { s[i] : 0 <= i < 37 }\n y[i] = " + body + "\n}";
}
std::string binary_program(const std::string& type, const std::string& out, const std::string& body) {
  return "program p { tensor a : " + type + "[37] input\n tensor b : " + type + "[37] input\n tensor y : " + out +
         "[37] output\n stmt s { s[i] : 0 <= i < 37 }\n y[i] = " + body + "\n}";
}
const char* kTypes[] = {"f32", "f64", "f16", "i8", "i16", "i32", "i64", "u8", "u16", "u32", "u64"};
bool is_float_name(const std::string& t) { return t[0] == 'f'; }
}  // namespace

TEST_CASE("emit: a padded convolution equals the interpreter") {
  agrees(R"(program conv {
    tensor x : f32[1, 3, 9, 10] input
    tensor w : f32[4, 3, 3, 3] weight
    tensor y : f32[1, 4, 9, 10] output
    stmt init { init[n, co, h, w] : 0 <= n < 1 and 0 <= co < 4 and 0 <= h < 9 and 0 <= w < 10 }
      y[n, co, h, w] = 0
    stmt mac { mac[n, co, h, w, ci, kh, kw] : 0 <= n < 1 and 0 <= co < 4 and 0 <= h < 9 and 0 <= w < 10 and 0 <= ci < 3 and 0 <= kh < 3 and 0 <= kw < 3 and 0 <= h + kh - 1 < 9 and 0 <= w + kw - 1 < 10 }
      y[n, co, h, w] += x[n, ci, h + kh - 1, w + kw - 1] * w[co, ci, kh, kw]
  })", 1e-5);
}

TEST_CASE("emit: layouts with blocks, halo and pads") {
  agrees(R"(program copy {
    tensor x : f32[1, 20, 5, 6] input layout [0, 1/8, 2, 3, 1%8] halo [0:0, 0:0, 1:1, 1:2]
    tensor y : f32[1, 20, 5, 6] output layout [2, 0, 1/4, 3, 1%4] pad [0, 0, 1, 0, 0]
    stmt s { s[n, c, h, w] : 0 <= n < 1 and 0 <= c < 20 and 0 <= h < 5 and 0 <= w < 6 }
      y[n, c, h, w] = x[n, c, h, w] + 1
  })", 1e-6);
}

TEST_CASE("emit: a sum that selects one element takes only that one, also in tiles and outside of its range") {
  const char* source = R"(program gather {
    tensor x : f32[9, 24] input
    tensor j : i64[12] input
    tensor y : f32[12, 24] output
    stmt init { init[o, c] : 0 <= o < 12 and 0 <= c < 24 }
      y[o, c] = 0
    stmt pick { pick[o, c, k] : 0 <= o < 12 and 0 <= c < 24 and 0 <= k < 9 }
      y[o, c] += select(select(j[o] < 0:i64, j[o] + 9:i64, j[o]) == k, x[k, c], 0)
  })";
  agrees(source, 0);
  Program p = parse_program(source);
  for (const char* sizes : {"sizes=[1, 8], vector=c, lanes=8", "sizes=[4, 8], vector=c, lanes=8", "sizes=[4, 1], vector=o, lanes=4"}) {
    INFO(sizes);
    auto tiled = apply(Kernel{p, textual_schedule(p)}, parse_step(text("tile(loops=[o, c], ", sizes, ", reduce=[k], chunks=[0])")));
    REQUIRE(tiled);
    CHECK(check_kernel(*tiled) == 0);
  }
}

TEST_CASE("emit: symbolic extents and run-time strides") {
  agrees(R"(program sums {
    tensor x : f32[N, H, 8] input
    tensor y : f32[H, N] output
    stmt init [N, H] -> { init[h, n] : 0 <= h < H and 0 <= n < N }
      y[h, n] = 0
    stmt mac [N, H] -> { mac[h, n, k] : 0 <= h < H and 0 <= n < N and 0 <= k < 8 }
      y[h, n] += x[n, h, k] * 2
  })" , 1e-5, {{"N", 5}, {"H", 3}});
}

TEST_CASE("emit: float functions in every float type") {
  for (const char* type : {"f32", "f64", "f16"}) {
    double tolerance = std::string(type) == "f16" ? 4e-3 : std::string(type) == "f32" ? 1e-6 : 1e-14;
    for (const char* fn : {"neg(x[i])", "abs(x[i])", "sign(x[i])", "exp(x[i])", "log(abs(x[i]))", "log(x[i])", "sqrt(x[i])",
                           "sin(x[i])", "cos(x[i])", "tan(x[i] / 2)", "asin(x[i] / 2)", "acos(x[i] / 2)", "atan(x[i])",
                           "sinh(x[i])", "cosh(x[i])", "tanh(x[i])", "asinh(x[i])", "acosh(x[i])", "atanh(x[i] / 2)",
                           "erf(x[i])", "ceil(x[i])", "floor(x[i])", "round(x[i])", "pow(abs(x[i]), x[i])",
                           "pow(x[i], 2)", "1 / (1 + exp(0 - x[i]))"})
      agrees(unary_program(type, type, fn), tolerance);
  }
}

TEST_CASE("emit: arithmetic, comparisons and casts in every type") {
  for (const char* type : kTypes) {
    bool real = is_float_name(type);
    double tolerance = std::string(type) == "f16" ? 2e-3 : real ? 1e-6 : 0;
    for (const char* e : {"a[i] + b[i]", "a[i] - b[i]", "a[i] * b[i]", "min(a[i], b[i])", "max(a[i], b[i])"})
      agrees(binary_program(type, type, e), tolerance);
    for (const char* e : {"a[i] / max(abs(b[i]), 1)", "mod(a[i], max(abs(b[i]), 1))", "fmod(a[i], max(abs(b[i]), 1))"})
      agrees(binary_program(type, type, e), real ? tolerance * 40 : 0);
    for (const char* e : {"a[i] == b[i]", "a[i] != b[i]", "a[i] < b[i]", "a[i] <= b[i]", "a[i] > b[i]", "a[i] >= b[i]"})
      agrees(binary_program(type, "bool", e), 0);
    if (!real)
      for (const char* e : {"a[i] & b[i]", "a[i] | b[i]", "a[i] ^ b[i]", "not(a[i])", "sign(a[i])", "abs(a[i])", "neg(a[i])"})
        agrees(binary_program(type, type, e), 0);
    for (const char* to : kTypes)
      agrees(unary_program(type, to, std::string(to) + "(x[i])"), std::string(to) == "f16" ? 1e-3 : 1e-6);
    agrees(unary_program(type, "bool", "bool(x[i])"), 0);
    agrees(unary_program("bool", type, std::string(type) + "(x[i])"), 0);
    agrees(binary_program(type, type, "select(a[i] < b[i], a[i], b[i])"), 0);
  }
}

TEST_CASE("emit: every combine") {
  for (const char* combine : {"+=", "*=", "max=", "min="})
    for (const char* type : {"f32", "i32", "f64", "u8"})
      agrees(std::string("program p { tensor x : ") + type + "[6, 5] input\n tensor y : " + type + "[6] output\n" +
                 "stmt init { init[i] : 0 <= i < 6 }\n y[i] = 1\n stmt acc { acc[i, j] : 0 <= i < 6 and 0 <= j < 5 }\n y[i] " +
                 combine + " x[i, j]\n}", 1e-5);
}

TEST_CASE("emit: local tensors, iterators, and domains with gaps") {
  agrees(R"(program gaps {
    tensor x : f32[40] input
    tensor t : f32[40] temp
    tensor y : f32[40] output
    stmt zero { zero[i] : 0 <= i < 40 }
      t[i] = 0
    stmt odd { odd[i] : 0 <= i < 40 and i mod 3 = 1 }
      t[i] = x[i]
    stmt out { out[i] : 0 <= i < 40 }
      y[i] = t[i] * 2
  })", 0);
}
