// Candidates as forms: what each layer becomes, what it costs, and whether it may be; integers only, microseconds each.
#pragma once

#include <algorithm>
#include <deque>
#include <functional>
#include <memory>
#include <unordered_map>

#include "ir/target.h"
#include "polyhedral/search/decode.h"
#include "tools/neural/layers.h"

namespace nasc {

// One distinct layer: the form with what is known of it.
struct FormEntry {
  ConvForm form;
  std::string canonical;
  uint64_t hash = 0;
  int64_t macs = 0, parameters = 0;
  double cycles = 0; // predicted
};

// What is left of a count; 1 of nothing.
inline double kept_share(int64_t after, int64_t before) {
  return before ? static_cast<double>(after) / static_cast<double>(before) : 1.0;
}
// Of MACs and parameters, the lesser share: of layers (FormEntry) and of networks (CandidateForms).
template <class Counts> double kept_share(const Counts& after, const Counts& before) {
  return std::min(kept_share(after.macs, before.macs), kept_share(after.parameters, before.parameters));
}

// A candidate: per layer its entry (that of the original where nothing changed) and the steps that lead there.
struct CandidateForms {
  std::vector<const FormEntry*> layers;
  std::vector<Step> plan;             // cuts of outputs first, as they change what other layers read
  std::vector<size_t> changed;        // layers with steps
  int64_t macs = 0, parameters = 0;   // of the whole network
  double ms = 0;                      // predicted, of the convolutions
  uint64_t key = 0;                   // equal for candidates that compute the same
};

class FormTable {
public:
  // least_share: what cuts and own steps together leave at least of a layer's MACs and parameters.
  FormTable(LayerTable& layers, const Target& target, double least_share = 0);
  const CandidateForms& original() const { return original_; }
  // A layer's steps that the cuts of others leave no room for, or that with these cuts keep less than the least share, are
  // left out. Refusals: those of the steps alone, of channel ties, and composed-cuts.
  Expected<CandidateForms> candidate(const std::vector<LayerSteps>& steps);
  // The steps of one layer, and their text without the layer's name: equal for equal changes of equal layers.
  struct ParsedSteps {
    std::vector<Step> steps;
    std::string key;
  };
  const ParsedSteps& parsed(const LayerSteps& steps);
  size_t distinct() const { return entries_->size(); }
  std::shared_ptr<const void> owner() const { return entries_; } // of all entries
  LayerTable& layers() { return layers_; }

private:
  const FormEntry* entry(const ConvForm& form);
  bool keeps_least(const FormEntry& after, size_t layer) const;
  struct Rewritten {
    const FormEntry* entry;
    ConvForm form;
  };
  const Expected<Rewritten>& rewritten(const ConvForm& base, const std::string& base_key, const std::vector<Step>& steps,
                                       const std::string& steps_key);
  LayerTable& layers_;
  Target target_;
  double least_share_;
  std::shared_ptr<std::deque<FormEntry>> entries_ = std::make_shared<std::deque<FormEntry>>();
  std::unordered_map<std::string, const FormEntry*> by_text_;
  std::unordered_map<std::string, Expected<Rewritten>> by_steps_;
  std::unordered_map<std::string, ParsedSteps> parsed_;
  CandidateForms original_;
  void total(CandidateForms& c) const;
};

// Removes from the space what no layer can take: choices that, alone in their layer, are refused or not allowed in every
// combination.
void prune(Space& space, FormTable& table, const std::function<bool(const CandidateForms&)>& allowed = [](const auto&) { return true; });

} // namespace nasc
