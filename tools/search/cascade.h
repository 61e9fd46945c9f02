// Cascade: evaluators cheap first; a candidate leaves at the first that rejects it.
#pragma once

#include "tools/search/evaluator.h"

namespace nasc {

struct StageCount {
  std::string name;
  size_t judged = 0, rejected = 0, failed = 0;
  double seconds = 0;                    // wall time, also of charged evaluations
  std::map<std::string, size_t> reasons; // of rejections and failures, by their first words
};

struct Cascade {
  // Sorts by cost, keeping the order of equals. Throws UserError usage when the objective needs a
  // metric that no stage gives; stages with an empty list may give any.
  Cascade(std::vector<Evaluator> evaluators, Objective objective);
  std::vector<Evaluator> stages;
  Objective objective;
  std::vector<StageCount> counts; // as stages

  // Fills metrics, status, stage, why and seconds. After each stage the bounds whose metrics are
  // known must hold.
  void judge(Candidate& candidate, const EvaluationBudget& budget);
  // What is told to a strategy: nothing usable unless the candidate is ok.
  Outcome outcome_of(const Candidate& candidate) const;
  // A candidate from a journal enters the counts.
  void count_replayed(const Candidate& candidate);
};
std::string stage_table(const std::vector<StageCount>& counts);

} // namespace nasc
