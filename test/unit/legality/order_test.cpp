// The order judge: answers, witnesses, memory, quotas.
#include <atomic>
#include <catch2/catch.hpp>
#include <thread>

#include "ir/registry.h"
#include "ir/text.h"
#include "legality/order.h"
#include "legality/order_matched.h"
#include "polyhedral/transformation.h"
#include "legality/order_ppl.h"
#include "test/unit/legality/programs.h"

using namespace nasc;
using namespace nasc::testing;

namespace {
struct Restored { // quotas and the judge after a test
  unsigned long isl = isl_quota();
  uint64_t ppl = ppl_quota();
  Restored() { forget_orders(); }
  ~Restored() {
    set_isl_quota(isl);
    set_ppl_quota(ppl);
    set_judge_for_tests({});
    record_order_queries({});
    forget_orders();
  }
};

// zero and mac of matmul under shared loops i, j.
Kernel matmul_kernel(const std::vector<int>& order, const std::string& i = "i",
                     const std::string& k = "k") {
  return scheduled(matmul(4, 5, 6), {{i, {"i", "i"}}, {"j", {"j", "j"}}}, order,
                   {{}, {{k, {"k"}}}});
}

void both(const Kernel& k, Verdict::Answer answer, const std::string& reason) {
  for (const Verdict& v : {judge_order_by_isl(k), judge_order_by_ppl(k)}) {
    INFO(text(v));
    CHECK(v.answer == answer);
    CHECK(v.reason == reason);
    CHECK(v.witness.has_value() == (answer == Verdict::no));
  }
  if (answer == Verdict::no)
    CHECK_FALSE(keeps_matched_order(k));
}
} // namespace

TEST_CASE("order: the textual order is legal, of every program") {
  for (const Program& p : {conv(5, 2, 3, 3), matmul(4, 5, 6), symbolic_matmul(), stencil(3, 6),
                           pool(6, 2), chain(4), scan(5)})
    both(in_textual_order(p), Verdict::yes, "");
}

TEST_CASE("order: a reduction may be reversed, but not run before its initialisation") {
  both(matmul_kernel({0, 1}, "i", "k"), Verdict::yes, "");
  Kernel reversed =
      scheduled(matmul(4, 5, 6), {}, {0, 1},
                {{{"i", {"i"}}, {"j", {"j"}}}, {{"k", {"-k"}}, {"j", {"j"}}, {"i", {"i"}}}});
  both(reversed, Verdict::yes, "");
  both(matmul_kernel({1, 0}), Verdict::no, "order-violated");
}

TEST_CASE("order: one late initialisation among many is found") {
  // zero runs at k = 1: after the first term of the sum, before all others
  Kernel k = scheduled(matmul(3, 3, 4), {{"k", {"1", "k"}}}, {0, 1},
                       {{{"i", {"i"}}, {"j", {"j"}}}, {{"i", {"i"}}, {"j", {"j"}}}});
  both(k, Verdict::no, "order-violated");
  // the result is read before the last term
  Program p = conv(4, 2, 3, 3);
  Kernel early = scheduled(p,
                           {{"co", {"co", "co", "co"}},
                            {"h", {"h", "h", "h"}},
                            {"w", {"w", "w", "w"}},
                            {"ci", {"0", "ci", "1"}}},
                           {0, 1, 2}, {{}, {{"kh", {"kh"}}, {"kw", {"kw"}}}, {}});
  both(early, Verdict::no, "order-violated");
}

TEST_CASE("order: instances of equal time are a violation") {
  Kernel k = scheduled(stencil(3, 6), {}, {0}, {{{"t", {"t"}}, {"i", {"floor((i)/2)"}}}});
  both(k, Verdict::no, "order-violated");
}

TEST_CASE("order: the witness names two instances") {
  Verdict v = judge_order_by_isl(matmul_kernel({1, 0}));
  REQUIRE(v.witness);
  CHECK(v.witness->source.starts_with("zero["));
  CHECK(v.witness->sink.starts_with("mac["));
  CHECK(v.text == v.witness->source + " must run before " + v.witness->sink);
  CHECK(text(v) == "no order-violated: " + v.text);
  Verdict symbolic = judge_order_by_isl(
      scheduled(symbolic_matmul(), {}, {1, 0},
                {{{"i", {"i"}}, {"j", {"j"}}}, {{"i", {"i"}}, {"j", {"j"}}, {"k", {"k"}}}}));
  REQUIRE(symbolic.witness);
  CHECK(symbolic.witness->source.starts_with("zero["));
  CHECK(symbolic.witness->sink.ends_with("]"));
}

TEST_CASE("order: parallel and vector loops carry nothing") {
  both(matmul_kernel({0, 1}, "i parallel"), Verdict::yes, "");
  both(matmul_kernel({0, 1}, "i vectorize"), Verdict::yes, "");
  both(matmul_kernel({0, 1}, "i", "k unroll"), Verdict::yes, "");
  both(matmul_kernel({0, 1}, "i", "k parallel"), Verdict::no, "reduction-race");
  both(matmul_kernel({0, 1}, "i", "k vectorize"), Verdict::yes, "");
  Kernel wave = scheduled(stencil(4, 8), {}, {0}, {{{"d", {"2t + i"}}, {"t parallel", {"t"}}}});
  both(wave, Verdict::yes, "");
  Kernel wrong = scheduled(stencil(4, 8), {}, {0}, {{{"d", {"t + i"}}, {"t parallel", {"t"}}}});
  both(wrong, Verdict::no, "parallel-carried");
  Kernel carried = scheduled(stencil(4, 8), {}, {0}, {{{"t", {"t"}}, {"i vectorize", {"i"}}}});
  both(carried, Verdict::no, "vectorize-carried");
}

TEST_CASE("order: matched iterators prove tiles, digits and copies, and nothing else") {
  Program mm = matmul(8, 8, 8);
  for (const Kernel& k :
       {in_textual_order(mm), matmul_kernel({0, 1}),
        scheduled(mm, {{"i.t parallel", {"floor(i/4)", "floor(i/4)"}}, {"j", {"j", "j"}}}, {0, 1},
                  {{{"i.i", {"i mod 4"}}}, {{"k", {"k"}}, {"i.i", {"i mod 4"}}}}),
        matmul_kernel({0, 1}, "i", "k vectorize")})
    CHECK(keeps_matched_order(k));
  CHECK_FALSE(keeps_matched_order(matmul_kernel({1, 0})));
  CHECK_FALSE(keeps_matched_order(matmul_kernel({0, 1}, "i", "k parallel")));
  CHECK_FALSE(keeps_matched_order( // other tiles of the same iterator
      scheduled(mm, {{"i.t", {"floor(i/4)", "floor(i/2)"}}, {"j", {"j", "j"}}}, {0, 1},
                {{{"i.i", {"i mod 4"}}}, {{"k", {"k"}}, {"i.i", {"i mod 2"}}}})));
  // Y[4 t + i] is another element at every other instance only while i is below 4.
  auto tiles = [](int n, const char* also = "t < 5") {
    std::string box = std::to_string(n);
    return program("tiles", {{"X", {40}}, {"Y", {40}}},
                   {{"{ S[t, i] : 0 <= t and " + std::string(also) + " and 0 <= i < " + box + " }",
                     "{ S[t, i] -> Y[4 t + i] }",
                     Combine::assign,
                     {"{ S[t, i] -> X[t] }"}}});
  };
  CHECK(keeps_matched_order(scheduled(tiles(4), {}, {0}, {{{"t parallel", {"t"}}, {"i", {"i"}}}})));
  CHECK_FALSE(
      keeps_matched_order(scheduled(tiles(5), {}, {0}, {{{"t parallel", {"t"}}, {"i", {"i"}}}})));
  // The last tile may be cut off.
  CHECK(keeps_matched_order(
      scheduled(tiles(4, "4 t + i < 18"), {}, {0}, {{{"t parallel", {"t"}}, {"i", {"i"}}}})));
  CHECK_FALSE(keeps_matched_order(
      scheduled(tiles(5, "4 t + i < 18"), {}, {0}, {{{"t parallel", {"t"}}, {"i", {"i"}}}})));
  Restored restored;
  set_isl_quota(1); // it is an entry to isl like the others
  CHECK_FALSE(keeps_matched_order(matmul_kernel({0, 1})));
}

TEST_CASE("order: what a prefetch reads is no access, to either judge") {
  Program p = parse_program(
      "program relu { tensor x : f32[6, 5, 16] input tensor y : f32[6, 5, 16] output "
      "stmt s { s[i, j, c] : 0 <= i < 6 and 0 <= j < 5 and 0 <= c < 16 } "
      "y[i, j, c] = max(x[i, j, c], 0) }");
  auto k = apply(in_textual_order(p),
                 parse_step("nest(loops=[i, j, c], vector=c, lanes=8, parallel=i, prefetch=[x, y])"));
  REQUIRE(k);
  CHECK(k->program.statements.size() == 3);
  CHECK(keeps_matched_order(*k));
  CHECK(judge_order_by_isl(*k).allowed());
}

TEST_CASE("order: a combine that reads its own tensor keeps its order") {
  Kernel k = scheduled(scan(6), {}, {0, 1}, {{{"i", {"i"}}}, {{"i", {"-i"}}}});
  both(k, Verdict::no, "order-violated");
}

TEST_CASE("order: a sum declared not reassociable keeps its order") {
  Program p = matmul(3, 3, 4);
  p.statement("mac").reassociable = false;
  std::vector<std::vector<Band>> own = {{{"i", {"i"}}, {"j", {"j"}}},
                                        {{"i", {"i"}}, {"j", {"j"}}, {"k", {"-k"}}}};
  both(in_textual_order(p), Verdict::yes, "");
  both(scheduled(p, {}, {0, 1}, own), Verdict::no, "order-violated");
}

TEST_CASE("order: always-no refuses everything, and only while it is set") {
  Restored restored;
  Kernel k = matmul_kernel({0, 1});
  set_judge_for_tests(always_no);
  CHECK(judge_order(k).answer == Verdict::no);
  CHECK(judge_order(k).reason == "always-no");
  set_judge_for_tests({});
  CHECK(judge_order(k).allowed());
}

TEST_CASE("order: PPL answers when isl gives up, and undecided counts as no when both do") {
  Restored restored;
  set_isl_quota(1);
  CHECK(judge_order_by_isl(matmul_kernel({0, 1})).answer == Verdict::undecided);
  CHECK(judge_order(matmul_kernel({0, 1})).allowed());
  Verdict no = judge_order(matmul_kernel({1, 0}));
  CHECK(no.answer == Verdict::no);
  REQUIRE(no.witness);
  CHECK(no.witness->source.starts_with("zero["));
  forget_orders();
  set_ppl_quota(1);
  Verdict none = judge_order(matmul_kernel({0, 1}));
  CHECK(none.answer == Verdict::undecided);
  CHECK(none.reason == "gave-up");
  CHECK_FALSE(none.allowed());
  set_isl_quota(0);
  CHECK(judge_order(matmul_kernel({0, 1})).allowed()); // undecided was not remembered
}

TEST_CASE("order: each distinct query is asked once, whatever the tensors are called") {
  Restored restored;
  int asked = 0;
  record_order_queries([&](const Kernel&, const Verdict&) { ++asked; });
  Program p = matmul(4, 4, 4);
  judge_order(in_textual_order(p));
  judge_order(in_textual_order(p));
  CHECK(asked == 1);
  Program q = program("other", {{"P", {4, 4}}, {"Q", {4, 4}}, {"R", {4, 4}}},
                      {{"{ zero[i, j] : 0 <= i < 4 and 0 <= j < 4 }", "{ zero[i, j] -> R[i, j] }"},
                       {"{ mac[i, j, k] : 0 <= i < 4 and 0 <= j < 4 and 0 <= k < 4 }",
                        "{ mac[i, j, k] -> R[i, j] }",
                        Combine::add,
                        {"{ mac[i, j, k] -> P[i, k] }", "{ mac[i, j, k] -> Q[k, j] }"}}});
  judge_order(in_textual_order(q));
  CHECK(asked == 1);
  p.statement("mac").reassociable = false;
  judge_order(in_textual_order(p));
  CHECK(asked == 2);
}

TEST_CASE("order: threads judge at the same time, each with its own isl and one PPL") {
  Restored restored;
  std::vector<std::thread> threads;
  std::atomic<int> right = 0;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      Kernel yes = matmul_kernel({0, 1}, "t" + std::to_string(t)),
             no = matmul_kernel({1, 0}, "t" + std::to_string(t));
      for (int round = 0; round < 5; ++round)
        right += judge_order(yes).allowed() && !judge_order(no).allowed() &&
                 judge_order_by_ppl(yes).allowed();
    });
  for (std::thread& t : threads)
    t.join();
  CHECK(right == 20);
}

TEST_CASE("order: the judge is registered") {
  const Judge* order = find_registered<Judge>("order");
  REQUIRE(order);
  Kernel k = matmul_kernel({1, 0});
  CHECK(order->judge({.kernel = &k}).answer == Verdict::no);
  CHECK(order->judge({}).allowed());
}
