// PPL: integer emptiness, quotas, and the rounding mode it must not leave behind.
#include <catch2/catch.hpp>
#include <cfenv>
#include <random>
#include <thread>

#include "legality/order_ppl.h"
#include "test/support/rounding.h"
#include "test/unit/legality/programs.h"

using namespace nasc;
using namespace nasc::testing;

namespace {
int probed = 0;
int mode_inside = -1;

LinearForm form(std::map<int, int64_t> terms, int64_t constant) {
  return {std::move(terms), constant};
}

IntegerAnswer solve(const IntegerSystem& s, uint64_t weight = 1'000'000) {
  return ppl_integer_point(s, weight);
}
} // namespace

TEST_CASE("ppl: rounding is to nearest before and after every entry") {
  REQUIRE(rounds_to_nearest());
  set_ppl_probe_for_tests([] {
    ++probed;
    mode_inside = std::fegetround();
  });
  uint64_t quota = ppl_quota();
  for (uint64_t limit : {quota, uint64_t(10'000), uint64_t(1)}) {
    set_ppl_quota(limit);
    for (const Program& p : {stencil(4, 8), chain(4), scan(5)})
      for (bool simplify : {true, false}) {
        judge_order_by_ppl(in_textual_order(p), simplify);
        CHECK(rounds_to_nearest());
      }
  }
  set_ppl_quota(quota);
  CHECK(probed > 0);
  CHECK(mode_inside == FE_UPWARD);
  bool other_thread = false;
  std::thread([&] {
    bool before = rounds_to_nearest();
    IntegerSystem s;
    int x = s.add_variables(2);
    s.at_least_zero(form({{x, 2}, {x + 1, 3}}, -1));
    other_thread = before && solve(s).emptiness == Emptiness::point && rounds_to_nearest();
  }).join();
  CHECK(other_thread);
  set_ppl_probe_for_tests(nullptr);
}

TEST_CASE("ppl: a rational point is not an integer point") {
  IntegerSystem s; // 3 <= 2x + 4y <= 3
  int x = s.add_variables(2);
  s.equal_zero(form({{x, 2}, {x + 1, 4}}, -3));
  CHECK(solve(s).emptiness == Emptiness::empty);
  IntegerSystem t; // 5x + 7y = 1, 6 <= 2x + 3z <= 8, 0 <= x <= 10: x = 3 is the first
  int a = t.add_variables(3);
  t.equal_zero(form({{a, 5}, {a + 1, 7}}, -1));
  t.at_least_zero(form({{a, 2}, {a + 2, 3}}, -6));
  t.at_least_zero(form({{a, -2}, {a + 2, -3}}, 8));
  t.at_least_zero(form({{a, 1}}, 0));
  t.at_least_zero(form({{a, -1}}, 10));
  IntegerAnswer answer = solve(t);
  REQUIRE(answer.emptiness == Emptiness::point);
  CHECK(t.holds(answer.point));
}

TEST_CASE("ppl: the weight is deterministic and its end is a refusal to answer") {
  IntegerSystem s;
  int x = s.add_variables(6);
  std::mt19937 rng(7);
  for (int k = 0; k < 12; ++k) {
    LinearForm f;
    for (int v = 0; v < 6; ++v)
      f.add(x + v, static_cast<int>(rng() % 9) - 4);
    f.constant = static_cast<int>(rng() % 40) - 20;
    s.at_least_zero(f);
  }
  uint64_t a = 1'000'000, b = 1'000'000;
  CHECK(ppl_integer_point(s, a).emptiness == ppl_integer_point(s, b).emptiness);
  CHECK(a == b);
  CHECK(solve(s, 1).emptiness == Emptiness::gave_up);
}

TEST_CASE("ppl: simplification keeps the set of integer points") {
  std::mt19937 rng(11);
  auto below = [&](int n) { return static_cast<int64_t>(rng() % n); };
  int points = 0, nothing = 0;
  for (int round = 0; round < 300; ++round) {
    IntegerSystem s;
    int x = s.add_variables(4);
    for (int v = 0; v < 4; ++v) {
      s.at_least_zero(form({{x + v, 1}}, 2));
      s.at_least_zero(form({{x + v, -1}}, 2));
    }
    for (int k = 0; k < 3; ++k) {
      LinearForm f;
      for (int v = 0; v < 4; ++v)
        f.add(x + v, below(7) - 3);
      f.constant = below(9) - 4;
      k == 0 ? s.equal_zero(f) : s.at_least_zero(f);
    }
    bool any = false;
    std::vector<int64_t> p(4);
    for (int64_t c = 0; c < 625; ++c) {
      int64_t rest = c;
      for (auto& value : p)
        value = rest % 5 - 2, rest /= 5;
      any = any || s.holds(p);
    }
    IntegerAnswer answer = solve(s);
    REQUIRE(answer.emptiness != Emptiness::gave_up);
    CHECK((answer.emptiness == Emptiness::point) == any);
    if (any)
      CHECK(s.holds(answer.point));
    ++(any ? points : nothing);
  }
  CHECK(points > 50);
  CHECK(nothing > 20);
}

TEST_CASE("ppl: a coefficient that leaves 64 bits is a refusal to answer") {
  Program p = program(
      "far", {{"A", {Extent(4)}}},
      {{"{ S[i] : 0 <= i < 4 }", "{ S[i] -> A[i] }", Combine::assign, {"{ S[i] -> A[i] }"}}});
  Kernel k = scheduled(p, {}, {0}, {{{"i", {"9223372036854775807*i"}}}});
  CHECK(judge_order_by_ppl(k).answer == Verdict::undecided);
}
