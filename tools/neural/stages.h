// The stages of a neural search after the free checks: sensitivities, then whole candidates.
#pragma once

#include "tools/neural/neural_search.h"

namespace nasc {

// Floors of MACs and parameters by forms alone, as the judge `capacity`; empty: they hold.
std::string below_floor(const CandidateForms& candidate, const CandidateForms& original, const LayerTable& layers,
                        const JudgeOptions& floors);

struct StageClock {
  std::function<double()> seconds; // since the beginning
  double limit = 0;                // 0: none
  bool over() const { return limit > 0 && seconds() >= limit; }
};

// Stage 1: candidates whose layers' own log Fisher ratios add up to clearly less than log tau are rejected. The table of
// (class of layers, steps) is filled for the pairs that the fastest survivors have most, as far as `evaluations` go; what is not
// in the table speaks for the candidate. `survivors` are indices into search.judged, the fastest first.
std::vector<size_t> screen(const std::vector<size_t>& survivors, const NeuralSearch& search, FormTable& table, Judging& judging,
                           const NeuralOptions& options, int evaluations, const StageClock& clock, NeuralStageCount& count,
                           const std::function<void(const NeuralProgress&)>& progress);

// Stage 2: whole candidates, from the fastest on, in growing strides while all are refused, then halving the gap between the
// slowest refused and the fastest accepted, until enough are accepted or the evaluations are spent.
std::vector<Finalist> judge_survivors(const std::vector<size_t>& survivors, const NeuralSearch& search, Judging& judging,
                                      const NeuralOptions& options, int evaluations, const StageClock& clock,
                                      NeuralStageCount& count, const std::function<void(const NeuralProgress&)>& progress);

} // namespace nasc
