// fold_transpose: the same results without the copies, by what reads them or by what makes what they read; each refusal.
// Normalizations made of sums and what is pointwise become one kernel.
#include <catch2/catch.hpp>

#include <cmath>

#include "ir/execute.h"
#include "ir/text.h"
#include "legality/order.h"
#include "legality/storage.h"
#include "polyhedral/scheduler.h"
#include "polyhedral/transformation.h"

using namespace nasc;

namespace {
// y = 2 b, b = a with its first two dimensions turned, a = |x|; `fused`: a is made of two statements.
Module turned(const std::string& buffers = "", const std::string& y_reads = "b", bool fused = false) {
  auto pointwise = [](const char* name, const std::string& shape, const std::string& body) {
    return text("program ", name, " origin \"\" {\n tensor X : f32[", shape, "] input\n tensor Y : f32[", shape, "] output\n", body, " }\n");
  };
  std::string at = "[i, j, k] : 0 <= i < 2 and 0 <= j < 3 and 0 <= k < 4 }\n";
  std::string one = text(" stmt s { s", at, " Y[i, j, k] = abs(X[i, j, k])\n"),
              two = text(" tensor T : f32[2, 3, 4] temp\n stmt s { s", at, " T[i, j, k] = abs(X[i, j, k])\n stmt u { u", at, " Y[i, j, k] = T[i, j, k]\n");
  bool flat = y_reads == "v";
  std::string last = flat ? pointwise("twice", "6, 4", " stmt s { s[i, k] : 0 <= i < 6 and 0 <= k < 4 }\n Y[i, k] = 2 * X[i, k]\n")
                          : pointwise("twice", "3, 2, 4", " stmt s { s[i, j, k] : 0 <= i < 3 and 0 <= j < 2 and 0 <= k < 4 }\n Y[i, j, k] = 2 * X[i, j, k]\n");
  return textual_module(
      parse_network(text("network net {\n buffer x : f32[2, 3, 4] input\n buffer a : f32[2, 3, 4] temp\n buffer b : f32[3, 2, 4] temp\n buffer y : f32[",
                         flat ? "6, 4" : "3, 2, 4", "] output\n", buffers, pointwise("absolute", "2, 3, 4", fused ? two : one),
                         "program turn origin \"Transpose\" {\n tensor X : f32[2, 3, 4] input\n tensor Y : f32[3, 2, 4] output\n"
                         " stmt s { s[i, j, k] : 0 <= i < 3 and 0 <= j < 2 and 0 <= k < 4 }\n Y[i, j, k] = X[j, i, k]\n }\n",
                         last, " inputs [x]\n outputs [y]\n call 0 absolute(x, a)\n call 1 turn(a, b)\n call 2 twice(", y_reads, ", y)\n}\n")),
      Target{});
}

std::vector<float> run(const Module& m) {
  std::vector<int64_t> shape;
  for (const Extent& e : m.network.buffers[m.network.inputs[0]].shape) shape.push_back(e.constant());
  HostTensor x = zeros(DType::f32, shape);
  for (int64_t k = 0; k < x.count(); ++k) x.as<float>()[k] = static_cast<float>(k % 13) - 6;
  HostTensor y = execute(m.network, {x}, {})[0];
  return {y.as<float>(), y.as<float>() + y.count()};
}

std::string refusal(const Module& m, const char* step) {
  auto out = apply(m, parse_step(step));
  REQUIRE(!out);
  return out.error().code;
}
constexpr const char* kView = " buffer v : f32[6, 4] temp alias b\n";
constexpr const char* kOtherView = " buffer w : f32[24] temp alias a\n";
}  // namespace

TEST_CASE("fold_transpose: readers read the other tensor, or the producer writes it") {
  for (bool viewed : {false, true}) {
    Module before = turned(viewed ? kView : "", viewed ? "v" : "b");
    auto after = apply(before, parse_step("fold_transpose(call=1)"));
    REQUIRE(after);
    CHECK(after->network.calls.size() == 2);
    CHECK(run(*after) == run(before));
    const Program& changed = *after->network.programs[after->network.calls[viewed ? 0 : 1].program];
    CHECK(changed.tensors[viewed ? 1 : 0].shape == (viewed ? shape_of({3, 2, 4}) : shape_of({2, 3, 4})));
  }
  std::string plan = text(schedule_module(turned(), {}).plan);
  CHECK(plan.find("fold_transpose(call=1)") != std::string::npos);
}
TEST_CASE("refuse: fold_transpose/no-such-call") { CHECK(refusal(turned(), "fold_transpose(call=3)") == "no-such-call"); }
TEST_CASE("refuse: fold_transpose/not-a-transpose") { CHECK(refusal(turned(), "fold_transpose(call=2)") == "not-a-transpose"); }
TEST_CASE("refuse: fold_transpose/used-elsewhere") {
  CHECK(refusal(turned(std::string(kView) + kOtherView, "v"), "fold_transpose(call=1)") == "used-elsewhere");
}
TEST_CASE("refuse: fold_transpose/different-index-spaces") {
  CHECK(refusal(turned(kView, "v", true), "fold_transpose(call=1)") == "different-index-spaces");
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
    std::vector<float> expected = run(m), found = run(done.module);
    double worst = 0;
    for (size_t i = 0; i < expected.size(); ++i) worst = std::max(worst, std::abs(static_cast<double>(found[i]) - expected[i]));
    CHECK(worst < 1e-5);
  }
}
