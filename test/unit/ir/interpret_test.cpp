// The reference interpreter against hand-written loops, and its symbolic twin.
#include <catch2/catch.hpp>

#include <cmath>

#include "ir/interpret.h"
#include "ir/scalar.h"
#include "test/unit/ir/programs.h"

using namespace nasc;
using namespace nasc::test;

namespace {
HostTensor ramp(std::vector<int64_t> shape) {
  HostTensor t = zeros(DType::f32, std::move(shape));
  for (int64_t i = 0; i < t.count(); ++i) t.as<float>()[i] = static_cast<float>((i * 37) % 17) - 8;
  return t;
}
Scalar call(Fn fn, DType t, std::vector<Scalar> args) { return scalar_fn(fn, t)(t, args.data()); }
Scalar f(double v) { return {.f = v}; }
Scalar i(int64_t v) { return {.i = v}; }
}  // namespace

TEST_CASE("interpret: a padded convolution equals the loops of a textbook") {
  Program p = conv(2, 4, 3, 5);
  verify(p);
  Bindings b{{"x", ramp({2, 3, 5, 5})}, {"wt", ramp({4, 3, 3, 3})}};
  interpret(p, b);
  const float *x = b["x"].as<float>(), *wt = b["wt"].as<float>(), *y = b["y"].as<float>();
  for (int n = 0; n < 2; ++n)
    for (int co = 0; co < 4; ++co)
      for (int h = 0; h < 5; ++h)
        for (int w = 0; w < 5; ++w) {
          float sum = 0;
          for (int ci = 0; ci < 3; ++ci)
            for (int kh = 0; kh < 3; ++kh)
              for (int kw = 0; kw < 3; ++kw) {
                int a = h + kh - 1, c = w + kw - 1;
                if (a >= 0 && a < 5 && c >= 0 && c < 5)
                  sum += x[((n * 3 + ci) * 5 + a) * 5 + c] * wt[((co * 3 + ci) * 3 + kh) * 3 + kw];
              }
          REQUIRE(y[((n * 4 + co) * 5 + h) * 5 + w] == sum);
        }
}

TEST_CASE("interpret: parameters come from the shapes of inputs, derived ones are evaluated") {
  Extent n = Extent::parameter("N"), q = floordiv(n * n, 2);
  Program p;
  p.name = "sum";
  p.tensors = {tensor("x", {n}, Role::input), tensor("y", {q}, Role::output)};
  std::string d = isl_text(q);
  p.statements.push_back(statement("s", {"i"}, "[" + d + "] -> { s[i] : 0 <= i < " + d + " }", access("y", "{ s[i] -> y[i] }"),
                                   {}, cast(DType::f32, apply(Fn::add, {iterator(0), extent(n)}))));
  Bindings b{{"x", ramp({3})}};
  interpret(p, b);
  CHECK(b["y"].shape == std::vector<int64_t>{4});
  CHECK(to_doubles(b["y"]) == std::vector<double>{3, 4, 5, 6});
  p.tensors[0].shape = {n, n};
  Bindings wrong{{"x", ramp({3, 4})}};
  CHECK_THROWS_AS(interpret(p, wrong), UserError);
}

TEST_CASE("interpret: quasi-affine accesses, strided domains and unions of pieces keep their points") {
  Program p;
  p.name = "quasi";
  p.tensors = {tensor("x", {16}, Role::input), tensor("y", {4, 4}, Role::output)};
  p.statements.push_back(statement("copy", {"i"}, "{ copy[i] : 0 <= i < 16 and (i mod 3 = 0 or i > 11) }",
                                   access("y", "{ copy[i] -> y[i mod 4, floor(i/4)] }"),
                                   {access("x", "{ copy[i] -> x[4*(i mod 4) + floor(i/4)] }")}, read(0, DType::f32)));
  verify(p);
  Bindings b{{"x", ramp({16})}};
  interpret(p, b);
  for (int k = 0; k < 16; ++k) {
    bool in = k % 3 == 0 || k > 11;
    CHECK(b["y"].as<float>()[k % 4 * 4 + k / 4] == (in ? b["x"].as<float>()[4 * (k % 4) + k / 4] : 0));
  }
}

TEST_CASE("interpret: a prefix sum within one statement follows the lexicographic order") {
  Program p;
  p.name = "scan";
  p.tensors = {tensor("x", {5}, Role::input), tensor("y", {6}, Role::output)};
  p.statements.push_back(statement("zero", {"i"}, "{ zero[i] : 0 <= i < 6 }", access("y", "{ zero[i] -> y[i] }"), {}, constant(DType::f32, 0)));
  p.statements.push_back(statement("scan", {"i"}, "{ scan[i] : 0 <= i < 5 }", access("y", "{ scan[i] -> y[i + 1] }"),
                                   {access("y", "{ scan[i] -> y[i] }"), access("x", "{ scan[i] -> x[i] }")},
                                   apply(Fn::add, {read(0, DType::f32), read(1, DType::f32)})));
  verify(p);
  Bindings b{{"x", host_tensor<float>(DType::f32, {5}, {1, 2, 3, 4, 5})}};
  interpret(p, b);
  CHECK(to_doubles(b["y"]) == std::vector<double>{0, 1, 3, 6, 10, 15});
}

TEST_CASE("interpret: too many instances is a limit error, a small convolution takes milliseconds") {
  Program p;
  p.name = "big";
  p.tensors = {tensor("y", {1}, Role::output)};
  p.statements.push_back(statement("s", {"i", "j"}, "{ s[i, j] : 0 <= i, j < 100000 }", access("y", "{ s[i, j] -> y[0] }"), {}, constant(DType::f32, 0)));
  Bindings b;
  CHECK_THROWS_AS(interpret(p, b), UserError);
}

TEST_CASE("scalar: integers wrap, division truncates, casts saturate") {
  CHECK(call(Fn::add, DType::i8, {i(127), i(1)}).i == -128);
  CHECK(call(Fn::sub, DType::u8, {i(0), i(1)}).i == 255);
  CHECK(call(Fn::div, DType::i32, {i(-7), i(2)}).i == -3);
  CHECK(call(Fn::mod, DType::i32, {i(-7), i(2)}).i == 1);
  CHECK(call(Fn::fmod, DType::i32, {i(-7), i(2)}).i == -1);
  CHECK(call(Fn::div, DType::i64, {i(INT64_MIN), i(-1)}).i == INT64_MIN);
  CHECK(call(Fn::lt, DType::u64, {i(1), i(-1)}).i == 1);
  CHECK(call(Fn::shl, DType::u8, {i(3), i(7)}).i == 128);
  CHECK_THROWS_AS(call(Fn::div, DType::i32, {i(1), i(0)}), UserError);
  CHECK(convert(DType::f32, DType::i8, f(1e9)).i == 127);
  CHECK(convert(DType::f32, DType::i8, f(-1e9)).i == -128);
  CHECK(convert(DType::f32, DType::i64, f(1e30)).i == INT64_MAX);
  CHECK(convert(DType::f32, DType::u64, f(1e30)).i == -1);
  CHECK(convert(DType::f32, DType::u8, f(-3)).i == 0);
  CHECK(convert(DType::f32, DType::i32, f(std::nan(""))).i == 0);
  CHECK(convert(DType::u64, DType::f64, i(-1)).f == 18446744073709551616.0);
  CHECK(std::isnan(call(Fn::max, DType::f32, {f(std::nan("")), f(1)}).f));
  CHECK(std::isnan(call(Fn::max, DType::f32, {f(1), f(std::nan(""))}).f));
  CHECK(call(Fn::round, DType::f32, {f(2.5)}).f == 2);
}

TEST_CASE("half: every value survives a round trip and halves round to even") {
  for (int bits = 0; bits < 65536; ++bits) {
    double v = half_value(static_cast<uint16_t>(bits));
    if (!std::isnan(v)) REQUIRE(half_bits(v) == bits);
  }
  CHECK(half_value(half_bits(2049)) == 2048);
  CHECK(half_value(half_bits(2051)) == 2052);
  CHECK(std::isinf(half_value(half_bits(65520))));
  CHECK(half_value(half_bits(65519)) == 65504);
  CHECK(half_bits(std::ldexp(1, -25)) == 0);
  CHECK(half_bits(std::ldexp(1.5, -25)) == 1);
}

TEST_CASE("interpret_symbolic: Gather and Concat of a shape, floor division, decidable select") {
  Extent n = Extent::parameter("N");
  Program p;
  p.name = "shape";
  p.tensors = {tensor("s", {3}, Role::input, DType::i64), tensor("y", {2}, Role::output, DType::i64)};
  ExprRef two = constant_int(DType::i64, 2), value = read(0, DType::i64);
  p.statements.push_back(statement("first", {}, "{ first[] }", access("y", "{ first[] -> y[0] }"),
                                   {access("s", "{ first[] -> s[0] }")}, apply(Fn::div, {apply(Fn::add, {value, two}), two})));
  p.statements.push_back(statement("second", {}, "{ second[] }", access("y", "{ second[] -> y[1] }"),
                                   {access("s", "{ second[] -> s[2] }")},
                                   apply(Fn::select, {apply(Fn::eq, {value, constant_int(DType::i64, -1)}), two, value})));
  verify(p);
  auto y = interpret_symbolic(p, {{"s", {n, 7, n * 3}}});
  REQUIRE(y);
  CHECK((*y)[0].text() == "floor((N + 2)/2)");
  CHECK((*y)[1].text() == "3*N");
  CHECK(!interpret_symbolic(p, {}));
}
