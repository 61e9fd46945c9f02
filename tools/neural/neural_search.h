// --neural: looks for neural steps that make a model faster and that the judges allow.
#pragma once

#include <functional>
#include <optional>

#include "ir/target.h"
#include "tools/neural/forms.h"
#include "tools/neural/judging.h"
#include "tools/search/search_loop.h"

namespace nasc {

struct NeuralOptions {
  std::string space = "builtin:nas-pte", strategy = "exact", objective = "min predicted_ms";
  std::string budget = "1000,300s", legality = kDefaultLegality;
  std::string data, journal, report; // files
  std::string stem;         // of the journal's name when none is given
  uint64_t seed = 0;
  int64_t batch = 16;       // images of a minibatch of scores
  size_t candidate = 0;     // of the journal, to be compiled without a search; 0: search
  size_t explain = 0;       // of the journal, to be explained
  size_t wanted = 3;        // accepted candidates to look for
  int evaluations = 250;    // networks scored at most
  JudgeOptions judges;
  int threads = 0;          // that score, 0: processors
  std::string schedules;    // of measured code, where they are not the default ones: a word for what is remembered
  bool unmeasured = false;  // do not measure the accepted candidates
  // Milliseconds of the compiled networks of these plans, measured by turns; an empty plan is the original. As many as are
  // compiled within the seconds (0: no limit), the rest 0. Without it the prediction decides among accepted candidates.
  std::function<std::vector<double>(const std::vector<std::vector<Step>>&, double seconds)> measure;
};

// How one survivor of the free checks fared.
struct Finalist {
  size_t candidate = 0; // index into judged
  Judged judged;
  std::string refused;  // why there is no answer
  double measured_ms = 0; // of the compiled network; 0: not measured
};

struct NeuralStageCount {
  std::string name;
  size_t judged = 0, rejected = 0;
  int evaluations = 0;
  double seconds = 0;
  std::map<std::string, size_t> reasons;
};

using PlanLayers = std::vector<std::pair<size_t, std::vector<Step>>>; // layer, its steps

struct NeuralSearch {
  SearchResult search;
  std::vector<CandidateForms> forms;  // by judged; those rejected as illegal have no layers
  CandidateForms original;
  double original_ms = 0;             // measured; 0: not measured
  std::vector<NeuralLayer> layers;
  std::vector<Finalist> finalists;    // in the order of judging
  std::vector<NeuralStageCount> stages;
  std::optional<size_t> winner;       // index into finalists
  bool none_faster = false;           // all that were accepted are slower than the original, as measured: no winner
  std::vector<Step> plan;             // of the winner, or of the candidate that was asked for
  PlanLayers plan_layers;             // its steps by layer
  std::string space, data_source, ended;
  bool real_data = false;
  double space_size = 0, seconds = 0;
  std::shared_ptr<const void> owner;  // of what the forms point to
};

struct NeuralProgress {
  size_t done = 0, total = 0;
  std::string what;
};
// Journals and verdicts that exist are continued. Throws UserError.
NeuralSearch search_neural(const Network& network, const std::string& model, const ImportOptions& import,
                           const Target& target, const NeuralOptions& options,
                           const std::function<void(const NeuralProgress&)>& progress);

// `STEM.HASH.journal`: the hash is of the model and of everything that decides what is proposed.
std::string default_journal(const std::string& stem, uint64_t model_hash, const NeuralOptions& options);

// Why there is no winner, in words.
std::string why_none(const NeuralSearch& search);

// What candidate options.explain of the journal is, and how far it came and why no further, in words. Throws UserError.
std::string explained_candidate(const Network& network, const Target& target, const NeuralOptions& options);

// The same from its parts; without `judged` no judge was asked.
std::string candidate_text(const Candidate& candidate, const PlanLayers& steps, const std::vector<NeuralLayer>& layers,
                           const Judged* judged);

// Lines for people: stages, the winner, or why there is none.
std::string summary(const NeuralSearch& search);

} // namespace nasc
