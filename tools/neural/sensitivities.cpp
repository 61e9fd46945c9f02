// Entries from networks with a whole class changed; sums over candidates.
#include "tools/neural/sensitivities.h"

#include <cmath>

#include "polyhedral/neural/canonical.h"

namespace nasc {
namespace {
constexpr int kSeeds = 1;           // paired with the original's; the whole class together averages over layers
constexpr double kModelError = 0.3; // of a sum: changes do not quite add up
constexpr double kSeedError = 0.1;  // of any sum, between seeds
} // namespace

const std::string& Sensitivities::class_of(size_t layer) const {
  auto [at, is_new] = classes_.emplace(layer, "");
  if (is_new) {
    const ConvForm& form = table_.layers().layers[layer].form;
    at->second = text(form.out[0], "x", form.out[1], "x", form.out[2], " of ", form.image[1], "x", form.image[2]);
    auto convs = grouped_convs(form);
    if (convs)
      for (const GroupedConv& g : *convs)
        at->second += text(" ", g.groups, " groups ", g.kernel[0], "x", g.kernel[1], "/", g.stride[0], "x", g.stride[1]);
  }
  return at->second;
}

std::vector<LayerOption> Sensitivities::options(const std::vector<LayerSteps>& steps) {
  std::vector<LayerOption> out;
  const CandidateForms& o = table_.original();
  for (const LayerSteps& l : steps) {
    if (l.section)
      continue;
    LayerOption option{table_.layers().index(l.where), table_.parsed(l).key, l.steps, 0, 1};
    Expected<CandidateForms> alone = table_.candidate({l});
    if (!alone)
      continue;
    option.saved = o.ms - alone->ms;
    option.share = static_cast<double>(alone->layers[option.layer]->macs) / static_cast<double>(o.layers[option.layer]->macs);
    out.push_back(std::move(option));
  }
  return out;
}

bool Sensitivities::measured(const LayerOption& o) const { return entries_.count({class_of(o.layer), o.key}) > 0; }

std::optional<Sensitivities::Whole> Sensitivities::whole(const LayerOption& o) {
  const auto& layers = table_.layers().layers;
  std::vector<LayerSteps> all;
  double log_share = 0;
  const CandidateForms& original = table_.original();
  for (size_t k = 0; k < layers.size(); ++k) {
    if (class_of(k) != class_of(o.layer))
      continue;
    LayerSteps one{layers[k].name, false, o.steps};
    Expected<CandidateForms> alone = table_.candidate({one});
    if (!alone)
      continue;
    log_share += std::log(static_cast<double>(alone->layers[k]->macs) / static_cast<double>(original.layers[k]->macs));
    all.push_back(std::move(one));
  }
  Expected<CandidateForms> together = table_.candidate(all);
  if (!together || together->changed.size() != all.size()) { // they stand in each other's way
    all = {{layers[o.layer].name, false, o.steps}};
    log_share = std::log(o.share);
    together = table_.candidate(all);
  }
  if (!together)
    return {};
  return Whole{{class_of(o.layer), o.key}, together->plan, log_share, static_cast<double>(all.size())};
}

std::optional<int> Sensitivities::measure(const std::vector<LayerOption>& options, const std::function<bool()>& stop) {
  std::vector<Whole> wholes;
  std::vector<std::vector<Step>> plans;
  for (const LayerOption& o : options) {
    if (measured(o))
      continue;
    if (std::optional<Whole> w = whole(o)) {
      plans.push_back(w->plan);
      wholes.push_back(std::move(*w));
    } else {
      entries_[{class_of(o.layer), o.key}];
    }
  }
  auto found = judging_.sensitivity(plans, kSeeds, stop);
  if (!found)
    return {};
  for (size_t k = 0; k < wholes.size(); ++k) {
    const Whole& w = wholes[k];
    Entry& entry = entries_[w.key];
    if (!(*found)[k])
      continue;
    for (const Measure& m : *(*found)[k])
      entry.value.push_back(m.value / w.layers);
    entry.log_share = w.log_share / w.layers;
  }
  return static_cast<int>(wholes.size()) * kSeeds;
}

Sensitivities::Prediction Sensitivities::predict(const std::vector<LayerOption>& options) const {
  size_t n = sums().size();
  Prediction out{std::vector<double>(n, 0), std::vector<double>(n, kSeedError)};
  std::map<std::string, std::pair<std::vector<double>, double>> slopes; // by class: sums of values, of logs of shares
  for (const auto& [key, e] : entries_) {
    if (e.value.empty() || !(e.log_share < 0) || !std::isfinite(e.log_share))
      continue;
    auto& [values, log_share] = slopes[key.first];
    values.resize(n, 0);
    for (size_t j = 0; j < n; ++j)
      values[j] += e.value[j];
    log_share += e.log_share;
  }
  for (const LayerOption& o : options) {
    auto entry = entries_.find({class_of(o.layer), o.key});
    auto slope = slopes.find(class_of(o.layer));
    for (size_t j = 0; j < n; ++j)
      if (entry != entries_.end() && !entry->second.value.empty())
        out.value[j] += entry->second.value[j];
      else if (slope != slopes.end() && o.share > 0)
        out.value[j] += slope->second.first[j] / slope->second.second * std::log(o.share);
  }
  for (size_t j = 0; j < n; ++j)
    out.error[j] += kModelError * std::abs(out.value[j]);
  return out;
}

} // namespace nasc
