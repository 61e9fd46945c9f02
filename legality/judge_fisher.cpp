// fisher -- the Fisher Potential against the original's, on paired seeds.
//   total: the mean of log(candidate / original) over seeds with the same draws and images, its bound above log tau;
//   layers: no changed layer's potential clearly below layer_tau of what it was (a total is blind to small layers).
// Undecided after all seeds counts as no. Paper: section on Fisher Potential as a legality check.
#include <algorithm>
#include <cmath>

#include "ir/registry.h"
#include "legality/order.h"
#include "legality/scores.h"

namespace nasc {
namespace {
// Layers of the candidate by their position in the original, -1: not there.
std::vector<int> matched(const ScoringNetwork& original, const ScoringNetwork& candidate) {
  std::vector<int> out;
  for (const ScoredLayer& l : candidate.layers()) {
    auto it = std::find_if(original.layers().begin(), original.layers().end(), [&](const ScoredLayer& o) { return o.name == l.name; });
    out.push_back(it == original.layers().end() ? -1 : static_cast<int>(it - original.layers().begin()));
  }
  return out;
}

Verdict judge(const Subject& s) {
  if (!s.networks) return yes_verdict();
  NetworkPair& pair = *s.networks;
  Verdict v = decide(pair, "log fisher ratio", "fisher-low", std::log(pair.options.tau), [&](int seed) {
    return std::log(pair.candidate.at(seed).total() / pair.original.at(seed).total());
  });
  if (!v.allowed()) return v;
  const auto &before = pair.original.network().layers(), &after = pair.candidate.network().layers();
  std::vector<int> of = matched(pair.original.network(), pair.candidate.network());
  int seeds = static_cast<int>(v.measures[1].value);
  for (size_t k = 0; k < after.size(); ++k) {
    if (of[k] < 0) continue;
    size_t o = static_cast<size_t>(of[k]);
    if (before[o].macs == after[k].macs && before[o].parameters == after[k].parameters) continue;
    std::vector<double> ratios;
    for (int seed = 0; seed < seeds; ++seed) ratios.push_back(std::log(pair.candidate.at(seed).fisher[k] / pair.original.at(seed).fisher[o]));
    Paired p = paired(ratios);
    if (p.mean + p.margin() >= std::log(pair.options.layer_tau)) continue;
    v.answer = Verdict::no;
    v.reason = "fisher-layer-low";
    v.text = text("layer ", after[k].name, " keeps less than ", pair.options.layer_tau, " of its potential");
    v.measures.push_back({"log fisher ratio of " + after[k].name, p.mean, p.margin()});
    return v;
  }
  return v;
}

const Registered<Judge> fisher{{"fisher", "Fisher Potential against the original's on paired seeds, total and per layer, with a bound.", judge}};
}  // namespace
}  // namespace nasc
