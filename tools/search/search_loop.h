// The loop: propose, skip what is known, judge, journal, tell; until the budget is spent.
#pragma once

#include "tools/search/cascade.h"
#include "tools/search/journal.h"

namespace nasc {

// Whichever is given and first reached; zero: no limit. Candidates count when they are judged, not
// when they repeat an earlier one; seconds are those charged to candidates, so that a resumed
// search ends where an uninterrupted one would have (up to the times of its machine).
struct SearchBudget {
  size_t candidates = 0;
  double seconds = 0;
};
// `300s`, `5m`, `2h` or a number of candidates, or both: `1000,300s`. Throws UserError usage.
SearchBudget parse_budget(const std::string& text);

struct SearchSetup {
  const Space* space = nullptr;
  StrategyChoice strategy;
  Cascade* cascade = nullptr;
  SearchBudget budget;
  uint64_t seed = 0, model_hash = 0;
  int fidelities = 1;
  std::string journal; // path; empty: none
  // What stands for candidates that mean the same, in place of the key of their texts; may fill `work`.
  std::function<std::string(Candidate&)> canonical;
  // Before the first stage; makes plan and work. What it throws is not caught.
  std::function<void(Candidate&)> prepare;
  // After each judged or replayed candidate.
  std::function<void(const Candidate&, bool replayed)> progress;
  std::function<bool()> stop; // asked before each proposal
  AdditiveMetrics additive;   // for strategy exact
  std::vector<double> limits;
  size_t estimated = 0; // of the limits, as in StrategyContext
};

struct SearchResult {
  std::vector<Candidate> judged; // in order, those of the journal first
  std::optional<size_t> best;    // of the highest fidelity, by the first objective
  std::vector<size_t> front;     // Pareto front of the highest fidelity
  size_t proposals = 0, repeated = 0, replayed = 0;
  std::string ended; // why: budget, exhausted, stopped
};
// Deterministic in setup but for times: with a budget of candidates a search that is killed and
// resumed from its journal ends as one that was not.
SearchResult run_search(const SearchSetup& setup);

} // namespace nasc
