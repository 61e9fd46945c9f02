// fold_transpose: the same results without the copies, by what reads them or by what makes what they read; each refusal.
#include <catch2/catch.hpp>

#include "ir/text.h"
#include "polyhedral/scheduler.h"
#include "polyhedral/transformation.h"
#include "programs.h"

using namespace nasc;
using test::refusal;
using test::run;

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
