// What counts as a contraction, and the tiles of windows over single channels.
#include <catch2/catch.hpp>

#include "ir/text.h"
#include "polyhedral/cost/contraction.h"
#include "polyhedral/cost/register_tile.h"
#include "polyhedral/cost/short_sums.h"
#include "polyhedral/cost/streaming.h"
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

Program pointwise(int64_t in, int64_t out, int64_t side) {
  std::string at = text("0 <= m < ", out, " and 0 <= p, q < ", side);
  return parse_program(text("program conv {\n  tensor X : f32[1, ", in, ", ", side, ", ", side, "] input\n  tensor W : f32[", out,
                            ", ", in, "] weight\n  tensor Y : f32[1, ", out, ", ", side, ", ", side,
                            "] output\n  stmt y0 { y0[n = 0, m, p, q] : ", at, " }\n    Y[n, m, p, q] = 0\n",
                            "  stmt y1 { y1[n = 0, m, p, q, d] : ", at, " and 0 <= d < ", in,
                            " }\n    Y[n, m, p, q] += X[n, d, p, q] * W[m, d]\n}"));
}

// Wide vectors, a second cache of 2 MB, a memory that is far away.
Target server() {
  Target t;
  t.vector_bits = 512, t.vector_registers = 32;
  t.l1_bytes = 48 << 10, t.l2_bytes = 2 << 20, t.l3_bytes = 64 << 20;
  t.l2_rate = 40, t.l3_rate = 9, t.memory_rate = 4;
  return t;
}

TileChoice best(int64_t in, int64_t out, int64_t side, const Target& target = server()) {
  Program p = pointwise(in, out, side);
  auto c = find_contraction(p);
  REQUIRE(c);
  return tile_choices(*c, p, target, 0).at(0);
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
  Program p = pointwise(512, 1000, 14);
  Target t;
  auto c = find_contraction(p);
  REQUIRE(c);
  CHECK(c->line >= 0);
  TileChoice best = tile_choices(*c, p, t, 0).at(0);
  INFO(text(best, *c));
  CHECK(best.rows * best.lines * best.vectors >= 10);  // 125 vectors have no divisor that fills the registers
  CHECK((best.lines == 1 || 14 % best.rows == 0 || 14 % best.lines == 0));
}

TEST_CASE("channels that fill no whole vectors are padded, and the last tile may have fewer") {
  CHECK(best(104, 72, 29).vectors == 5);                                    // 4.5
  CHECK(best(72, 104, 29).rows * best(72, 104, 29).vectors == 24);          // 6.5, in tiles of 4 and 3
  CHECK(best(512, 1000, 13).rows * best(512, 1000, 13).vectors == 26);      // 62.5, in 31 tiles of 2 and a single one
  CHECK(best(64, 96, 28).vectors == 2);
}

TEST_CASE("few filters are one vector that is filled in part, as long as they are constants of a run") {
  for (int64_t filters : {1, 3, 12}) {
    Program p = convolution("d", filters, 32);
    auto c = find_contraction(p);
    REQUIRE(c);
    CHECK(c->matrix_tensor == "W");
    TileChoice tile = tile_choices(*c, p, server(), 0).at(0);
    CHECK(tile.vectors == 1);
    CHECK(tile.rows > 8);
    p.phase = Phase::create;  // transforms of filters
    CHECK(tile_choices(*c, p, server(), 0).empty());
  }
  Program p = pointwise(64, 12, 2);  // two columns of pixels
  CHECK(tile_choices(*find_contraction(p), p, server(), 0).empty());
}

TEST_CASE("tiles of a transposed convolution begin at the same step, and have its taps in their code") {
  for (auto [steps, columns] : std::vector<std::pair<int64_t, int64_t>>{{2, 56}, {3, 60}, {8, 128}}) {
    std::string at = text("0 <= m < 36 and 0 <= q < ", columns);
    Program p = parse_program(text("program up {\n  tensor X : f32[1, 32, ", columns / steps, "] input\n  tensor W : f32[32, 36, ", 2 * steps,
                                   "] weight\n  tensor Y : f32[1, 36, ", columns, "] output\n  stmt y0 { y0[n = 0, m, q] : ", at,
                                   " }\n    Y[n, m, q] = 0\n  stmt y1 { y1[n = 0, m, q, d, k] : ", at, " and 0 <= d < 32 and 0 <= k < ", 2 * steps,
                                   " and (q + k) mod ", steps, " = 0 and 0 <= floor((q - k)/", steps, ") < ", columns / steps,
                                   " }\n    Y[n, m, q] += X[n, d + 32*floor(m/36), floor((q - k)/", steps, ")] * W[d, m, k]\n}"));
    auto c = find_contraction(p);
    REQUIRE(c);
    CHECK(c->period == steps);
    CHECK(c->taps == std::vector<std::string>{"k"});
    CHECK(c->grain == 0);  // one group
    for (const TileChoice& t : tile_choices(*c, p, server(), 0))
      CHECK((t.rows % steps == 0 || t.rows >= columns));
  }
}

TEST_CASE("blocks of a sum fit the first cache where windows jump or copies of totals are near") {
  auto block = [](const Program& p, int64_t rows, int64_t vectors, double points) {
    auto c = find_contraction(p);
    REQUIRE(c);
    TileChoice t;
    t.rows = rows, t.vectors = vectors, t.matrix_outer = true;
    return streaming(*c, p, server(), t, 20, points, false, false).block;
  };
  CHECK(block(convolution("d", 64, 32), 5, 4, 18 * 18 * 64) == 8);
  CHECK(block(pointwise(768, 64, 14), 6, 4, 14 * 14 * 64) == 128);  // a row of the second cache, totals are there too
  CHECK(block(pointwise(768, 64, 7), 6, 4, 7 * 7 * 64) == 96);
}

TEST_CASE("a matrix of one tile of vectors is read in blocks by one thread where more would wait for it") {
  auto serial = [](int64_t in, int64_t side, int cores) {
    Target t = server();
    t.cores = cores;
    return best(in, 48, side, t).serial;
  };
  CHECK(serial(1728, 7, 2));
  CHECK_FALSE(serial(1728, 7, 8));   // seven threads wait less
  CHECK_FALSE(serial(1728, 56, 2));  // read once and used often
  CHECK_FALSE(serial(64, 7, 2));
  // A search is not offered threads for it.
  Program p = pointwise(1728, 48, 7);
  auto c = find_contraction(p);
  REQUIRE(c);
  Target two = server();
  two.cores = 2;
  for (const TileChoice& t : tile_choices(*c, p, two, 0)) CHECK_FALSE((t.serial && t.parallel >= 0));
}

TEST_CASE("weights that are read once are outermost, also where the second cache would hold them") {
  CHECK(best(1024, 256, 14).matrix_outer);  // fetched ahead; the image stays in the second cache
  CHECK(best(256, 1024, 14).matrix_outer);
  CHECK_FALSE(best(64, 64, 112).matrix_outer);  // 16 KB stay in the first cache, 3 MB would be read twice
  CHECK(best(1024, 256, 14).chunk == 16);
  CHECK(best(1024 + 8, 256, 14).chunk == 8);
  CHECK(best(512, 512, 7).step == 8);  // few accumulators
  CHECK(best(256, 256, 14).step == 4);
}

TEST_CASE("lines of an unknown number are not taken together") {
  auto together = [](const std::string& lines) {
    std::string head = lines == "N" ? "[N] -> " : "", at = "0 <= l < " + lines + " and 0 <= r < 128 and 0 <= m < 3072";
    Program p = parse_program("program product {\n tensor X : f32[" + lines + ", 128, 768] input\n tensor W : f32[768, 3072] weight\n tensor Y : f32[" + lines +
                              ", 128, 3072] output\n stmt z " + head + "{ z[l, r, m] : " + at + " }\n Y[l, r, m] = 0\n stmt s " + head + "{ s[l, r, m, k] : " + at +
                              " and 0 <= k < 768 }\n Y[l, r, m] += X[l, r, k] * W[k, m]\n}");
    auto c = find_contraction(p);
    REQUIRE(c);
    std::vector<TileChoice> choices = tile_choices(*c, p, server(), 0);
    REQUIRE(!choices.empty());
    return std::any_of(choices.begin(), choices.end(), [](const TileChoice& t) { return t.line_tiles > 0; });
  };
  CHECK(together("8"));
  CHECK_FALSE(together("N"));
}

TEST_CASE("short sums: fewer rows where totals do not fit the registers, on the stack where those cost more") {
  auto sums = [](int64_t in, const Target& t, int64_t rows, double passes, bool amplified) {
    Program p = pointwise(in, 64, 14);
    auto c = find_contraction(p);
    REQUIRE(c);
    TileChoice tile;
    tile.rows = rows, tile.vectors = 2;
    ShortSums out = short_sums(*c, p, t, tile, passes, amplified);
    CHECK((!out.block || in % out.block == 0));
    return std::pair{out.rows, out.block};
  };
  CHECK(sums(128, server(), 14, 56, true) == std::pair<int64_t, int64_t>{7, 8});
  CHECK(sums(256, server(), 14, 14, true) == std::pair<int64_t, int64_t>{14, 64});  // long sums, few passes
  CHECK(sums(256, server(), 14, 4, true) == std::pair<int64_t, int64_t>{14, 64});
  CHECK(sums(512, server(), 14, 4, true) == std::pair<int64_t, int64_t>{14, 64});  // more rows a panel from the second cache
  CHECK(sums(256, server(), 14, 2, true) == std::pair<int64_t, int64_t>{14, 0});   // a copy of all tiles is cheaper
  CHECK(sums(128, server(), 14, 14, true) == std::pair<int64_t, int64_t>{14, 0});
  CHECK(sums(256, server(), 14, 56, false) == std::pair<int64_t, int64_t>{14, 0});
  CHECK(sums(768, server(), 14, 10, false) == std::pair<int64_t, int64_t>{14, 256});  // very long
  CHECK(sums(1104, server(), 14, 10, false) == std::pair<int64_t, int64_t>{14, 184});
  CHECK(sums(8 * 101, server(), 14, 10, false) == std::pair<int64_t, int64_t>{14, 0});  // no divisor that is worth it
  CHECK(sums(256, server(), 7, 56, false) == std::pair<int64_t, int64_t>{7, 16});  // both fit
  CHECK(sums(128, Target(), 6, 56, true) == std::pair<int64_t, int64_t>{6, 16});   // 16 registers
}
