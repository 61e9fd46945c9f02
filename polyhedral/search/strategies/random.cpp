// random -- independent uniform points.
#include "polyhedral/search/strategy.h"

namespace nasc {
namespace {
struct Random final : Strategy {
  explicit Random(const StrategyContext& c) : context(c), rng(c.seed) {}
  std::optional<Proposal> propose() override {
    return Proposal{sampled(*context.space, rng), context.fidelities - 1};
  }
  void feedback(const Proposal&, const Outcome&) override {}
  StrategyContext context;
  Rng rng;
};

const Registered<StrategyDef> random_def{{.name = "random",
                                          .doc = "independent uniform points",
                                          .options = {},
                                          .multi_objective = true,
                                          .make = make_strategy<Random>}};
} // namespace
} // namespace nasc
