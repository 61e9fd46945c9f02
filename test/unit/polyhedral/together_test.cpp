// Tiles that are taken together by loops outermost: the transformation, and when the cost model
// asks for it.
#include <catch2/catch.hpp>

#include "ir/text.h"
#include "legality/order.h"
#include "polyhedral/cost/tile_choice.h"
#include "polyhedral/schedule.h"
#include "polyhedral/transformation.h"
#include "programs.h"

using namespace nasc;

namespace {
Program pointwise(int64_t in, int64_t out, int64_t side, int64_t taps = 1) {
  std::string box = text("0 <= m < ", out, " and 0 <= p < ", side, " and 0 <= q < ", side);
  return parse_program(text(
      "program conv {\n  tensor X : f32[1, ", in, ", ", side + taps - 1, ", ", side + taps - 1,
      "] input\n  tensor W : f32[", out, ", ", in, ", ", taps, ", ", taps,
      "] weight\n  tensor A : f32[1, ", out, ", ", side, ", ", side, "] temp\n  tensor Y : f32[1, ",
      out, ", ", side, ", ", side, "] output\n  stmt init { init[n = 0, m, p, q] : ", box,
      " }\n    A[n, m, p, q] = 1\n", "  stmt mac { mac[n = 0, m, p, q, d, r, s] : ", box,
      " and 0 <= d < ", in, " and 0 <= r < ", taps, " and 0 <= s < ", taps,
      " }\n    A[n, m, p, q] += X[n, d, p + r, q + s] * W[m, d, r, s]\n",
      "  stmt out { out[n = 0, m, p, q] : ", box,
      " }\n    Y[n, m, p, q] = max(A[n, m, p, q], 0)\n}"));
}

Expected<Kernel> tiled(const Program& p, const std::string& more) {
  return apply(Kernel{p, textual_schedule(p)},
               parse_step("tile(loops=[m, n, p, q], sizes=[8, 1, 1, 2], vector=m, lanes=8, "
                          "reduce=[d, r, s], chunks=[4, 0, 0], " +
                          more + ")"));
}

void check_legal(const Program& p, const Expected<Kernel>& k) {
  if (!k)
    FAIL(k.error().text);
  CHECK(test::same_results(p, k->program));
  CHECK(judge_order(*k).allowed());
  CHECK(judge_order_by_isl(*k).allowed());
}

std::vector<std::string> loops(const Kernel& k, const std::string& statement) {
  std::vector<std::string> out;
  for (const auto& l : loops_of(k.schedule, statement))
    out.push_back(text(l.text));
  return out;
}
} // namespace

TEST_CASE("tile: tiles taken together have blocks of the sum around them") {
  Program p = pointwise(16, 32, 6);
  for (const char* more :
       {"block=8, outer=[2, 0, 0, 0], parallel=m", "block=8, outer=[0, 0, 3, 0], parallel=p",
        "block=8, outer=[2, 0, 2, 0], parallel=m, collapse=p, prefetch=W",
        "outer=[0, 0, 3, 0], parallel=p, prefetch=W"}) {
    INFO(more);
    Program packed = p;
    packed.tensor("W").layout = Layout{{{0, 8, 0}, {1, 1, 0}, {2, 1, 0}, {3, 1, 0}, {0, 1, 8}}, {}, {}};
    auto k = tiled(packed, more);
    check_legal(p, k);
  }
  auto k = tiled(p, "block=8, outer=[2, 0, 0, 0], parallel=m");
  REQUIRE(k);
  CHECK(loops(*k, "mac") == std::vector<std::string>{"m.o parallel", "d.b", "m.t", "n", "p", "q.t",
                                                     "d.t", "r", "s", "d.i", "q.i unroll",
                                                     "m.v vectorize"});
  CHECK(loops(*k, "out") == std::vector<std::string>{"m.o parallel", "m.t", "n", "p", "q.t",
                                                     "q.i unroll", "m.v vectorize"});
}

TEST_CASE("tile: refuses outer tiles that do not divide their loop, and to divide a loop inside of "
          "them") {
  Program p = pointwise(16, 32, 6);
  for (const char* more :
       {"outer=[3, 0, 0, 0]", "outer=[2, 0, 0]", "outer=[-1, 0, 0, 0]",
        "outer=[2, 0, 0, 0], parallel=p", "outer=[2, 0, 0, 0], parallel=m, collapse=p"}) {
    INFO(more);
    auto refused = tiled(p, more);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == "bad-size");
  }
}

TEST_CASE("tiles are taken together where an image or a matrix does not stay in the second cache") {
  Target t;
  t.l1_bytes = 32 << 10;
  t.l2_bytes = 512 << 10;
  t.l3_bytes = 32 << 20;
  auto first = [&](const Program& p) {
    auto c = find_contraction(p);
    REQUIRE(c);
    return tile_choices(*c, p, t, 0)[0];
  };
  TileChoice large = first(pointwise(1024, 256, 14));
  CHECK(large.together());
  CHECK(large.block > 0);
  CHECK_FALSE(first(pointwise(64, 64, 14)).together());       // all in the cache
  CHECK_FALSE(first(pointwise(1024, 256, 14, 3)).together()); // windows read what they just read
}

TEST_CASE("columns of a product without lines are taken together, in blocks that leave the first cache room for rows") {
  Target t;
  t.l1_bytes = 32 << 10;
  t.l2_bytes = 512 << 10;
  t.l3_bytes = 32 << 20;
  t.cores = 2;
  auto product = [](int64_t rows, int64_t depth, int64_t columns) {
    std::string box = text("0 <= i < ", rows, " and 0 <= j < ", columns);
    return parse_program(text("program product {\n  tensor A : f32[1, ", rows, ", ", depth,
                              "] input\n  tensor B : f32[", depth, ", ", columns, "] weight\n  tensor Y : f32[1, ",
                              rows, ", ", columns, "] output\n  stmt init { init[n = 0, i, j] : ", box,
                              " }\n    Y[n, i, j] = 0\n  stmt mac { mac[n = 0, i, j, k] : ", box, " and 0 <= k < ",
                              depth, " }\n    Y[n, i, j] += A[n, i, k] * B[k, j]\n}"));
  };
  auto first = [&](const Program& p) {
    auto c = find_contraction(p);
    REQUIRE(c);
    return tile_choices(*c, p, t, 0)[0];
  };
  TileChoice large = first(product(128, 768, 3072));
  CHECK(large.column_tiles > 1);
  REQUIRE(large.block > 0);
  CHECK((large.vectors * 8 + large.rows) * large.block * 4 <= t.l1_bytes * 6 / 10);
  CHECK(large.column_tiles * large.vectors * 8 * 128 * 4 <= 128 << 10);  // the copy, on each thread's stack
  CHECK_FALSE(first(product(128, 64, 128)).together());
  CHECK_FALSE(first(product(1, 768, 3072)).together());

  Program p = product(128, 768, 3072);
  auto k = apply(Kernel{p, textual_schedule(p)},
                 parse_step("tile(loops=[j, n, i], sizes=[8, 1, 2], vector=j, lanes=8, reduce=[k], chunks=[8], block=128, "
                            "outer=[8, 0, 0], parallel=j)"));
  REQUIRE(k);
  CHECK(loops(*k, "mac")[0] == "j.o parallel");
  CHECK(judge_order(*k).allowed());
}

TEST_CASE("of a large image and a large matrix, tiles of some columns and some lines are taken together") {
  Target t;
  t.l1_bytes = 32 << 10;
  t.l2_bytes = 512 << 10;
  t.l3_bytes = 32 << 20;
  t.cores = 2;
  Program p = pointwise(1024, 512, 14);
  auto c = find_contraction(p);
  REQUIRE(c);
  TileChoice best = tile_choices(*c, p, t, 0)[0];
  INFO(text(best, *c));
  CHECK(best.together());
  // What its panels are fetched ahead for: passes of one group over each.
  CHECK((best.line_tiles ? best.line_tiles : 14) * ((14 + best.rows - 1) / best.rows) <= 48);
  int64_t columns = best.column_tiles ? best.column_tiles * best.vectors * 8 : 512, lines = best.line_tiles ? best.line_tiles : 14;
  CHECK((!best.block || columns * lines * 14 * 4 <= 128 << 10));
}

TEST_CASE("tile: fetches the rows that the next line of tiles reads") {
  Program p = pointwise(16, 32, 6);
  Program blocked = p;
  blocked.tensor("X").layout = Layout{{{0, 1, 0}, {1, 4, 0}, {2, 1, 0}, {3, 1, 0}, {1, 1, 4}}, {}, {}};
  auto step = [](const std::string& more) {
    return parse_step("tile(loops=[n, p, m, q], sizes=[1, 1, 8, 2], vector=m, lanes=8, reduce=[d, r, s], "
                      "chunks=[4, 0, 0], prefetch=X" + more + ")");
  };
  for (const char* more : {"", ", parallel=p", ", block=8", ", sum=8", ", parallel=p, collapse=m"}) {
    INFO(more);
    auto k = apply(Kernel{blocked, textual_schedule(blocked)}, step(more));
    check_legal(p, k);
    const Statement& ahead = k->program.statement("ahead");
    REQUIRE(ahead.reads.size() == 1);
    // Line p + 1, the channels of this chunk: every pixel of each line but the first at some iteration.
    isl::set read = ahead.reads[0].map.as_map().intersect_domain(ahead.domain).range();
    CHECK(isl::set(isl_context(), "{ X[0, d, p, q] : 0 <= d < 16 and d mod 4 = 0 and 1 <= p < 6 and 0 <= q < 6 and q mod 2 = 0 }").is_subset(read));
    CHECK(read.is_subset(isl::set(isl_context(), "{ X[0, d, p, q] : 0 <= d < 16 and 1 <= p <= 6 and q >= 0 }")));
  }
  // Rows that do not lie in chunks of the sum, tiles taken together, rows that overlap, one line of tiles only.
  CHECK(apply(Kernel{p, textual_schedule(p)}, step("")).error().code == "bad-size");
  CHECK(apply(Kernel{blocked, textual_schedule(blocked)}, step(", outer=[0, 3, 0, 0]")).error().code == "bad-size");
  Program window = pointwise(16, 32, 6, 3);
  window.tensor("X").layout = blocked.tensor("X").layout;
  CHECK(apply(Kernel{window, textual_schedule(window)}, step("")).error().code == "bad-size");
  Program line = pointwise(16, 32, 1);
  line.tensor("X").layout = blocked.tensor("X").layout;
  CHECK(apply(Kernel{line, textual_schedule(line)}, step("")).error().code == "bad-size");
}

TEST_CASE("tile: fetches the rows of the next tile where they are whole sums") {
  Program p = pointwise(32, 32, 6);
  Program whole = p;
  whole.tensor("X").layout = Layout{{{0, 1, 0}, {2, 1, 0}, {3, 1, 0}, {1, 1, 0}}, {}, {}};
  auto step = [](const std::string& more) {
    return parse_step("tile(loops=[n, p, m, q], sizes=[1, 1, 8, 2], vector=m, lanes=8, reduce=[d, r, s], prefetch=X, " + more + ")");
  };
  for (const char* more : {"chunks=[16, 0, 0]", "chunks=[16, 0, 0], parallel=p", "chunks=[16, 0, 0], sum=16", "chunks=[32, 0, 0]"}) {
    INFO(more);
    auto k = apply(Kernel{whole, textual_schedule(whole)}, step(more));
    check_legal(p, k);
    // Every line of two later pixels of the same line of the image, once per tile and panel.
    const Statement& ahead = k->program.statement("ahead");
    isl::set read = ahead.reads[0].map.as_map().intersect_domain(ahead.domain).range();
    CHECK(read.is_equal(isl::set(isl_context(), "{ X[0, d, p, q] : 0 <= d < 32 and d mod 16 = 0 and 0 <= p < 6 and 2 <= q < 8 }")));
  }
  // Half a line, and tiles taken together.
  CHECK(apply(Kernel{whole, textual_schedule(whole)}, step("chunks=[8, 0, 0]")).error().code == "bad-size");
  CHECK(apply(Kernel{whole, textual_schedule(whole)}, step("chunks=[16, 0, 0], outer=[0, 3, 0, 0]")).error().code == "bad-size");
}
