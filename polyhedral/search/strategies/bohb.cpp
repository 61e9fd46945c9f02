// bohb -- Hyperband's brackets over fidelities, with points from a ratio of densities (TPE).
// With one fidelity it is TPE alone.
// Source   Falkner et al., BOHB; constants of NATS-Bench's runs.
#include <algorithm>
#include <deque>

#include "polyhedral/search/kernel_density.h"
#include "polyhedral/search/strategy.h"

namespace nasc {
namespace {
struct Observed {
  KernelPoint point;
  Outcome outcome;
};

struct Bohb final : Strategy {
  explicit Bohb(const StrategyContext& c)
      : context(c), rng(c.seed), kernels(*c.space), observed(static_cast<size_t>(c.fidelities)) {
    for (const SpaceNode& n : c.space->nodes)
      dimensions += n.arity();
  }

  std::optional<Proposal> propose() override {
    if (rung.empty() && to_draw == 0 && waiting == 0)
      next_rung();
    Proposal out{rung.empty() ? model_point() : rung.front(), level};
    if (!rung.empty())
      rung.pop_front();
    else if (to_draw > 0)
      --to_draw;
    ++waiting;
    return out;
  }

  void feedback(const Proposal& proposal, const Outcome& outcome) override {
    observed[static_cast<size_t>(proposal.fidelity)].push_back(
        {kernels.point(proposal.dna), outcome});
    finished.push_back({proposal, outcome});
    waiting -= waiting > 0;
  }

private:
  // The best third of the last rung goes on at the next fidelity, else a bracket begins.
  void next_rung() {
    int top = context.fidelities - 1;
    size_t keep = finished.size() / 3;
    if (level < top && keep > 0) {
      std::stable_sort(finished.begin(), finished.end(),
                       [](const Told& a, const Told& b) { return better(a.outcome, b.outcome); });
      ++level;
      for (size_t i = 0; i < keep; ++i)
        rung.push_back(finished[i].proposal.dna);
      finished.clear();
      return;
    }
    level = bracket; // brackets cycle: all fidelities, all but the lowest, ..., the highest
    bracket = bracket == top ? 0 : bracket + 1;
    finished.clear();
    // As many points as leave one at the top; three where the bracket has the top alone.
    to_draw = 3;
    for (int f = level; f + 1 < top; ++f)
      to_draw *= 3;
  }

  // Model of the highest fidelity that has enough points in both parts.
  Dna model_point() {
    size_t least = std::min<size_t>(dimensions + 1, static_cast<size_t>(context.option("least")));
    if (rng.uniform() < context.option("random"))
      return sampled(*context.space, rng);
    for (size_t f = observed.size(); f-- > 0;) {
      auto& all = observed[f];
      size_t n = all.size();
      size_t good = std::max(least, n * 15 / 100), bad = std::max(least, n * 85 / 100);
      if (n < least + 2)
        continue;
      std::vector<const Observed*> order;
      for (const Observed& o : all)
        order.push_back(&o);
      std::stable_sort(order.begin(), order.end(), [](const Observed* a, const Observed* b) {
        return better(a->outcome, b->outcome);
      });
      std::vector<const KernelPoint*> best, rest;
      for (size_t i = 0; i < n && i < good + bad; ++i)
        (i < good ? best : rest).push_back(&order[i]->point);
      if (best.empty() || rest.empty())
        continue;
      return candidate(KernelDensity(kernels, std::move(best), context.option("floor")),
                       KernelDensity(kernels, std::move(rest), context.option("floor")));
    }
    return sampled(*context.space, rng);
  }

  Dna candidate(const KernelDensity& good, const KernelDensity& bad) {
    Dna best;
    double best_ratio = 0;
    int samples = static_cast<int>(context.option("samples"));
    for (int i = 0; i < samples; ++i) {
      KernelPoint point = kernels.point(good.sample(rng, context.option("factor")));
      double ratio = good.log_density(point) - bad.log_density(point);
      if (i == 0 || ratio > best_ratio)
        best = std::move(point.dna), best_ratio = ratio;
    }
    return best;
  }

  StrategyContext context;
  Rng rng;
  size_t dimensions = 0;
  KernelSpace kernels;
  std::vector<std::vector<Observed>> observed; // by fidelity
  std::deque<Dna> rung;                        // still to be proposed, at `level`
  std::vector<Told> finished;                  // of this rung
  int level = 0, bracket = 0;
  size_t waiting = 0, to_draw = 0;
};

const Registered<StrategyDef> bohb_def{
    {.name = "bohb",
     .doc = "Hyperband over fidelities with a density model (TPE)",
     .options = {{"samples", 4, 1, 1e6, "candidates per proposal"},
                 {"random", 0, 0, 1, "fraction of uniform points"},
                 {"floor", 0.3, 0, 1, "least bandwidth"},
                 {"factor", 3, 0.1, 100, "width of kernels when ranges are sampled"},
                 {"least", 16, 2, 1e6, "points needed for a model; dimensions + 1 when fewer"}},
     .make = make_strategy<Bohb>}};
} // namespace
} // namespace nasc
