// What counts as a contraction, and the tiles of windows over single channels.
#include <catch2/catch.hpp>

#include "ir/text.h"
#include "polyhedral/cost/contraction.h"
#include "polyhedral/cost/register_tile.h"
#include "polyhedral/cost/tile_choice.h"

using namespace nasc;

namespace {
Program convolution(const std::string& channel, int64_t filters, int64_t depth) {
  return parse_program(text("program conv {\n  tensor X : f32[1, 32, 20, 20] input\n  tensor W : f32[", filters, ", ", depth,
                            ", 3, 3] weight\n  tensor Y : f32[1, ", filters, R"(, 18, 18] output
  stmt y0 { y0[n = 0, m, p, q] : 0 <= m < )", filters, R"( and 0 <= p < 18 and 0 <= q < 18 }
    Y[n, m, p, q] = 0
  stmt y1 { y1[n = 0, m, p, q, d, r, s] : 0 <= m < )", filters, " and 0 <= p < 18 and 0 <= q < 18 and 0 <= d < ", depth,
                            R"( and 0 <= r < 3 and 0 <= s < 3 }
    Y[n, m, p, q] += X[n, )", channel, ", p + r, q + s] * W[m, d, r, s]\n}"));
}
}  // namespace

TEST_CASE("a window over each channel is no contraction") {
  CHECK_FALSE(find_contraction(convolution("m + d", 32, 1)));
}

TEST_CASE("few filters fill vectors before many pixels do") {
  auto c = find_contraction(convolution("d", 16, 32));
  REQUIRE(c);
  CHECK(c->matrix_tensor == "W");
  CHECK(c->group.names[static_cast<size_t>(c->vector)] == "m");
}

TEST_CASE("rows of a window leave registers for its taps") {
  Target t;
  CHECK(window_rows(t, 112, 3) == 8);
  CHECK(window_rows(t, 7, 3) == 7);
  CHECK(window_rows(t, 56, 3) + 6 <= t.vector_registers);
}

TEST_CASE("tiles that do not divide the channels, and tiles of two lines") {
  Program p = parse_program(R"(program conv {
  tensor X : f32[1, 512, 14, 14] input
  tensor W : f32[1000, 512] weight
  tensor Y : f32[1, 1000, 14, 14] output
  stmt y0 { y0[n = 0, m, p, q] : 0 <= m < 1000 and 0 <= p < 14 and 0 <= q < 14 }
    Y[n, m, p, q] = 0
  stmt y1 { y1[n = 0, m, p, q, d] : 0 <= m < 1000 and 0 <= p < 14 and 0 <= q < 14 and 0 <= d < 512 }
    Y[n, m, p, q] += X[n, d, p, q] * W[m, d]
})");
  Target t;
  auto c = find_contraction(p);
  REQUIRE(c);
  CHECK(c->line >= 0);
  TileChoice best = tile_choices(*c, p, t, 0).at(0);
  INFO(text(best, *c));
  CHECK(best.rows * best.lines * best.vectors >= 10);  // 125 vectors have no divisor that fills the registers
  CHECK((best.lines == 1 || 14 % best.rows == 0 || 14 % best.lines == 0));
}
