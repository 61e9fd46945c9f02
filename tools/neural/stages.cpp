// Which entries of the table are worth their price, screening by sums, and the walk over survivors.
#include "tools/neural/stages.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>

namespace nasc {
namespace {
constexpr size_t kPerClass = 8;     // entries measured of a class of layers
constexpr double kBetter = 1.15;    // times as fast and keeps as much: the other option is not needed
constexpr size_t kMost = 20'000;    // points of one group that are looked at
constexpr size_t kPatience = 4;     // refusals in a row before the stride grows
constexpr double kWorse = 1.05;     // least growth of a correction by a refusal

struct ClassOption {
  LayerOption option;
  double saved = 0; // by all layers of the class
};

// By class: what its layers may become, each once.
std::map<std::string, std::vector<ClassOption>> offered(Sensitivities& table, const Space& space) {
  std::map<std::string, std::map<std::string, ClassOption>> found;
  for (size_t g = 0; g < space.groups.size(); ++g) {
    Space one = alone(space, g);
    if (space.groups[g].section || !(one.size() <= static_cast<double>(kMost)))
      continue;
    Dna dna = first_dna(one);
    do {
      for (const LayerOption& o : table.options(decode_group(space, g, dna.values).steps)) {
        ClassOption& c = found[table.class_of(o.layer)].try_emplace(o.key, ClassOption{o, 0}).first->second;
        c.saved += o.saved;
      }
    } while (advance(one, dna));
  }
  std::map<std::string, std::vector<ClassOption>> out;
  for (const auto& [name, by_key] : found)
    for (const auto& [key, c] : by_key)
      if (c.saved > 0 && !key.empty())
        out[name].push_back(c);
  return out;
}

} // namespace

std::string below_floor(const CandidateForms& c, const CandidateForms& o, const LayerTable& layers,
                        const JudgeOptions& floors, bool alone) {
  double network = kept_share(c, o);
  if (network < floors.network_floor && !alone)
    return fmt::format("network below its floor: keeps {:.3f}, at least {}", network, floors.network_floor);
  for (size_t k = 0; k < c.layers.size(); ++k) {
    double kept = kept_share(*c.layers[k], *o.layers[k]);
    if (kept < floors.layer_floor)
      return fmt::format("layer below its floor: {} keeps {:.3f}, at least {}", layers.layers[k].name, kept,
                         floors.layer_floor);
  }
  return "";
}

void fill_sensitivities(Sensitivities& table, const Space& space, const NeuralSearch& search, double entries, int evaluations, int together,
                        const StageClock& clock, NeuralStageCount& count, const ShowProgress& progress) {
  double begin = clock.seconds();
  std::vector<std::pair<double, LayerOption>> order; // by what an entry may gain, classes by turns
  for (auto& [name, all] : offered(table, space)) {
    std::stable_sort(all.begin(), all.end(), [](const ClassOption& a, const ClassOption& b) { return a.saved > b.saved; });
    std::vector<ClassOption> kept;
    for (const ClassOption& c : all)
      if (kept.size() < kPerClass && std::none_of(all.begin(), all.end(), [&](const ClassOption& other) {
            return other.option.share >= c.option.share && other.saved > kBetter * c.saved;
          }))
        kept.push_back(c);
    for (size_t k = 0; k < kept.size(); ++k)
      order.emplace_back(kept[k].saved / static_cast<double>(1 + k), kept[k].option);
  }
  std::stable_sort(order.begin(), order.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
  while (evaluations > 0 && static_cast<double>(count.judged) < entries && count.judged < order.size() && !clock.over()) {
    double most = std::min({static_cast<double>(together), static_cast<double>(evaluations), // as if one by one
                            entries - static_cast<double>(count.judged)});
    std::vector<LayerOption> options;
    for (size_t k = count.judged; k < order.size() && static_cast<double>(options.size()) < most; ++k)
      options.push_back(order[k].second);
    progress({count.judged, order.size(), "sensitivity " + search.layers[options[0].layer].name});
    std::optional<int> run = table.measure(options, [&] { return clock.over(); });
    if (!run)
      break;
    evaluations -= *run, count.evaluations += *run;
    count.judged += options.size();
  }
  count.seconds += clock.seconds() - begin;
}

std::vector<Survivor> screen(const std::vector<size_t>& survivors, const NeuralSearch& search, Sensitivities& table,
                             NeuralStageCount& count) {
  std::vector<Survivor> left;
  for (size_t candidate : survivors) {
    Survivor s{candidate, table.predict(table.options(search.search.judged[candidate].decoded.steps))};
    ++count.judged;
    size_t low = 0;
    for (; low < table.sums().size(); ++low)
      if (s.predicted.value[low] + s.predicted.error[low] < table.sums()[low].least)
        break;
    if (low < table.sums().size())
      ++count.rejected, ++count.reasons[table.sums()[low].judge + ": sum of its layers' changes"];
    else
      left.push_back(std::move(s));
  }
  return left;
}

namespace {

// How much further sums go than predicted, learned from answers.
struct Corrections {
  explicit Corrections(const std::vector<JudgedSum>& s) : sums(s), factor(s.size(), 1) {}
  const std::vector<JudgedSum>& sums;
  std::vector<double> factor;
  // Largest share of what a judge grants that the candidate uses up.
  double use(const Survivor& s) const {
    double out = 0;
    for (size_t j = 0; j < sums.size(); ++j) {
      double loss = -s.predicted.value[j] * factor[j];
      if (loss > 0)
        out = std::max(out, sums[j].least < 0 ? loss / -sums[j].least : HUGE_VAL);
    }
    return out;
  }
  void learn(const Survivor& s, const std::vector<std::optional<double>>& values, bool refused) {
    for (size_t j = 0; j < sums.size(); ++j) {
      if (!values[j] || s.predicted.value[j] >= 0)
        continue;
      double now = *values[j] / s.predicted.value[j];
      if (refused && *values[j] < sums[j].least) // so much that this one would have been left out
        now = std::max(now, factor[j] * kWorse);
      factor[j] = std::clamp(now, 0.1, 20.0);
    }
  }
};

} // namespace

std::vector<Finalist> judge_survivors(const std::vector<Survivor>& survivors, const NeuralSearch& search, Judging& judging,
                                      const NeuralOptions& options, int evaluations, const StageClock& clock,
                                      NeuralStageCount& count, const ShowProgress& progress) {
  double begin = clock.seconds();
  std::vector<Finalist> out;
  std::vector<bool> seen(survivors.size());
  Corrections corrections(judging.sums());
  size_t accepted = 0, in_a_row = 0, stride = 1, from = 0; // the walk goes on at `from`
  while (evaluations > 0 && accepted < options.wanted && !clock.over()) {
    size_t at = from;
    while (at < survivors.size() && (seen[at] || corrections.use(survivors[at]) > 1))
      ++at;
    if (at >= survivors.size()) { // none is likely: the likeliest, the slowest of equals
      at = survivors.size();
      for (size_t k = 0; k < survivors.size(); ++k)
        if (!seen[k] && (at == survivors.size() || corrections.use(survivors[k]) <= corrections.use(survivors[at])))
          at = k;
      if (at == survivors.size())
        break;
    }
    seen[at] = true;
    const Candidate& c = search.search.judged[survivors[at].candidate];
    progress({accepted, options.wanted, fmt::format("candidate {}, {} evaluations left", c.number, evaluations)});
    Finalist f;
    f.candidate = survivors[at].candidate;
    Expected<Judged> j = judging.judge(search.forms[f.candidate].plan, [&] { return clock.over(); });
    ++count.judged;
    if (j && j->out_of_time) {
      f.refused = text(kOutOfTime, ": left undecided by ", j->verdicts.back().judge), f.judged = std::move(*j);
      ++count.rejected, ++count.reasons[kOutOfTime], count.evaluations += f.judged.evaluations;
      out.push_back(std::move(f));
      break;
    }
    if (j) {
      f.judged = std::move(*j);
      evaluations -= std::max(1, f.judged.evaluations);
      count.evaluations += f.judged.evaluations;
    } else {
      f.refused = j.error().code + ": " + j.error().text, --evaluations;
    }
    bool yes = j && f.judged.allowed;
    double before = corrections.use(survivors[at]);
    if (j)
      corrections.learn(survivors[at], judging.values(f.judged), !yes);
    if (yes) {
      ++accepted, in_a_row = 0;
    } else {
      ++count.rejected;
      std::string why = refusal_text(f.judged);
      ++count.reasons[f.refused.empty() ? why.substr(0, why.find(',')) : j.error().code];
      if (corrections.use(survivors[at]) <= std::max(1.0, before)) { // nothing learned: away from here
        if (++in_a_row % kPatience == 0)
          stride *= 2;
        from = at + stride;
      }
    }
    out.push_back(std::move(f));
  }
  count.seconds += clock.seconds() - begin;
  return out;
}

void choose_winner(NeuralSearch& search, const std::function<bool(size_t, size_t)>& better) {
  constexpr double kNoise = 0.05;
  search.winner.reset();
  for (size_t k = 0; k < search.finalists.size(); ++k) {
    const Finalist& f = search.finalists[k];
    if (!f.judged.allowed)
      continue;
    if (!search.winner) {
      search.winner = k;
      continue;
    }
    double best_ms = search.finalists[*search.winner].measured_ms;
    double faster = f.measured_ms > 0 && best_ms > 0 ? best_ms / f.measured_ms - 1 : 0;
    if (std::abs(faster) > kNoise ? faster > 0 : better(k, *search.winner))
      search.winner = k;
  }
  if (!search.winner)
    return;
  double ms = search.finalists[*search.winner].measured_ms;
  search.none_faster = search.original_ms > 0 && ms > 0 && ms >= search.original_ms;
  if (search.none_faster)
    search.winner.reset();
}

} // namespace nasc
