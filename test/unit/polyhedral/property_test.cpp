// Random plans: structure holds after every step, values hold when the judge accepts the order.
#include <catch2/catch.hpp>

#include <random>

#include "legality/order.h"
#include "polyhedral/transformation.h"
#include "programs.h"

using namespace nasc;

namespace {

// Steps that the transformations themselves propose for the kernel.
std::vector<Step> all_choices(const Kernel& k) {
  std::vector<Step> out;
  for (const Transformation* t : all_registered<Transformation>())
    if (t->choices)
      for (auto& s : t->choices(k)) out.push_back(std::move(s));
  return out;
}

// Each original instance is scheduled once; the new statements are scheduled too.
void check_instances(const Program& original, const Kernel& k) {
  isl::union_map all = order(k.schedule);
  CHECK(all.is_single_valued());
  CHECK(all.domain().is_equal(k.program.domain()));
  for (const Statement& s : original.statements) CHECK(k.program.statement(s.name).domain.is_equal(s.domain));
}

}  // namespace

TEST_CASE("every plan of length <= 3 keeps verify true and the instances equal", "[property]") {
  std::mt19937 random(7);
  std::vector<Program> programs = {test::conv(2, 4), test::matmul(4, 3, 9), test::elementwise(5, 8)};
  int applied = 0, accepted = 0;
  for (int round = 0; round < 60; ++round) {
    const Program& original = programs[round % programs.size()];
    Kernel k{original, textual_schedule(original)};
    std::string plan = original.name + ":";
    for (int step = 0; step < 3; ++step) {
      std::vector<Step> steps = all_choices(k);
      Step s = steps[random() % steps.size()];
      auto next = apply(k, s);  // verifies
      if (!next) continue;
      k = *next;
      plan += " " + text(s);
      ++applied;
    }
    INFO(plan);
    check_instances(original, k);
    auto again = parse(k.program, text(k.schedule));
    REQUIRE(again);
    CHECK(text(*again) == text(k.schedule));
    CHECK(test::same_results(original, k.program));
    if (round % 2 == 0 && judge_order_by_isl(k).allowed()) {
      ++accepted;
      CHECK(test::same_results(original, test::in_schedule_order(k)));
    }
  }
  CHECK(applied > 60);
  CHECK(accepted > 5);
}
