// Scores of an original and of a candidate by seed, computed once and shared by all judges.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "legality/scoring.h"
#include "legality/verdict.h"

namespace nasc {

// Minibatches and draws: seed k scores minibatch k modulo their number with weights from hash(first_seed + k, layer).
struct ScoreData {
  std::vector<Minibatch> minibatches;
  uint64_t first_seed = 1;
  bool real() const { return !minibatches.empty() && minibatches.front().real; }
};

class SeededScores {
 public:
  // `flow` makes the network for synflow (Measured::flow on a batch of 1) when a judge asks for it; it may be empty.
  SeededScores(std::shared_ptr<const ScoringNetwork> network, std::shared_ptr<const ScoreData> data,
               std::function<std::shared_ptr<const ScoringNetwork>()> flow = {});
  const ScoringNetwork& network() const { return *network_; }
  const ScoreData& data() const { return *data_; }
  const Scores& at(int seed);
  bool has_flow() const { return static_cast<bool>(make_flow_); }
  double log_flow(int seed);  // log of the sum over layers
  int evaluations() const;  // seeds that were scored

 private:
  friend bool score_seeds(const std::vector<SeededScores*>&, int, int, const struct ScoringTeam&);
  Scores score(size_t seed) const;
  std::shared_ptr<const ScoringNetwork> network_, flow_;
  std::shared_ptr<const ScoreData> data_;
  std::function<std::shared_ptr<const ScoringNetwork>()> make_flow_;
  std::vector<std::optional<Scores>> scores_;
  std::vector<std::optional<double>> flows_;
};

// How scores are computed: side by side, and until when.
struct ScoringTeam {
  // work(k) for k in [0, n), in any order; empty: one after the other in this thread.
  std::function<void(size_t n, const std::function<void(size_t)>& work)> each = {};
  std::function<bool()> stop = {};  // time is over; asked by several threads
  bool stopped() const { return stop && stop(); }
};
// at(seed) of all of these for first <= seed < last, where not known, in any order: a seed's scores do not depend on it.
// False when it was stopped.
bool score_seeds(const std::vector<SeededScores*>& networks, int first, int last, const ScoringTeam& team);

// Agreement of two trained networks on the same images, for the judge `output`.
struct Agreement {
  int64_t images = 0, same_class = 0;
  double divergence = 0;            // mean Kullback-Leibler divergence of the candidate's classes from the original's
  std::string weights;              // how the candidate got its weights: `kept or sliced`, or `fitted`
  int64_t unfitted = -1;            // same_class before the fit, when there was one
};
// Half the width of the one-sided 95 % interval of a share of so many images that agree.
double agreement_error(double share, double images);

struct JudgeOptions {
  int max_seeds = 24;          // looks are at 3, 6, 12, .. seeds
  double tau = 0.9;            // fisher, total: least ratio
  double layer_tau = 0.35;     // fisher, any changed layer
  double median_tau = 0.8;     // fisher:median, least ratio of the middle layer
  double layer_floor = 0.1;    // capacity: least share of a layer's MACs and parameters
  double network_floor = 0.2;  // and of the network's
  double naswot_drop = 1.0 / 16;  // most that log det may fall, per image of the minibatch
  double synflow_drop = 0.7;   // most that log synflow may fall, per layer of the network
  double jacov_drop = 0.05;
  double agreement = 0.9;      // output: least share of images with the same class
};

// What neural judges look at.
struct NetworkPair {
  SeededScores& original;
  SeededScores& candidate;
  JudgeOptions options = {};
  std::function<std::optional<Agreement>()> agreement = {};  // empty, or gives nothing, without a trained model and data
  ScoringTeam team = {};
  // Scores of both at seeds below `seeds`; false when time is over.
  bool look(int seeds) { return score_seeds({&original, &candidate}, 0, seeds, team); }
};

// Mean, deviation and a one-sided bound of paired differences.
struct Paired {
  int count = 0;
  double mean = 0, deviation = 0;
  // Half width of the bound at one look: Student's t at 1.25 %, so that four looks together stay within 5 %.
  double margin() const;
};
Paired paired(const std::vector<double>& values);

// Median over the layers that both have of log(candidate / original) of the Fisher Potential.
double median_log_ratio(SeededScores& original, SeededScores& candidate, int seed);

// Looks at statistic(seed) for more and more seeds until its mean is clearly above or below `threshold`: yes, or no with
// `reason`, or undecided after max_seeds. `look` comes before the statistics of seeds below its argument; where it says that
// time is over, so does the verdict.
Verdict decide(const char* what, const char* reason, double threshold, int max_seeds, const std::function<double(int)>& statistic,
               const std::function<bool(int)>& look = {});
// The same of both networks of a pair, up to its most seeds, scored side by side before each look.
Verdict decide(NetworkPair& pair, const char* what, const char* reason, double threshold,
               const std::function<double(int)>& statistic);
// Undecided, as time was over before the judge knew: the answer of another run may differ.
inline constexpr char kOutOfTime[] = "out-of-time";
Verdict out_of_time();

}  // namespace nasc
