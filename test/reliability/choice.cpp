// The choice of a conjunction of judges and of its thresholds.
#include <algorithm>
#include <cmath>
#include <functional>
#include <iomanip>
#include <ostream>

#include "legality/scores.h"
#include "test/reliability/statistics.h"

namespace nasc {
namespace {
// Answers of one judge at one threshold, from the first and from the second half of the seeds, per candidate.
struct Answers {
  std::string judge;
  double threshold;  // as options have it: a ratio, or a drop
  std::vector<bool> first, second;
};
struct Quality {
  double flips = 0, accepted = 0, kappa = 0;
};

// `kappa`: how far the two halves agree beyond what judges would that answer at random as often. 0 for one that always
// says the same.
Quality quality(const std::vector<const Answers*>& all, const std::vector<size_t>& candidates) {
  double both = 0, one = 0, two = 0, n = static_cast<double>(candidates.size());
  for (size_t k : candidates) {
    bool a = true, b = true;
    for (const Answers* x : all) a &= x->first[k], b &= x->second[k];
    both += a == b, one += a, two += b;
  }
  double agree = both / n, chance = (one * two + (n - one) * (n - two)) / (n * n);
  return {100 * (1 - agree), 50 * (one + two) / n, chance < 1 ? (agree - chance) / (1 - chance) : 0};
}

const Statistic& named(const char* judge) {
  return *std::find_if(statistics().begin(), statistics().end(), [&](const Statistic& s) { return std::string(s.judge) == judge; });
}
}  // namespace

void print_choice(const Journal& j, std::ostream& out) {
  struct Grid {
    const char* judge;
    std::vector<double> options;
    double (*threshold)(double option, double images);
  };
  auto ratio = [](double tau, double) { return std::log(tau); };
  auto drop = [](double d, double) { return -d; };
  auto drop_per_image = [](double d, double images) { return -d * images; };
  const std::vector<Grid> grids = {
      {"capacity", {0.2}, ratio},
      {"naswot", {0.02, 0.03, 0.04, 0.0625, 0.09, 0.125, 0.18, 0.25, 0.35, 0.5}, drop_per_image},
      {"fisher", {0.6, 0.7, 0.8, 0.9, 1.0}, ratio},
      {"fisher:mean", {0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 1.0, 1.05, 1.1}, ratio},
      {"fisher:median", {0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 1.0, 1.05, 1.1}, ratio},
      {"fisher:least", {0.1, 0.2, 0.3, 0.35, 0.4, 0.5, 0.6, 0.7}, ratio},
      {"fisher:spread", {0.1, 0.12, 0.14, 0.16, 0.18, 0.2, 0.22, 0.24, 0.26, 0.28, 0.3, 0.35}, drop},
      {"synflow", {0.1, 0.2, 0.3, 0.4, 0.5, 0.7}, drop},
      {"jacov", {0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0}, drop},
  };
  std::vector<std::vector<Answers>> answers;  // by grid
  for (const Grid& g : grids) {
    answers.emplace_back();
    const Statistic& s = named(g.judge);
    size_t seeds = values(s, j, j.original).size();
    bool measured = std::all_of(j.candidates.begin(), j.candidates.end(), [&](const auto& c) { return values(s, j, c.second).size() == seeds; });
    if (seeds < 4 || !measured) continue;
    for (double option : g.options) {
      Answers a{g.judge, option, {}, {}};
      for (const auto& [unused, records] : j.candidates) {
        std::vector<double> all = values(s, j, records);
        auto middle = all.begin() + static_cast<int64_t>(all.size() / 2);
        double t = g.threshold(option, j.images);
        a.first.push_back(verdict(s, t, {all.begin(), middle}));
        a.second.push_back(verdict(s, t, {middle, all.end()}));
      }
      answers.back().push_back(std::move(a));
    }
  }
  std::vector<size_t> chosen_on, reported_on;
  for (size_t k = 0; k < j.candidates.size(); ++k) (k % 2 ? reported_on : chosen_on).push_back(k);
  if (reported_on.size() < 4) return;

  auto line = [&](const std::string& name, const std::vector<const Answers*>& all) {
    Quality a = quality(all, chosen_on), b = quality(all, reported_on);
    out << std::left << std::setw(56) << name << std::right << std::fixed;
    for (const Quality& q : {a, b})
      out << std::setprecision(1) << std::setw(9) << q.flips << std::setw(9) << q.accepted << std::setprecision(2) << std::setw(9) << q.kappa;
    out << '\n';
  };
  auto text_of = [](const std::vector<const Answers*>& all) {
    std::string name;
    for (const Answers* a : all) {
      std::string number = std::to_string(a->threshold);
      while (number.back() == '0') number.pop_back();
      if (number.back() == '.') number.pop_back();
      name += (name.empty() ? "" : ", ") + a->judge + " " + number;
    }
    return name;
  };
  auto better = [&](const std::vector<const Answers*>& x, const std::vector<const Answers*>& y) {
    Quality a = quality(x, chosen_on), b = quality(y, chosen_on);
    bool fine = a.flips <= 10, other = b.flips <= 10;
    if (fine != other) return fine;
    if (!fine) return a.flips < b.flips;
    return a.kappa != b.kappa ? a.kappa > b.kappa : a.accepted < b.accepted;  // of equally reliable ones the strictest
  };
  // Every combination of one threshold per judge; the best by kappa among those that flip for at most a tenth.
  auto best = [&](const std::vector<size_t>& judges) {
    std::vector<const Answers*> now, found;
    std::function<void(size_t)> extend = [&](size_t at) {
      if (at == judges.size()) {
        if (found.empty() || better(now, found)) found = now;
        return;
      }
      for (const Answers& a : answers[judges[at]]) {
        now.push_back(&a);
        extend(at + 1);
        now.pop_back();
      }
    };
    extend(0);
    return found;
  };
  out << "thresholds chosen on " << chosen_on.size() << " candidates, reported on the other " << reported_on.size() << "; kappa: agreement of the halves beyond chance\n"
      << std::left << std::setw(56) << "conjunction" << std::right;
  for (const char* h : {"flip %", "accept %", "kappa", "| flip %", "accept %", "kappa"}) out << std::setw(9) << h;
  out << '\n';
  for (size_t g = 0; g < grids.size(); ++g)
    if (auto b = best({g}); !b.empty()) line(text_of(b), b);
  for (const std::vector<size_t>& judges : {std::vector<size_t>{0, 1, 2}, {0, 1, 3}, {0, 1, 4}, {0, 1, 5}, {0, 1, 6}, {0, 1, 4, 7}, {0, 1, 4, 8}})
    if (auto b = best(judges); !b.empty()) line(text_of(b), b);
  auto at = [&](size_t grid, double threshold) -> const Answers* {
    for (const Answers& a : answers[grid])
      if (a.threshold == threshold) return &a;
    return nullptr;
  };
  JudgeOptions now;
  std::vector<const Answers*> standing = {at(0, now.network_floor), at(1, now.naswot_drop), at(4, now.median_tau)};
  if (std::find(standing.begin(), standing.end(), nullptr) == standing.end()) line("the default: " + text_of(standing), standing);
}

}  // namespace nasc
