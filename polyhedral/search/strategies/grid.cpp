// grid -- every point in lexicographic order; ranges take a number of values.
#include "polyhedral/search/strategy.h"

namespace nasc {
namespace {
struct Grid final : Strategy {
  explicit Grid(const StrategyContext& c)
      : context(c), steps(static_cast<int>(c.option("steps"))) {}
  std::optional<Proposal> propose() override {
    if (done)
      return {};
    Dna next = started ? last : first_dna(*context.space, steps);
    if (started && !advance(*context.space, next, steps)) {
      done = true;
      return {};
    }
    started = true;
    last = next;
    return Proposal{next, context.fidelities - 1};
  }
  void feedback(const Proposal&, const Outcome&) override {}
  StrategyContext context;
  int steps;
  bool started = false, done = false;
  Dna last;
};

const Registered<StrategyDef> grid_def{
    {.name = "grid",
     .doc = "every point, in order",
     .options = {{"steps", 8, 1, 1e6, "values taken of a range"}},
     .multi_objective = true,
     .make = make_strategy<Grid>}};
} // namespace
} // namespace nasc
