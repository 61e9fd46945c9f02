// Strategy: proposes points, is told what they are worth. Deterministic in (space, seed, history),
// so replaying a journal restores any strategy.
#pragma once

#include <map>

#include "ir/registry.h"
#include "polyhedral/search/dna.h"

namespace nasc {

// What a point is worth. Objectives are minimised; a point that violates constraints by more than 0
// is worse than any that does not. A point that could not be judged has no objectives.
struct Outcome {
  std::vector<double> objectives;
  double violation = 0;
  bool usable() const { return !objectives.empty(); }
};
bool better(const Outcome& a, const Outcome& b); // by the first objective, after feasibility

// Fidelity counts from 0, the cheapest, to fidelities - 1, the real thing.
struct Proposal {
  Dna dna;
  int fidelity = 0;
};

struct Strategy {
  virtual ~Strategy() = default;
  virtual std::optional<Proposal> propose() = 0; // nothing: exhausted
  virtual void feedback(const Proposal& proposal, const Outcome& outcome) = 0;
};

// Metrics of one alternative of one group, to be added over groups; the first is minimised.
using AdditiveMetrics = std::function<std::optional<std::vector<double>>(
    size_t group, const std::vector<double>& values)>;
struct StrategyContext {
  const Space* space = nullptr;
  uint64_t seed = 0;
  int fidelities = 1;
  size_t objectives = 1;
  // For `exact`: the table, and the largest sums of its metrics after the first. The first `estimated` of these limits are
  // no certainties: selections are proposed for limits around them.
  AdditiveMetrics additive;
  std::vector<double> limits;
  size_t estimated = 0;
  std::map<std::string, double> options; // all of the definition's, filled with defaults
  double option(const std::string& name) const { return options.at(name); }
};

struct StrategyOption {
  const char* name;
  double standard, low, high;
  const char* doc;
};
struct StrategyDef {
  const char* name;
  const char* doc; // one line
  std::vector<StrategyOption> options;
  bool multi_objective = false, needs_additive = false;
  std::unique_ptr<Strategy> (*make)(const StrategyContext&);
};
template <class T> std::unique_ptr<Strategy> make_strategy(const StrategyContext& context) {
  return std::make_unique<T>(context);
}

// `evolution:pop=10,sample=3`. Throws UserError usage: unknown strategy or option, value out of
// range.
struct StrategyChoice {
  const StrategyDef* def = nullptr;
  std::map<std::string, double> options; // with defaults
};
StrategyChoice parse_strategy(const std::string& text);
std::string text(const StrategyChoice& choice); // all options written out
std::unique_ptr<Strategy> make(const StrategyChoice& choice, StrategyContext context);
std::string strategy_help(); // all strategies with their options

// Tells a fresh strategy what another one saw. Throws UserError bad_text `where` when this strategy
// would have proposed other points: another space, seed or strategy.
struct Told {
  Proposal proposal;
  Outcome outcome;
};
void recover(Strategy& strategy, const std::vector<Told>& history, const std::string& where);

} // namespace nasc
