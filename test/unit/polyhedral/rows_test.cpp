// Rows: reductions along memory, one result per lane first; normalizations as one kernel.
#include <catch2/catch.hpp>

#include <cmath>

#include "ir/text.h"
#include "legality/order.h"
#include "legality/storage.h"
#include "polyhedral/module_edit.h"
#include "polyhedral/scheduler.h"
#include "polyhedral/transformation.h"
#include "programs.h"

using namespace nasc;

namespace {
Program scaled(int64_t columns) {
  std::string row = text("0 <= i < 5 and 0 <= k < ", columns);
  return parse_program(
      text("program scaled { tensor x : f32[5, ", columns, "] input\n tensor y : f32[5, ", columns,
           "] output\n tensor m : f32[5] temp\n tensor e : f32[5, ", columns,
           "] temp\n tensor s : f32[5] temp\n"
           " stmt m0 { m0[i] : 0 <= i < 5 }\n m[i] = -inf\n stmt m1 { m1[i, k] : ",
           row, " }\n m[i] max= x[i, k]\n stmt e0 { e0[i, k] : ", row,
           " }\n e[i, k] = x[i, k] - m[i]\n stmt s0 { s0[i] : 0 <= i < 5 }\n s[i] = 1\n"
           " stmt s1 { s1[i, k] : ",
           row, " }\n s[i] += e[i, k]\n stmt y0 { y0[i, k] : ", row,
           " }\n y[i, k] = e[i, k] * s[i]\n}"));
}
size_t statements(int64_t columns, int64_t lanes) {
  Program p = scaled(columns);
  auto k = apply(Kernel{p, textual_schedule(p)},
                 parse_step(text("rows(loops=[i], parallel=i, lanes=", lanes, ")")));
  if (!k)
    FAIL(k.error().text);
  CHECK(test::same_results(p, k->program));
  CHECK(judge_order(*k).allowed());
  CHECK(judge_order_by_isl(*k).allowed());
  return k->program.statements.size();
}
} // namespace

TEST_CASE("rows: reductions of at least two whole vectors are made of one per lane") {
  CHECK(statements(16, 8) == 6 + 2 * 2);
  CHECK(statements(40, 8) == 6 + 2 * 2);
  CHECK(statements(37, 8) == 6); // the last vector is partial
  CHECK(statements(15, 8) == 6);
  CHECK(statements(64, 1) == 6);
}

namespace {
// The step that a pool of all `size` x `size` points gets, whose channels lie in blocks of a vector.
std::string pool_step(int64_t channels, int64_t size) {
  std::string x = text("f32[1, ", channels, ", ", size, ", ", size, "]"), y = text("f32[1, ", channels, ", 1, 1]"),
              points = text("0 <= c < ", channels, " and 0 <= k0 < ", size, " and 0 <= k1 < ", size), blocks = " layout [0, 1/8, 2, 3, 1%8]",
              one = text("[n = 0, c, o0 = 0, o1 = 0] : 0 <= c < ", channels, " }\n");
  Module m = textual_module(
      parse_network(text("network net {\n buffer x : ", x, " input\n buffer z : ", x, " temp", blocks, "\n buffer y : ", y, " output\n",
                         " program double origin \"\" {\n  tensor X : ", x, " input\n  tensor Y : ", x, " output", blocks,
                         "\n  stmt s { s[n = 0, c, k0, k1] : ", points, " }\n   Y[n, c, k0, k1] = 2 * X[n, c, k0, k1]\n }\n",
                         " program pool origin \"\" {\n  tensor X : ", x, " input", blocks, "\n  tensor Y : ", y, " output\n  tensor S : ", y,
                         " temp\n  stmt s0 { s0", one, "   S[n, c, o0, o1] = 0\n  stmt s1 { s1[n = 0, c, o0 = 0, o1 = 0, k0, k1] : ", points,
                         " }\n   S[n, c, o0, o1] += X[n, c, k0, k1]\n  stmt y0 { y0", one, "   Y[n, c, o0, o1] = S[n, c, o0, o1] / ", size * size,
                         "\n }\n inputs [x]\n outputs [y]\n call 0 double(x, z) \"a\"\n call 1 pool(z, y) \"b\"\n}")),
      Target{});
  std::string plan = text(schedule_module(m, {}).plan);
  INFO(plan);
  size_t at = plan.find("kernel pool");
  REQUIRE(at != std::string::npos);
  return plan.substr(plan.find("tile(", at), plan.find('}', at) - plan.find("tile(", at));
}
} // namespace

TEST_CASE("pools of all points have channels in lanes, and sums of many are made of one per line") {
  std::string wide = pool_step(24, 13), odd = pool_step(20, 13), small = pool_step(24, 7);
  INFO(wide << odd << small);
  auto has = [](const std::string& step, const char* argument) { return step.find(argument) != std::string::npos; };
  CHECK((has(wide, "lanes=8") && has(wide, "vector=c") && has(wide, "sum=1")));
  CHECK((has(odd, "lanes=8") && has(odd, "vector=c")));  // the last vector is filled in part
  CHECK((has(small, "unroll=[k1]") && !has(small, "sum")));
}

TEST_CASE("a normalization is one kernel, row by row") {
  constexpr int64_t kRows = 6;
  for (int64_t columns : {16, 40, 37}) {
    std::string wide = text("f32[", kRows, ", ", columns, "]"), narrow = text("f32[", kRows, ", 1]"),
                row = text("[i, k] : 0 <= i < ", kRows, " and 0 <= k < ", columns, " }\n"), one = text("[i, k = 0] : 0 <= i < ", kRows, " }\n");
    auto pointwise = [&](const char* name, const std::string& more, const std::string& body) {
      return text("program ", name, " origin \"\" {\n tensor X : ", wide, " input\n", more, " tensor Y : ", wide, " output\n stmt s { s", row, " Y[i, k] = ", body, "\n }\n");
    };
    Module m = textual_module(
        parse_network(text("network net {\n buffer x : ", wide, " input\n buffer m : ", narrow, " temp\n buffer c : ", wide, " temp\n buffer q : ", wide,
                           " temp\n buffer v : ", narrow, " temp\n buffer y : ", wide, " output\n program mean origin \"\" {\n tensor X : ", wide,
                           " input\n tensor Y : ", narrow, " output\n tensor S : ", narrow, " temp\n stmt s0 { s0", one, " S[i, k] = 0\n stmt s1 { s1[i, o = 0, k] : 0 <= i < ",
                           kRows, " and 0 <= k < ", columns, " }\n S[i, o] += X[i, k]\n stmt s2 { s2", one, " Y[i, k] = S[i, k] / ", columns, "\n }\n",
                           pointwise("center", text(" tensor M : ", narrow, " input\n"), "X[i, k] - M[i, 0]"), pointwise("square", "", "X[i, k] * X[i, k]"),
                           pointwise("scale", text(" tensor V : ", narrow, " input\n"), "X[i, k] / sqrt(V[i, 0] + 0.5)"),
                           " inputs [x]\n outputs [y]\n call 0 mean(x, m)\n call 1 center(x, m, c)\n call 2 square(c, q)\n call 0 mean(q, v)\n call 3 scale(c, v, y)\n}\n")),
        Target{});
    Scheduled done = schedule_module(m, {});
    INFO(text(done.plan));
    CHECK(done.module.network.calls.size() == 1);
    Kernel k{*done.module.network.programs[0], done.module.schedules[0]};
    CHECK(judge_order(k).allowed());
    CHECK(judge_order_by_isl(k).allowed());
    CHECK(judge_storage(k).allowed());
    CHECK(judge_storage_by_isl(k).allowed());
    std::vector<float> expected = test::run(m), found = test::run(done.module);
    double worst = 0;
    for (size_t i = 0; i < expected.size(); ++i) worst = std::max(worst, std::abs(static_cast<double>(found[i]) - expected[i]));
    CHECK(worst < 1e-5);
  }
}
