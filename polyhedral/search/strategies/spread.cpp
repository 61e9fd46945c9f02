// spread -- random points at every distance from the first one (by convention: everything kept): each point draws a share,
// and so many of its groups are drawn uniformly.
#include "polyhedral/search/strategy.h"

namespace nasc {
namespace {
struct Spread final : Strategy {
  explicit Spread(const StrategyContext& c) : context(c), rng(c.seed) {
    const Space& space = *context.space;
    for (size_t g = 0; g < space.groups.size(); ++g) {
      groups.push_back(alone(space, g));
      first.push_back(first_dna(groups.back()).values);
    }
  }
  std::optional<Proposal> propose() override {
    double share = rng.uniform();
    Dna dna;
    for (size_t g = 0; g < groups.size(); ++g) {
      std::vector<double> part = rng.uniform() < share ? sampled(groups[g], rng).values : first[g];
      dna.values.insert(dna.values.end(), part.begin(), part.end());
    }
    return Proposal{dna, context.fidelities - 1};
  }
  void feedback(const Proposal&, const Outcome&) override {}

private:
  StrategyContext context;
  Rng rng;
  std::vector<Space> groups;
  std::vector<std::vector<double>> first;
};

const Registered<StrategyDef> spread_def{
    {.name = "spread",
     .doc = "random points at every distance from the first one, that keeps everything",
     .options = {},
     .multi_objective = true,
     .make = make_strategy<Spread>}};
} // namespace
} // namespace nasc
