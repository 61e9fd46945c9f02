#include <catch2/catch.hpp>

#include <algorithm>

#include "ir/interpret.h"
#include "ir/text.h"
#include "polyhedral/transformation.h"
#include "programs.h"

using namespace nasc;

namespace {
Kernel after(Kernel k, const std::vector<const char*>& steps) {
  for (const char* s : steps) {
    auto next = apply(k, parse_step(s));
    INFO(s << ": " << (next ? "" : next.error().text));
    REQUIRE(next);
    k = *next;
  }
  return k;
}
Kernel textual(const Program& p) { return {p, textual_schedule(p)}; }
bool has_mark(const Kernel& k, const std::string& mark) { return text(k.schedule).find("\"" + mark + "\"") != std::string::npos; }
}  // namespace

TEST_CASE("stage: a local tensor whose life is one iteration is marked only") {
  Kernel k = after(textual(test::conv(16, 8)),
                   {"fuse_loops(first=init.n, second=mac.n, levels=4)", "fuse_loops(first=mac.n, second=epi.n, levels=4)",
                    "split(loop=w, by=4)", "distribute(loop=w.i)", "stage(tensor=Y, at=w.t)",
                    "reorder(order=[ci, kh, kw, mac.w.i])"});
  CHECK(has_mark(k, "stage Y"));
  CHECK(k.program.statements.size() == 3);
}

TEST_CASE("stage: an output gets an accumulator and a copy-out nest like the reduction's") {
  Program p = test::matmul(8, 32, 12);
  Kernel k = after(textual(p), {"fuse_loops(first=init.i, second=mac.i)", "split(loop=init.j, by=16)",
                                "split(loop=mac.j, by=16)", "fuse_loops(first=init.j.t, second=mac.j.t)",
                                "interchange(outer=mac.j.i, inner=k)", "vectorize(loop=mac.j.i)",
                                "stage(tensor=C, at=j.t)"});
  CHECK(has_mark(k, "stage C_acc"));
  REQUIRE(k.program.statements.size() == 3);
  CHECK(k.program.statements[2].name == "C_out");
  std::vector<std::string> names;
  for (const auto& l : loops_of(k.schedule, "C_out")) names.push_back(text(l.text));
  CHECK(names == std::vector<std::string>{"i", "j.t", "j.i vectorize"});
  CHECK(test::same_results(p, k.program));
}

TEST_CASE("stage: a reduction in chunks is summed apart and added") {
  Program p = test::matmul(8, 16, 24);
  Kernel k = after(textual(p), {"split(loop=k, by=8)", "reorder(order=[k.t, mac.i, mac.j, k.i])",
                                "stage(tensor=C, at=mac.j)"});
  REQUIRE(k.program.statements.size() == 4);
  CHECK(shape_of({3, 8, 16}) == k.program.tensor("C_acc").shape);
  CHECK(k.program.statement("C_add").combine == Combine::add);
  CHECK(test::same_results(p, k.program));
}

TEST_CASE("stage: with the initialisation elsewhere the reduction adds to memory") {
  Program p = test::conv(4, 6, false);
  Kernel k = after(textual(p), {"split(loop=mac.w, by=4)", "reorder(order=[ci, kh, kw, mac.w.i])", "stage(tensor=Y, at=w.t)"});
  CHECK(k.program.statement("Y_add").combine == Combine::add);
  CHECK(test::same_results(p, k.program));
}

TEST_CASE("tile: a sum whose loops bound each other takes blocks, too") {
  auto tiled = [](const std::string& more) {
    Program p = parse_program(R"(program t { tensor x : f32[16, 8] input
      tensor w : f32[32, 16] weight
      tensor acc : f32[32, 8] temp
      tensor y : f32[32, 8] output
      stmt init { init[co, p] : 0 <= co < 32 and 0 <= p < 8 }
        acc[co, p] = 0
      stmt mac { mac[co, p, ci] : 0 <= co < 32 and 0 <= p < 8 and 0 <= ci < 16)" + more + R"( }
        acc[co, p] += x[ci, p] * w[co, ci]
      stmt out { out[co, p] : 0 <= co < 32 and 0 <= p < 8 }
        y[co, p] = acc[co, p] })");
    Kernel k{p, textual_schedule(p)};
    auto out = apply(k, parse_step("tile(loops=[co, p], sizes=[16, 4], vector=co, lanes=8, reduce=[ci], chunks=[4], block=8)"));
    if (!out) FAIL(out.error().text);
    return test::same_results(p, out->program);
  };
  CHECK(tiled(""));
  CHECK(tiled(" and (p + ci) mod 2 = 0"));
}

TEST_CASE("tile: a long sum is made of short ones inside each tile") {
  Program p = test::matmul(5, 12, 48);
  Kernel k = after(textual(p), {"tile(loops=[j, i], sizes=[8, 1], vector=j, lanes=8, reduce=[k], chunks=[4], step=2, sum=16)"});
  CHECK(test::same_results(p, k.program));
  auto sum = std::find_if(k.program.statements.begin(), k.program.statements.end(),
                          [](const Statement& s) { return s.combine == Combine::add && s.reads.size() == 1; });
  REQUIRE(sum != k.program.statements.end());
  std::vector<std::string> names;
  for (const auto& l : loops_of(k.schedule, sum->name)) names.push_back(text(l.text));
  CHECK(names == std::vector<std::string>{"j.t", "i", "k.b", "j.v vectorize"});
  auto refused = [&](const std::string& more) {
    return apply(Kernel{p, textual_schedule(p)}, parse_step("tile(loops=[j, i], sizes=[8, 1], reduce=[k], " + more + ")")).error().code;
  };
  CHECK(refused("vector=j, lanes=8, sum=10") == "bad-size");
  CHECK(refused("vector=j, lanes=8, sum=16, block=16") == "bad-size");
  CHECK(refused("sum=16") == "bad-size");
}
