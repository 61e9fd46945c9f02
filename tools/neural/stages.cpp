// Screening by sums, and the walk over survivors.
#include "tools/neural/stages.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>

namespace nasc {
namespace {
constexpr int kSensitivitySeeds = 2;
constexpr double kSeedDeviation = 0.11; // of one log ratio between seeds; two seeds alone say too little about it
constexpr double kConfidence = 1.96;
constexpr size_t kFastest = 100;     // survivors that say which entries are worth their price
constexpr size_t kPatience = 6;      // refusals in a row before the stride doubles

} // namespace

std::string below_floor(const CandidateForms& c, const CandidateForms& o, const LayerTable& layers,
                        const JudgeOptions& floors) {
  auto share = [](int64_t after, int64_t before) {
    return before ? static_cast<double>(after) / static_cast<double>(before) : 1.0;
  };
  double network = std::min(share(c.macs, o.macs), share(c.parameters, o.parameters));
  if (network < floors.network_floor)
    return fmt::format("network below its floor: keeps {:.3f}, at least {}", network, floors.network_floor);
  for (size_t k = 0; k < c.layers.size(); ++k) {
    double kept = std::min(share(c.layers[k]->macs, o.layers[k]->macs),
                           share(c.layers[k]->parameters, o.layers[k]->parameters));
    if (kept < floors.layer_floor)
      return fmt::format("layer below its floor: {} keeps {:.3f}, at least {}", layers.layers[k].name, kept,
                         floors.layer_floor);
  }
  return "";
}

std::vector<size_t> screen(const std::vector<size_t>& survivors, const NeuralSearch& search, FormTable& table,
                           Judging& judging, const NeuralOptions& options, int evaluations, const StageClock& clock,
                           NeuralStageCount& count, const std::function<void(const NeuralProgress&)>& progress) {
  using Key = std::pair<size_t, std::string>;
  double begin = clock.seconds();
  LayerTable& layers = table.layers();
  auto keys = [&](size_t candidate) {
    std::vector<std::pair<Key, std::vector<std::string>>> out;
    for (const LayerSteps& l : search.search.judged[candidate].decoded.steps)
      if (!l.section)
        out.push_back({{layers.equals[layers.index(l.where)], table.parsed(l).key}, l.steps});
    return out;
  };
  std::map<Key, std::pair<size_t, std::vector<std::string>>> wanted;
  for (size_t k = 0; k < std::min(kFastest, survivors.size()); ++k)
    for (auto& [key, steps] : keys(survivors[k])) {
      auto& w = wanted[key];
      ++w.first, w.second = steps;
    }
  std::vector<std::pair<Key, std::pair<size_t, std::vector<std::string>>>> order(wanted.begin(), wanted.end());
  std::stable_sort(order.begin(), order.end(), [](const auto& a, const auto& b) { return a.second.first > b.second.first; });

  std::map<Key, Measure> known;
  for (const auto& [key, w] : order) {
    if (evaluations < kSensitivitySeeds || clock.over())
      break;
    const std::string& where = layers.layers[key.first].name;
    progress({known.size(), order.size(), "sensitivity " + where});
    Expected<CandidateForms> alone = table.candidate({{where, false, w.second}});
    if (!alone)
      continue;
    Expected<Measure> m = judging.sensitivity(alone->plan, kSensitivitySeeds);
    evaluations -= kSensitivitySeeds, count.evaluations += kSensitivitySeeds;
    if (!m)
      continue;
    m->error = std::max(m->error, kSeedDeviation / std::sqrt(double{kSensitivitySeeds}));
    known[key] = *m;
  }

  std::vector<size_t> left;
  double least = std::log(options.judges.tau);
  for (size_t candidate : survivors) {
    double sum = 0, square = 0;
    for (const auto& [key, unused] : keys(candidate))
      if (auto m = known.find(key); m != known.end())
        sum += m->second.value, square += m->second.error * m->second.error;
    ++count.judged;
    if (sum + kConfidence * std::sqrt(square) >= least) {
      left.push_back(candidate);
      continue;
    }
    ++count.rejected, ++count.reasons["sum of log Fisher ratios of its layers"];
  }
  count.seconds += clock.seconds() - begin;
  return left;
}

std::vector<Finalist> judge_survivors(const std::vector<size_t>& survivors, const NeuralSearch& search, Judging& judging,
                                      const NeuralOptions& options, int evaluations, const StageClock& clock,
                                      NeuralStageCount& count,
                                      const std::function<void(const NeuralProgress&)>& progress) {
  double begin = clock.seconds();
  std::vector<Finalist> out;
  std::vector<bool> seen(survivors.size());
  size_t accepted = 0;
  auto ask = [&](size_t at) {
    seen[at] = true;
    const Candidate& c = search.search.judged[survivors[at]];
    progress({accepted, options.wanted, fmt::format("candidate {}, {} evaluations left", c.number, evaluations)});
    Finalist f;
    f.candidate = survivors[at];
    Expected<Judged> j = judging.judge(search.forms[survivors[at]].plan);
    ++count.judged;
    if (j) {
      f.judged = std::move(*j);
      evaluations -= std::max(1, f.judged.evaluations);
      count.evaluations += f.judged.evaluations;
    } else {
      f.refused = j.error().code + ": " + j.error().text, --evaluations;
    }
    bool yes = j && f.judged.allowed;
    accepted += yes;
    count.rejected += !yes;
    if (!yes)
      ++count.reasons[f.refused.empty() ? refusal_text(f.judged).substr(0, refusal_text(f.judged).find(',')) : j.error().code];
    out.push_back(std::move(f));
    return yes;
  };
  auto more = [&] { return evaluations > 0 && accepted < options.wanted && !clock.over(); };
  size_t at = 0, stride = 1, refused = 0, low = 0; // all before `low` that were asked are refused
  bool found = false;
  for (; at < survivors.size() && more(); at += stride) {
    if (ask(at)) {
      found = true;
      break;
    }
    low = at + 1;
    if (++refused % kPatience == 0)
      stride *= 2;
  }
  size_t high = at; // accepted
  while (found && more() && low < high) { // refused on the left, accepted on the right
    size_t middle = low + (high - low) / 2;
    if (seen[middle])
      break;
    if (ask(middle))
      high = middle;
    else
      low = middle + 1;
  }
  for (size_t next = high + 1; found && next < survivors.size() && more(); ++next)
    if (!seen[next])
      ask(next);
  count.seconds += clock.seconds() - begin;
  return out;
}

} // namespace nasc
