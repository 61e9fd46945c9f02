// evolution -- regularized evolution (REA): the best of a sample is mutated, the oldest leaves.
// Source   Real et al., Regularized Evolution for Image Classifier Architecture Search.
#include <deque>

#include "polyhedral/search/strategy.h"

namespace nasc {
namespace {
struct Evolution final : Strategy {
  explicit Evolution(const StrategyContext& c)
      : context(c), rng(c.seed), size(static_cast<size_t>(c.option("pop"))),
        sample(static_cast<int>(c.option("sample"))) {}

  std::optional<Proposal> propose() override {
    if (population.size() < size)
      return Proposal{sampled(*context.space, rng), context.fidelities - 1};
    const Told* parent = nullptr;
    for (int i = 0; i < sample; ++i) { // with replacement
      const Told& drawn = population[rng.below(population.size())];
      if (!parent || better(drawn.outcome, parent->outcome))
        parent = &drawn;
    }
    return Proposal{mutated(*context.space, parent->proposal.dna, rng), context.fidelities - 1};
  }

  void feedback(const Proposal& proposal, const Outcome& outcome) override {
    population.push_back({proposal, outcome});
    if (population.size() > size)
      population.pop_front();
  }

  StrategyContext context;
  Rng rng;
  size_t size;
  int sample;
  std::deque<Told> population;
};

const Registered<StrategyDef> evolution_def{
    {.name = "evolution",
     .doc = "aging evolution (REA): mutate the best of a sample, drop the oldest",
     .options = {{"pop", 10, 1, 1e6, "members of the population"},
                 {"sample", 3, 1, 1e6, "drawn for each parent"}},
     .make = make_strategy<Evolution>}};
} // namespace
} // namespace nasc
