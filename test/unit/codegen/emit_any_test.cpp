// Kernels over extents that are known when they run, against the interpreter.
#include <catch2/catch.hpp>

#include "codegen/nest.h"
#include "ir/text.h"
#include "test/unit/codegen/jit.h"
#include "test/unit/codegen/kernels.h"

using namespace nasc;
using namespace nasc::test;

TEST_CASE("emit: a loop of an extent that is not known is divided with the one inside") {
  Kernel k = tiled("program relu { tensor x : f32[N, 6, 16] input tensor y : f32[N, 6, 16] output "
                   "stmt s [N] -> { s[i, j, c] : 0 <= i < N and 0 <= j < 6 and 0 <= c < 16 } y[i, j, c] = max(x[i, j, c], 0) }",
                   "nest(loops=[i, j, c], vector=c, lanes=8, parallel=i, collapse=j)");
  for (int64_t n : {1, 5})
    for (int nt : {1, 2, 7}) CHECK(check_kernel(k, {{"N", n}}, nt) == 0);
}

TEST_CASE("emit: any number of images, in a loop around tiles that are divided along with it") {
  std::string source = conv(16, 40, 7, 8), block = "[0/8, 1, 2, 3, 0%8]";
  source.replace(source.find(block), block.size(), "[0/16, 1, 2, 3, 0%16]");
  for (auto [from, to] : {std::pair{"f32[1, ", "f32[N, "}, {"0 <= n < 1 ", "0 <= n < N "}, {"stmt init {", "stmt init [N] -> {"}, {"stmt mac {", "stmt mac [N] -> {"}, {"stmt out {", "stmt out [N] -> {"}})
    for (size_t at = 0; (at = source.find(from, at)) != std::string::npos; at += std::string(to).size())
      source.replace(at, std::string(from).size(), to);
  for (const char* step : {"sizes=[1, 16, 1, 7], collapse=[co, h]", "sizes=[1, 16, 1, 4], collapse=[co, h], prefetch=k", "sizes=[1, 16, 1, 7], collapse=co, block=4, prefetch=k",
                           "sizes=[1, 16, 1, 7], collapse=h, outer=[1, 0, 1, 0], block=4, prefetch=k", "sizes=[1, 16, 1, 7], sum=8, collapse=co", "sizes=[1, 16, 2, 7], collapse=[co, h]"}) {
    INFO(step);
    Kernel k = tiled(source, text("tile(loops=[n, co, h, w], vector=co, lanes=8, reduce=[ci, kh, kw], chunks=[4, 0, 0], step=2, parallel=n, ", step, ")"));
    auto nest = nest_of_digits(k);
    REQUIRE(nest);
    CHECK(text(*nest).find("N") != std::string::npos);
    for (int64_t n : {1, 4})
      for (int nt : {1, 2, 5}) CHECK(check_kernel(k, {{"N", n}}, nt) <= 1e-5);
    auto object = emit_kernel(k, host_target(), "k", {.values = {{"N", 0}}, .nest = {}});
    REQUIRE(object);
    CHECK(object->parallel);
    CHECK(object->notes.empty());
  }
}

TEST_CASE("emit: rows of an unknown length are whole tiles and single pixels, both in registers") {
  // Half of the pixels of an image, rounded up; 24 channels are a vector and a half.
  auto product = [](int64_t channels) {
    std::string width = "floor((W + 1)/(2))", at = text("0 <= h < H and 0 <= m < ", channels, " and 0 <= w and 2w <= W - 1");
    return text("program product { tensor x : f32[H, ", width, ", 16] input tensor k : f32[", channels, ", 16] weight layout [0/16, 1, 0%16] tensor y : f32[H, ", width,
                ", ", channels, "] output stmt z [H, W] -> { z[h, w, m] : ", at, " } y[h, w, m] = 0 stmt s [H, W] -> { s[h, w, m, d] : ", at,
                " and 0 <= d < 16 } y[h, w, m] += x[h, w, d] * k[m, d] }");
  };
  for (int64_t channels : {24, 32, 48})
    for (const char* step : {"loops=[h, m, w], sizes=[1, 16, 6], vector=m, lanes=16, reduce=[d], chunks=[8], step=4, parallel=h, collapse=m",
                             "loops=[m, h, w], sizes=[16, 1, 5], vector=m, lanes=16, reduce=[d], chunks=[0], parallel=m",
                             "loops=[w, h, m], sizes=[4, 1, 16], vector=m, lanes=8, reduce=[d], chunks=[4], parallel=w"}) {
      INFO(channels << " channels: " << step);
      Kernel k = tiled(product(channels), text("tile(", step, ")"));
      REQUIRE(nest_of_digits(k));
      for (int64_t width : {1, 10, 11, 12, 37})
        for (int nt : {1, 3}) CHECK(check_kernel(k, {{"W", width}, {"H", 3}, {isl_text(Extent::parse("floor((W + 1)/(2))")), (width + 1) / 2}}, nt) <= 1e-5);
      auto object = emit_kernel(k, host_target(), "k", {.values = {{"W", 0}, {"H", 1}, {"floor((W + 1)/(2))", 2}}, .nest = {}});
      REQUIRE(object);
      CHECK(object->parallel);
    }
}

TEST_CASE("emit: an image's loops are divided where they do not lie right inside of the loop over images") {
  // isl's loops have the partial tile of j apart.
  Kernel k = tiled("program odd { tensor x : f32[N, 7, 6] input tensor y : f32[N, 7, 6] output "
                   "stmt z [N] -> { z[i, j, l] : 0 <= i < N and 0 <= j < 7 and 0 <= l < 6 } y[i, j, l] = 0 "
                   "stmt s [N] -> { s[i, j, l] : 0 <= i < N and 0 <= j < 7 and 0 <= l < 6 and (j + l) mod 2 = 0 } y[i, j, l] = x[i, j, l] }",
                   "tile(loops=[i, j, l], sizes=[1, 2, 1], parallel=i, collapse=j)");
  REQUIRE(!nest_of_digits(k));
  auto nest = nest_from_schedule(k);
  REQUIRE(nest);
  std::string loops = text(*nest);
  CHECK(loops.find("j.t parallel") != loops.rfind("j.t parallel"));
  for (int64_t n : {1, 5})
    for (int nt : {1, 2, 7}) CHECK(check_kernel(k, {{"N", n}}, nt) == 0);
  auto object = emit_kernel(k, host_target(), "k", {.values = {{"N", 0}}, .nest = {}});
  REQUIRE(object);
  CHECK(object->notes.empty());
}
