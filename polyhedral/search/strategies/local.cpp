// local -- first improvement over shuffled neighbours; a random restart at each local optimum.
#include "polyhedral/search/strategy.h"

namespace nasc {
namespace {
struct Local final : Strategy {
  explicit Local(const StrategyContext& c)
      : context(c), rng(c.seed), steps(static_cast<int>(c.option("steps"))) {}

  std::optional<Proposal> propose() override {
    if (at == open.size()) { // also at the start
      open.clear(), at = 0;
      climbing = false;
      return Proposal{sampled(*context.space, rng), context.fidelities - 1};
    }
    return Proposal{open[at++], context.fidelities - 1};
  }

  void feedback(const Proposal& proposal, const Outcome& outcome) override {
    if (climbing && !better(outcome, best))
      return;
    climbing = true;
    best = outcome;
    std::vector<Dna> all = neighbours(*context.space, proposal.dna, rng, steps);
    std::vector<int> order(all.size());
    for (size_t i = 0; i < order.size(); ++i)
      order[i] = static_cast<int>(i);
    shuffle(order, rng);
    open.clear(), at = 0;
    for (int i : order)
      open.push_back(std::move(all[static_cast<size_t>(i)]));
  }

  StrategyContext context;
  Rng rng;
  int steps;
  bool climbing = false; // `best` is of the present climb
  Outcome best;
  std::vector<Dna> open;
  size_t at = 0;
};

const Registered<StrategyDef> local_def{
    {.name = "local",
     .doc = "first improvement over shuffled neighbours, restarts at local optima",
     .options = {{"steps", 16, 2, 1e6, "values of a range among which neighbours lie"}},
     .make = make_strategy<Local>}};
} // namespace
} // namespace nasc
