// Lazy scores, and decisions on paired seeds.
#include "legality/scores.h"

#include <algorithm>
#include <atomic>
#include <cmath>

namespace nasc {

SeededScores::SeededScores(std::shared_ptr<const ScoringNetwork> network, std::shared_ptr<const ScoreData> data,
                           std::function<std::shared_ptr<const ScoringNetwork>()> flow)
    : network_(std::move(network)), data_(std::move(data)), make_flow_(std::move(flow)) {
  NASC_CHECK(!data_->minibatches.empty()) << "scores without minibatches";
}

const Scores& SeededScores::at(int seed) {
  size_t k = static_cast<size_t>(seed);
  if (scores_.size() <= k) scores_.resize(k + 1);
  if (!scores_[k]) scores_[k] = score(k);
  return *scores_[k];
}
Scores SeededScores::score(size_t k) const {
  return network_->score(data_->first_seed + k, data_->minibatches[k % data_->minibatches.size()]);
}
int SeededScores::evaluations() const {
  return static_cast<int>(std::count_if(scores_.begin(), scores_.end(), [](const auto& s) { return s.has_value(); }));
}

bool score_seeds(const std::vector<SeededScores*>& networks, int first, int last, const ScoringTeam& team) {
  struct Piece {
    SeededScores* of;
    size_t seed;
  };
  std::vector<Piece> pieces;
  bool any_thread = static_cast<bool>(team.each);
  for (SeededScores* n : networks) n->scores_.resize(std::max(n->scores_.size(), static_cast<size_t>(last)));
  for (size_t seed = static_cast<size_t>(first); seed < static_cast<size_t>(last); ++seed)
    for (SeededScores* n : networks) {
      if (n->scores_[seed]) continue;
      pieces.push_back({n, seed});
      any_thread &= n->network().any_thread();
    }
  std::atomic<bool> stopped = false;
  auto work = [&](size_t k) {
    if (stopped || team.stopped()) stopped = true;
    else pieces[k].of->scores_[pieces[k].seed] = pieces[k].of->score(pieces[k].seed);
  };
  if (any_thread && pieces.size() > 1) team.each(pieces.size(), work);
  else
    for (size_t k = 0; k < pieces.size(); ++k) work(k);
  return !stopped;
}

double SeededScores::log_flow(int seed) {
  NASC_CHECK(has_flow()) << "synflow without its network";
  if (!flow_) flow_ = make_flow_();
  size_t k = static_cast<size_t>(seed);
  if (flows_.size() <= k) flows_.resize(k + 1);
  if (!flows_[k]) flows_[k] = std::log(flow_->flow(data_->first_seed + k).total());
  return *flows_[k];
}

Paired paired(const std::vector<double>& values) {
  Paired p;
  p.count = static_cast<int>(values.size());
  for (double v : values) p.mean += v / static_cast<double>(values.size());
  double square = 0;
  for (double v : values) square += (v - p.mean) * (v - p.mean);
  if (p.count > 1) p.deviation = std::sqrt(square / (p.count - 1));
  return p;
}

double Paired::margin() const {
  if (count < 2) return HUGE_VAL;
  // Quantiles of Student's t at 98.75 % for 1, 2, .. degrees of freedom, then by the normal quantile and its first terms.
  constexpr double kT[] = {25.45, 6.205, 4.177, 3.495, 3.163, 2.969, 2.841, 2.752, 2.685, 2.634};
  constexpr double z = 2.2414;
  int freedom = count - 1;
  double t = freedom <= 10 ? kT[freedom - 1] : z + (z * z * z + z) / (4.0 * freedom) + 0.02;
  return t * deviation / std::sqrt(static_cast<double>(count));
}

double median_log_ratio(SeededScores& first, SeededScores& second, int seed) {
  const ScoringNetwork &original = first.network(), &candidate = second.network();
  const Scores &before = first.at(seed), &after = second.at(seed);
  std::vector<double> ratios;
  for (size_t k = 0; k < candidate.layers().size(); ++k)
    for (size_t o = 0; o < original.layers().size(); ++o)
      if (original.layers()[o].name == candidate.layers()[k].name && before.fisher[o] > 0 && after.fisher[k] > 0)
        ratios.push_back(std::log(after.fisher[k] / before.fisher[o]));
  if (ratios.empty()) return -HUGE_VAL;
  std::sort(ratios.begin(), ratios.end());
  size_t n = ratios.size();
  return n % 2 ? ratios[n / 2] : (ratios[n / 2 - 1] + ratios[n / 2]) / 2;
}

double agreement_error(double share, double images) {
  return 1.645 * std::sqrt(std::max(share * (1 - share), 0.25 / images) / images);
}

Verdict out_of_time() { return {Verdict::undecided, kOutOfTime, "time is over", {}, {}}; }

Verdict decide(NetworkPair& pair, const char* what, const char* reason, double threshold,
               const std::function<double(int)>& statistic) {
  return decide(what, reason, threshold, pair.options.max_seeds, statistic, [&](int seeds) { return pair.look(seeds); });
}

Verdict decide(const char* what, const char* reason, double threshold, int max_seeds, const std::function<double(int)>& statistic,
               const std::function<bool(int)>& look_ahead) {
  std::vector<double> values;
  Verdict v;
  for (int look = 3;; look = std::min(2 * look, max_seeds)) {
    look = std::min(look, max_seeds);
    if (look_ahead && !look_ahead(look)) return out_of_time();
    while (static_cast<int>(values.size()) < look) values.push_back(statistic(static_cast<int>(values.size())));
    Paired p = paired(values);
    double margin = p.margin();
    v.measures = {{what, p.mean, margin}, {"seeds", static_cast<double>(p.count), 0}};
    if (p.mean - margin >= threshold) {
      v.answer = Verdict::yes;
      return v;
    }
    v.reason = reason;
    if (p.mean + margin < threshold) {
      v.answer = Verdict::no;
      v.text = text(what, " is below ", threshold);
      return v;
    }
    if (look >= max_seeds) break;
  }
  v.answer = Verdict::undecided;
  v.text = text(what, " is not clearly above ", threshold, " after ", max_seeds, " seeds");
  return v;
}

}  // namespace nasc
