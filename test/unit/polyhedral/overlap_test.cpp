// overlap: bands of rows give the same results, each refusal, and when the scheduler makes them.
#include <catch2/catch.hpp>

#include "ir/text.h"
#include "legality/order.h"
#include "legality/storage.h"
#include "polyhedral/scheduler.h"
#include "polyhedral/transformation.h"
#include "programs.h"

using namespace nasc;
using test::interpreted;
using test::refusal;

namespace {

struct Pair {
  int64_t in = 4, channels = 8, side = 12, kernel = 3, stride = 1, pad = 1;
  std::string window = "depthwise";  // or the combination of a pool
  std::string body = "max(C[n, m, p, q], 0)", depth = "f32", also = "";
};

// t = relu(1x1 convolution of x); y = what a window over each channel of t makes of it.
std::string source(const Pair& c) {
  int64_t out = (c.side + 2 * c.pad - c.kernel) / c.stride + 1;
  bool depthwise = c.window == "depthwise";
  auto shape = [&](int64_t channels, int64_t side) { return text(c.depth, "[1, ", channels, ", ", side, ", ", side, "]"); };
  std::string x = shape(c.in, c.side), t = shape(c.channels, c.side), y = shape(c.channels, out), w = text(c.depth, "[", c.channels, ", ", c.in, ", 1, 1]"),
              v = text(c.depth, "[", c.channels, ", 1, ", c.kernel, ", ", c.kernel, "]");
  auto places = [&](int64_t side) { return text("n = 0 and 0 <= m < ", c.channels, " and 0 <= p < ", side, " and 0 <= q < ", side); };
  std::string h = text(c.stride, "*p + r - ", c.pad), u = text(c.stride, "*q + s - ", c.pad), box = places(out) + text(" and 0 <= r < ", c.kernel, " and 0 <= s < ", c.kernel);
  return "network net {\n buffer x : " + x + " input\n buffer w : " + w + " weight\n buffer v : " + v + " weight\n buffer t : " + t +
         " temp\n buffer y : " + y + " output\n program expand origin \"Conv\" {\n tensor X : " + x + " input\n tensor W : " + w +
         " weight\n tensor C : " + t + " temp\n tensor T : " + t + " output\n stmt init { init[n, m, p, q] : " + places(c.side) +
         " }\n C[n, m, p, q] = 0\n stmt mac { mac[n, m, p, q, d, r, s] : " + places(c.side) + text(" and 0 <= d < ", c.in) +
         " and r = 0 and s = 0 }\n C[n, m, p, q] += X[n, d, p + r, q + s] * W[m, d, r, s]\n stmt out { out[n, m, p, q] : " + places(c.side) +
         " }\n T[n, m, p, q] = " + c.body + "\n }\n program window origin \"Window\" {\n tensor T : " + t + " input\n tensor V : " + v +
         " weight\n tensor Z : " + y + " temp\n tensor Y : " + y + " output\n stmt first { first[n, m, p, q] : " + places(out) +
         " }\n Z[n, m, p, q] = " + (depthwise ? "0" : "-3") + "\n stmt each { each[n, m, p, q, r, s] : " + box + text(" and 0 <= ", h, " < ", c.side, " and 0 <= ", u, " < ", c.side) +
         " }\n box { each[n, m, p, q, r, s] : " + box + " }\n Z[n, m, p, q] " + (depthwise ? "+" : c.window) + "= T[n, m, " + h + ", " + u + "]" +
         (depthwise ? " * V[m, 0, r, s]" : "") + "\n stmt last { last[i, c, a, b] : 0 <= i < 1 and 0 <= c < " + text(c.channels, " and 0 <= a < ", out, " and 0 <= b < ", out) +
         " }\n Y[i, c, a, b] = min(Z[i, c, a, b], 5)\n }\n inputs [x]\n outputs [y" + c.also + "]\n call 0 expand(x, w, t) \"expand\"\n call 1 window(t, v, y) \"window\"\n}\n";
}

Module module_of(const Pair& c) {
  Network n = parse_network(source(c));
  Target target;
  target.cpu = "x86-64-v3";
  return textual_module(std::move(n), target);
}

const char* kStep = "overlap(first=0, second=1, rows=4)";
}  // namespace

TEST_CASE("overlap: bands of rows give the results of all rows") {
  for (const Pair& c : std::vector<Pair>{{},
                                         {.stride = 2},
                                         {.side = 11, .stride = 2},
                                         {.side = 16, .kernel = 5, .pad = 2},
                                         {.side = 14, .pad = 0},
                                         {.side = 12, .kernel = 2, .stride = 2, .pad = 0},
                                         {.stride = 2, .window = "max"},
                                         {.side = 13, .stride = 2, .pad = 0, .window = "max"}})
    for (int64_t rows : {1, 2, 3, 4, 6}) {
      Module before = module_of(c);
      INFO(source(c) << rows << " rows");
      auto after = apply(before, Step{"overlap", {{"first", int64_t{0}}, {"second", int64_t{1}}, {"rows", rows}}});
      if (!after && after.error().code == "bad-rows") continue;
      if (!after) FAIL(after.error().code << ": " << after.error().text);
      verify(after->network);
      REQUIRE(after->network.calls.size() == 1);
      int program = after->network.calls[0].program;
      CHECK(folds(after->network.programs[program]->tensor("T")));
      CHECK(interpreted(*after, "y") == interpreted(before, "y"));
      CHECK_FALSE(judge_order(kernel(*after, program)).allowed());  // all bands before the windows: in one place
    }
}

TEST_CASE("overlap: what walks through rows may be the columns of the result") {
  std::string s = source({.kernel = 1, .pad = 0}), from = "T[n, m, 1*p + r - 0, 1*q + s - 0]";
  Module before = textual_module(parse_network(s.replace(s.find(from), from.size(), "T[n, m, q, p]")), Target{});
  auto after = apply(before, parse_step(kStep));
  REQUIRE(after);
  CHECK(interpreted(*after, "y") == interpreted(before, "y"));
}

TEST_CASE("refuse: overlap/no-such-call") { CHECK(refusal(module_of({}), "overlap(first=0, second=7, rows=4)") == "no-such-call"); }
TEST_CASE("refuse: overlap/bad-rows") {
  for (const char* rows : {"0", "-4", "5", "12", "24"}) {
    INFO(rows);
    CHECK(refusal(module_of({}), text("overlap(first=0, second=1, rows=", rows, ")").c_str()) == "bad-rows");
  }
}
TEST_CASE("refuse: overlap/used-elsewhere") {
  CHECK(refusal(module_of({.also = ", t"}), kStep) == "used-elsewhere");
  // Two bands would both add to the sums of the rows that both have.
  std::string s = source({.also = ", c"});
  s.replace(s.find("tensor C : f32[1, 8, 12, 12] temp"), 33, "tensor C : f32[1, 8, 12, 12] output");
  s.insert(s.find("buffer y :"), "buffer c : f32[1, 8, 12, 12] output\n ");
  s.replace(s.find("expand(x, w, t)"), 15, "expand(x, w, c, t)");
  CHECK(refusal(textual_module(parse_network(s), Target{}), kStep) == "used-elsewhere");
}
TEST_CASE("refuse: overlap/not-producer") {
  std::string s = source({});
  s.replace(s.find("buffer t :"), 0, "buffer other : f32[1, 8, 12, 12] input\n ").replace(s.find("inputs [x]"), 10, "inputs [x, other]");
  s.replace(s.find("window(t, v, y)"), 15, "window(other, v, y)");
  CHECK(refusal(textual_module(parse_network(s), Target{}), kStep) == "not-producer");
}
// Zeros would be the least of negative sums.
TEST_CASE("refuse: overlap/not-a-product") {
  CHECK(refusal(module_of({.window = "min"}), kStep) == "not-a-product");
  std::string s = source({}), from = "= T[n, m, 1*p + r - 1, 1*q + s - 1] * V[m, 0, r, s]";
  s.replace(s.find(from), from.size(), "= (T[n, m, 1*p + r - 1, 1*q + s - 1] + 1) * V[m, 0, r, s]");
  CHECK(refusal(textual_module(parse_network(s), Target{}), kStep) == "not-a-product");
  CHECK(apply(module_of({.side = 14, .pad = 0, .window = "min"}), parse_step(kStep)));
}
TEST_CASE("refuse: overlap/symbolic-extent") {
  std::string s = source({.pad = 0, .window = "max"});
  for (size_t at = 0; (at = s.find("n = 0", at)) != std::string::npos; at += 10) s.replace(at, 5, "0 <= n < N");
  for (size_t at = 0; (at = s.find("f32[1, ", at)) != std::string::npos; at += 7) s.replace(at + 4, 1, "N");
  s.replace(s.find("0 <= i < 1"), 10, "0 <= i < N");
  for (const char* name : {" init {", " mac {", " out {", " first {", " each {", " last {", " box {"})
    for (size_t at = 0; (at = s.find(name, at)) != std::string::npos; at += 16) s.insert(s.find('{', at), "[N] -> ");
  CHECK(refusal(textual_module(parse_network(s), Target{}), kStep) == "symbolic-extent");
}
namespace {
// What is refused when `from` is `to` in the text.
std::string refusal_of(const Pair& c, const std::string& from, const std::string& to) {
  std::string s = source(c);
  size_t at = s.find(from);
  REQUIRE(at != std::string::npos);
  return refusal(textual_module(parse_network(s.replace(at, from.size(), to)), Target{}), kStep);
}
}  // namespace
TEST_CASE("refuse: overlap/not-a-window") {
  Pair plain{.kernel = 1, .pad = 0};
  CHECK(refusal_of(plain, "T[n, m, 1*p + r - 0, 1*q + s - 0]", "T[n, m, 11 - p, q]") == "not-a-window");
  CHECK(refusal_of(plain, "T[n, m, 1*p + r - 0, 1*q + s - 0]", "T[n, m, 3, q]") == "not-a-window");
}
TEST_CASE("refuse: overlap/not-affine") {
  Pair plain{.kernel = 1, .pad = 0};
  CHECK(refusal_of(plain, "T[n, m, 1*p + r - 0, 1*q + s - 0]", "T[n, m, floor(p/2), q]") == "not-affine");
  CHECK(refusal(module_of({.body = "C[n, m, p, q] + f32(q)"}), kStep) == "not-affine");  // another iterator comes before q
}
TEST_CASE("refuse: overlap/different-index-spaces") {
  CHECK(refusal_of({.kernel = 1, .pad = 0}, "Z[n, m, p, q] = 0", "Z[n, m, 11 - p, q] = 0") == "different-index-spaces");
}
TEST_CASE("refuse: overlap/phase-differs") {
  Module m = module_of({});
  Program early = *m.network.programs[0];
  early.phase = Phase::create;
  m.network.programs[0] = std::make_shared<const Program>(early);
  CHECK(refusal(m, kStep) == "phase-differs");
}
TEST_CASE("refuse: overlap/too-many-statements") {
  std::string s = source({}), many;
  for (int k = 0; k < 16; ++k) many += text(" stmt more", k, " { more", k, "[n, m, p, q] : n = 0 and 0 <= m < 8 and 0 <= p < 12 and 0 <= q < 12 }\n C[n, m, p, q] = 0\n");
  s.insert(s.find(" stmt init"), many);
  CHECK(refusal(textual_module(parse_network(s), Target{}), kStep) == "too-many-statements");
}

TEST_CASE("overlap: a quota that ends anywhere is a refusal") {
  Module m = module_of({.stride = 2});
  Step step{"overlap", {{"first", int64_t{0}}, {"second", int64_t{1}}, {"rows", int64_t{2}}}};
  const unsigned long quota = isl_quota(IslEntry::transformation);
  size_t gave_up = 0;
  for (unsigned long operations : {1, 7, 50, 300, 2000}) {
    INFO(operations << " operations");
    set_isl_quota(IslEntry::transformation, operations);
    auto out = apply(m, step);
    set_isl_quota(IslEntry::transformation, quota);
    if (!out) CHECK(out.error().code == "isl-quota");
    gave_up += !out;
  }
  CHECK(gave_up > 1);
  CHECK(apply(m, step)); // nothing of it was kept
}

TEST_CASE("scheduler: a contraction goes into the bands of the windows that read it") {
  for (const Pair& c : std::vector<Pair>{{.in = 16, .channels = 64, .side = 56, .stride = 2}, {.in = 16, .channels = 64, .side = 56, .stride = 2, .window = "max"}}) {
    Module before = module_of(c);
    before.target.l2_bytes = 512 << 10;
    Scheduled on = schedule_module(before, {});
    std::string plan = text(on.plan);
    INFO(plan);
    CHECK(plan.find("overlap(") != std::string::npos);
    CHECK(plan.find("fuse_loops") != std::string::npos);
    verify(on.module.network);
    size_t at = 0;
    while (!on.module.network.programs[on.module.network.calls[at].program]->find_tensor("Z")) ++at;
    Kernel k = kernel(on.module, on.module.network.calls[at].program);
    CHECK(text(k.schedule).find("block parallel") != std::string::npos);
    CHECK(judge_order(k).allowed());
    CHECK(judge_order_by_isl(k).allowed());
    CHECK(judge_storage_by_isl(k).allowed());
    CHECK(interpreted(on.module, "y") == interpreted(before, "y"));
    test::check_replay(before, on);
  }
}

TEST_CASE("scheduler: windows stay apart where bands do not help") {
  auto overlaps = [](Pair c, int64_t cache) {
    Module m = module_of(c);
    m.target.l2_bytes = cache;
    return text(schedule_module(m, {}).plan).find("overlap(") != std::string::npos;
  };
  Pair narrow{.in = 16, .channels = 64, .side = 56, .stride = 2};
  CHECK(overlaps(narrow, 512 << 10));
  CHECK_FALSE(overlaps(narrow, 1 << 20));   // all of it stays in the cache
  CHECK_FALSE(overlaps(narrow, 32 << 10));  // no band does
  Pair deep = narrow;
  deep.in = 512;  // rows that are made twice cost more than their way through memory
  CHECK_FALSE(overlaps(deep, 512 << 10));
}
