// isl, PPL and enumeration give the same answers.
#include <algorithm>
#include <catch2/catch.hpp>
#include <chrono>
#include <cstdio>

#include "legality/order.h"
#include "legality/order_matched.h"
#include "legality/order_ppl.h"
#include "polyhedral/dependence.h"
#include "test/unit/legality/oracle.h"
#include "test/unit/legality/programs.h"

using namespace nasc;
using namespace nasc::testing;

namespace {
double seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

struct Tally {
  int isl_yes = 0, isl_no = 0, isl_gave_up = 0, ppl_yes = 0, ppl_no = 0, ppl_gave_up = 0, agree = 0,
      disagree = 0;
  int loops_no = 0, matched = 0;
  double isl_seconds = 0, ppl_seconds = 0, ppl_slowest = 0;
  void print(const char* what) const {
    std::printf("%s: isl yes %d no %d (by a loop %d) gave up %d; ppl yes %d no %d gave up %d; "
                "matched %d, agree %d disagree %d; "
                "mean ms isl %.1f ppl %.1f, slowest ppl %.0f\n",
                what, isl_yes, isl_no, loops_no, isl_gave_up, ppl_yes, ppl_no, ppl_gave_up,
                matched, agree, disagree, 1e3 * isl_seconds / total(), 1e3 * ppl_seconds / total(),
                1e3 * ppl_slowest);
  }
  int total() const { return isl_yes + isl_no + isl_gave_up; }
};

// Asks both engines; enumeration too when `enumerate`.
void compare(const Kernel& kernel, Tally& tally, bool enumerate) {
  double t0 = seconds();
  Verdict isl = judge_order_by_isl(kernel);
  double t1 = seconds();
  Verdict ppl = judge_order_by_ppl(kernel);
  double t2 = seconds();
  tally.isl_seconds += t1 - t0;
  tally.ppl_seconds += t2 - t1;
  tally.ppl_slowest = std::max(tally.ppl_slowest, t2 - t1);
  ++(isl.answer == Verdict::yes  ? tally.isl_yes
     : isl.answer == Verdict::no ? tally.isl_no
                                 : tally.isl_gave_up);
  ++(ppl.answer == Verdict::yes  ? tally.ppl_yes
     : ppl.answer == Verdict::no ? tally.ppl_no
                                 : tally.ppl_gave_up);
  if (isl.answer == Verdict::no && isl.reason != "order-violated")
    ++tally.loops_no;
  INFO(kernel.program.name << "\n" << block_text(kernel.schedule.tree()));
  INFO("isl " << text(isl) << "\nppl " << text(ppl));
  if (isl.answer != Verdict::undecided && ppl.answer != Verdict::undecided) {
    ++(isl.answer == ppl.answer ? tally.agree : tally.disagree);
    CHECK(isl.answer == ppl.answer);
    CHECK(isl.reason == ppl.reason);
  }
  if (keeps_matched_order(kernel)) {
    ++tally.matched;
    CHECK(isl.answer == Verdict::yes);
  }
  if (isl.answer == Verdict::no)
    CHECK(isl.witness.has_value());
  if (!enumerate)
    return;
  Verdict brute = judge_by_enumeration(kernel);
  bool parametric =
      !kernel.program.parameters().empty(); // one value may not show what another does
  if (isl.answer != Verdict::undecided && !(parametric && brute.allowed()))
    CHECK(isl.answer == brute.answer);
}
} // namespace

TEST_CASE("order: isl, PPL and enumeration agree on random schedules", "[property]") {
  std::vector<Program> programs = {
      conv(3, 2, 2, 3), conv(4, 2, 1, 2, 2), matmul(3, 2, 4), symbolic_matmul(),
      stencil(4, 6),    pool(5, 2),          chain(4),        scan(5)};
  for (const Program& p : programs)
    verify(p);
  std::mt19937 rng(20261121);
  Tally tally;
  for (int k = 0; k < 500; ++k) {
    const Program& p = programs[k % programs.size()];
    compare(random_kernel(p, rng, k % 3 == 0 ? 0.05 : 0.5), tally, true);
  }
  tally.print("500 random schedules");
  CHECK(tally.disagree == 0);
  CHECK(tally.isl_gave_up == 0);
  CHECK(tally.ppl_gave_up <= 10);
  CHECK(tally.isl_no >= 150);
  CHECK(tally.isl_yes >= 150);
  CHECK(tally.matched >= 50);
}

TEST_CASE("order: PPL without simplification agrees too", "[property]") {
  std::vector<Program> programs = {conv(3, 2, 2, 3), matmul(3, 2, 4), symbolic_matmul(),
                                   stencil(4, 6),    pool(5, 2),      chain(4)};
  std::mt19937 rng(42);
  int agree = 0, gave_up = 0;
  for (int k = 0; k < 120; ++k) {
    Kernel kernel = random_kernel(programs[k % programs.size()], rng, k % 3 == 0 ? 0.05 : 0.5);
    Verdict plain = judge_order_by_ppl(kernel, false), simplified = judge_order_by_ppl(kernel);
    if (plain.answer == Verdict::undecided) {
      ++gave_up;
      continue;
    }
    CHECK(plain.answer == simplified.answer);
    ++agree;
  }
  std::printf("120 schedules without simplification: agree %d, gave up %d\n", agree, gave_up);
  CHECK(gave_up <= 12);
}

TEST_CASE("order: both engines agree on every query that was recorded", "[property]") {
  std::string path = std::string(NASC_BINARY_DIR) + "/order_queries.txt";
  forget_orders();
  record_order_queries_to(path);
  for (const Program& p : {conv(14, 16, 8, 3), conv(15, 8, 4, 3, 2), matmul(17, 9, 33),
                           symbolic_matmul(), stencil(20, 40), pool(12, 3), chain(24)}) {
    Kernel k = in_textual_order(p);
    judge_order(k);
    judge_order(k);
  }
  record_order_queries({});
  std::vector<OrderQuery> recorded = read_order_queries(path);
  REQUIRE(recorded.size() == 7);
  Tally tally;
  for (const OrderQuery& q : recorded) {
    CHECK(q.answer == Verdict::yes);
    compare(q.kernel, tally, false);
  }
  tally.print("recorded queries");
  CHECK(tally.isl_yes == 7);
  CHECK(tally.ppl_yes == 7);
}
