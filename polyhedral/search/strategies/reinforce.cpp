// reinforce -- a softmax per decision, moved along its score function by Adam, one sample per step.
// The baseline is a bias-corrected moving average, updated before the advantage is taken.
// Source   NATS-Bench's REINFORCE; beta1 = 0 and an absolute reward as in TuNAS are options.
#include <algorithm>
#include <cmath>

#include "polyhedral/search/policy.h"
#include "polyhedral/search/strategy.h"

namespace nasc {
namespace {
struct Reinforce final : Strategy {
  explicit Reinforce(const StrategyContext& c)
      : context(c), rng(c.seed), policy(*c.space, static_cast<int>(c.option("bins"))) {
    for (auto& node : policy.logits)
      for (double& logit : node)
        logit = 1e-3 * rng.normal();
    gradient = first = second = policy.logits;
    for (auto* moments : {&first, &second})
      for (auto& node : *moments)
        std::fill(node.begin(), node.end(), 0.0);
  }

  std::optional<Proposal> propose() override {
    return Proposal{policy.sample(rng), context.fidelities - 1};
  }

  void feedback(const Proposal& proposal, const Outcome& outcome) override {
    double r = reward(outcome);
    double momentum = context.option("momentum");
    ++steps;
    momentum_power *= momentum;
    average = momentum * average + (1 - momentum) * r;
    double baseline = average / (1 - momentum_power);
    for (auto& node : gradient)
      std::fill(node.begin(), node.end(), 0.0);
    policy.add_gradient(proposal.dna, -(r - baseline), gradient); // of the loss -log p * advantage
    adam();
  }

private:
  // In percent of the first usable objective's size (normalise=1), or as it is; a violation costs
  // as many percent as it exceeds its bounds. Points without objectives: the worst reward so far.
  double reward(const Outcome& outcome) {
    if (!outcome.usable())
      return worst;
    double value = outcome.objectives[0];
    if (scale == 0)
      scale = context.option("normalise") != 0 && value != 0 ? 100 / std::abs(value) : 1;
    double r = -value * scale - 100 * outcome.violation;
    worst = steps == 0 ? r : std::min(worst, r);
    return r;
  }

  void adam() {
    double rate = context.option("rate"), beta1 = context.option("beta1"), beta2 = 0.999;
    power1 *= beta1, power2 *= beta2;
    for (size_t n = 0; n < policy.logits.size(); ++n)
      for (size_t i = 0; i < policy.logits[n].size(); ++i) {
        double g = gradient[n][i];
        first[n][i] = beta1 * first[n][i] + (1 - beta1) * g;
        second[n][i] = beta2 * second[n][i] + (1 - beta2) * g * g;
        policy.logits[n][i] -=
            rate * (first[n][i] / (1 - power1)) / (std::sqrt(second[n][i] / (1 - power2)) + 1e-8);
      }
  }

  StrategyContext context;
  Rng rng;
  Policy policy;
  std::vector<std::vector<double>> gradient, first, second;
  double average = 0, momentum_power = 1, power1 = 1, power2 = 1, scale = 0, worst = 0;
  int steps = 0;
};

const Registered<StrategyDef> reinforce_def{
    {.name = "reinforce",
     .doc = "policy gradient on independent decisions",
     .options = {{"rate", 0.01, 0, 10, "of Adam"},
                 {"beta1", 0.9, 0, 0.9999, "of Adam; 0 as in TuNAS"},
                 {"momentum", 0.9, 0, 0.9999, "of the reward's moving average"},
                 {"bins", 16, 2, 1024, "values of a range"},
                 {"normalise", 1, 0, 1, "rewards in percent of the first objective"}},
     .make = make_strategy<Reinforce>}};
} // namespace
} // namespace nasc
