// The stages of a neural search around the free checks: sensitivities, then whole candidates.
#pragma once

#include "tools/neural/neural_search.h"
#include "tools/neural/sensitivities.h"

namespace nasc {

// Floors of MACs and parameters by forms alone, as the judge `capacity`; empty: they hold. `alone`: those of layers only.
std::string below_floor(const CandidateForms& candidate, const CandidateForms& original, const LayerTable& layers,
                        const JudgeOptions& floors, bool alone = false);

struct StageClock {
  std::function<double()> seconds; // since the beginning
  double limit = 0;                // 0: none
  bool over() const { return limit > 0 && seconds() >= limit; }
  StageClock share(double part) const { return {seconds, limit > 0 ? seconds() + part * (limit - seconds()) : 0}; }
};
using ShowProgress = std::function<void(const NeuralProgress&)>;

// Fills the table for what the space offers, the options that would save most time first, as far as `entries` and
// `evaluations` go, `together` at a time.
void fill_sensitivities(Sensitivities& table, const Space& space, const NeuralSearch& search, double entries, int evaluations,
                        int together, const StageClock& clock, NeuralStageCount& count, const ShowProgress& progress);

// A candidate that the free checks left, with what the table says of it.
struct Survivor {
  size_t candidate = 0; // index into search.judged
  Sensitivities::Prediction predicted;
};
// Stage 1: survivors whose sums are clearly below what the judges demand are rejected.
std::vector<Survivor> screen(const std::vector<size_t>& survivors, const NeuralSearch& search, Sensitivities& table,
                             NeuralStageCount& count);

// Stage 2: whole candidates, the fastest first of those that the judges will allow as far as is known: each answer corrects
// the predictions. Where they say nothing, in growing strides while all are refused. Until enough are accepted or the
// evaluations are spent.
std::vector<Finalist> judge_survivors(const std::vector<Survivor>& survivors, const NeuralSearch& search, Judging& judging,
                                      const NeuralOptions& options, int evaluations, const StageClock& clock,
                                      NeuralStageCount& count, const ShowProgress& progress);

// The winner of those accepted: where two were measured and differ by more than noise the faster, else the better by
// `better(k, l)` of two finalists. None where the original was measured and all of them are slower.
void choose_winner(NeuralSearch& search, const std::function<bool(size_t, size_t)>& better);

} // namespace nasc
