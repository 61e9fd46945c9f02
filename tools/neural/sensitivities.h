// What changes of layers do to the sums that judges weigh, per class of layers and option: a table that predicts candidates.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "tools/neural/forms.h"
#include "tools/neural/judging.h"

namespace nasc {

// A change of one layer, in the words of the search.
struct LayerOption {
  size_t layer = 0;
  std::string key;                // of the steps, without the layer's name
  std::vector<std::string> steps;
  double saved = 0;               // predicted milliseconds
  double share = 1;               // of the layer's multiplications that are kept
};

class Sensitivities {
public:
  Sensitivities(FormTable& table, Judging& judging) : table_(table), judging_(judging) {}
  const std::vector<JudgedSum>& sums() const { return judging_.sums(); }

  // The changes of a candidate, or nothing where its steps are refused.
  std::vector<LayerOption> options(const std::vector<LayerSteps>& steps);
  // Measures the entries of the options' classes, each by changing all layers of the class at once; nothing when it is
  // known. Returns networks run, or nothing when it was stopped.
  std::optional<int> measure(const std::vector<LayerOption>& options, const std::function<bool()>& stop = {});
  bool measured(const LayerOption& option) const;

  // Per sum, with its error. Options that were not measured count as the class's others suggest by the multiplications that
  // they drop; a class of which nothing is known counts nothing.
  struct Prediction {
    std::vector<double> value, error;
  };
  Prediction predict(const std::vector<LayerOption>& options) const;
  size_t size() const { return entries_.size(); }
  // Convolutions with equal windows, outputs and positions; how many inputs they read may differ.
  const std::string& class_of(size_t layer) const;

private:
  struct Entry {
    std::vector<double> value; // per layer
    double log_share = 0;      // of the layers' multiplications, negative
  };

  // The plan that changes the layers of an entry, what they keep, and how many they are; nothing where it is refused.
  struct Whole {
    std::pair<std::string, std::string> key;
    std::vector<Step> plan;
    double log_share = 0, layers = 0;
  };
  std::optional<Whole> whole(const LayerOption& option);

  FormTable& table_;
  Judging& judging_;
  mutable std::map<size_t, std::string> classes_;
  std::map<std::pair<std::string, std::string>, Entry> entries_; // by class and key
};

} // namespace nasc
