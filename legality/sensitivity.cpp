// Measuring and adding entries.
#include "legality/sensitivity.h"

#include <cmath>

namespace nasc {

bool SensitivityTable::has(const LayerChoice& choice) const { return entries_.count(key(choice)) > 0; }

int SensitivityTable::measure(const LayerChoice& choice) {
  if (has(choice)) return 0;
  std::unique_ptr<SeededScores> candidate = build_({choice});
  Sensitivity& entry = entries_[key(choice)];
  if (!candidate) return 0;
  std::vector<double> fisher, median, naswot;
  for (int seed = 0; seed < seeds_; ++seed) {
    fisher.push_back(std::log(candidate->at(seed).total() / original_.at(seed).total()));
    median.push_back(median_log_ratio(original_, *candidate, seed));
    naswot.push_back(candidate->at(seed).naswot - original_.at(seed).naswot);
  }
  entry = {paired(fisher), paired(median), paired(naswot)};
  return candidate->evaluations();
}

SensitivityTable::Prediction SensitivityTable::predict(const std::vector<LayerChoice>& choices) const {
  Prediction p;
  double fisher = 0, median = 0, naswot = 0;  // squares of standard errors
  for (const LayerChoice& c : choices) {
    auto it = entries_.find(key(c));
    if (it == entries_.end() || !it->second.known()) {
      fisher = median = naswot = HUGE_VAL;
      continue;
    }
    const Sensitivity& s = it->second;
    p.fisher += s.fisher.mean;
    p.median += s.median.mean;
    p.naswot += s.naswot.mean;
    auto square = [](const Paired& x) { return x.deviation * x.deviation / x.count; };
    fisher += square(s.fisher);
    median += square(s.median);
    naswot += square(s.naswot);
  }
  p.fisher_error = std::sqrt(fisher);
  p.median_error = std::sqrt(median);
  p.naswot_error = std::sqrt(naswot);
  return p;
}

}  // namespace nasc
