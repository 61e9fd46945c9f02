// Sensitivity table: what one change of one layer does to the scores of the whole network, per class of layers and option.
// Scores of several changes together are predicted by their sums (measured in test/reliability).
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "legality/scores.h"

namespace nasc {

// One changed layer of a candidate. Equal texts of `layer_class` (operator and shapes) share measurements, and so do equal
// texts of `option` (what it becomes).
struct LayerChoice {
  std::string layer, layer_class, option;
};

struct Sensitivity {
  Paired fisher, median, naswot;  // log ratio of the totals, of the middle layer; difference
  bool known() const { return fisher.count > 1; }
};

class SensitivityTable {
 public:
  // `build` gives the scores of a network with only these choices; `seeds` of each entry are measured.
  using Build = std::function<std::unique_ptr<SeededScores>(const std::vector<LayerChoice>&)>;
  SensitivityTable(SeededScores& original, Build build, int seeds) : original_(original), build_(std::move(build)), seeds_(seeds) {}

  bool has(const LayerChoice& choice) const;
  // Measures the entry when it is absent. Returns the evaluations that took.
  int measure(const LayerChoice& choice);
  // Sums over the choices, with the deviation of the sums; entries that are absent make the deviation infinite.
  struct Prediction {
    double fisher = 0, fisher_error = 0, median = 0, median_error = 0, naswot = 0, naswot_error = 0;
  };
  Prediction predict(const std::vector<LayerChoice>& choices) const;
  size_t size() const { return entries_.size(); }
  const std::map<std::string, Sensitivity>& entries() const { return entries_; }  // by `class -> option`

 private:
  static std::string key(const LayerChoice& c) { return c.layer_class + " -> " + c.option; }
  SeededScores& original_;
  Build build_;
  int seeds_;
  std::map<std::string, Sensitivity> entries_;
};

}  // namespace nasc
