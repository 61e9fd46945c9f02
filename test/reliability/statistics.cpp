// Deviations, flips and correlations of paired scores.
#include "test/reliability/statistics.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <functional>
#include <iomanip>
#include <map>
#include <ostream>
#include <sstream>

#include "legality/scores.h"

namespace nasc {
namespace {
using Values = std::vector<double>;

double mean(const Values& v) {
  double s = 0;
  for (double x : v) s += x;
  return v.empty() ? 0 : s / static_cast<double>(v.size());
}
double deviation(const Values& v) {
  double m = mean(v), s = 0;
  for (double x : v) s += (x - m) * (x - m);
  return v.size() < 2 ? 0 : std::sqrt(s / static_cast<double>(v.size() - 1));
}
double median(Values v) {
  if (v.empty()) return 0;
  std::sort(v.begin(), v.end());
  return v.size() % 2 ? v[v.size() / 2] : (v[v.size() / 2 - 1] + v[v.size() / 2]) / 2;
}
Values ranks(const Values& v) {
  std::vector<size_t> order(v.size());
  for (size_t i = 0; i < v.size(); ++i) order[i] = i;
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) { return v[a] < v[b]; });
  Values out(v.size());
  for (size_t i = 0; i < order.size();) {
    size_t j = i;
    while (j < order.size() && v[order[j]] == v[order[i]]) ++j;
    for (size_t k = i; k < j; ++k) out[order[k]] = static_cast<double>(i + j - 1) / 2;
    i = j;
  }
  return out;
}
// A number per candidate and seed from its record and the original's.
using Statistic = std::function<double(const Record& candidate, const Record& original)>;

// Of all layers, changed or not: a change shows downstream too.
Values layer_ratios(const Record& c, const Record& o) {
  Values out;
  for (size_t k = 0; k < c.fisher.size() && k < o.fisher.size(); ++k)
    if (c.fisher[k] > 0 && o.fisher[k] > 0) out.push_back(std::log(c.fisher[k] / o.fisher[k]));
  return out;
}
double sum(const Values& v) {
  double s = 0;
  for (double x : v) s += x;
  return s;
}
}  // namespace

double spearman(const Values& a, const Values& b) {
  Values x = ranks(a), y = ranks(b);
  double mx = mean(x), my = mean(y), xy = 0, xx = 0, yy = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    xy += (x[i] - mx) * (y[i] - my);
    xx += (x[i] - mx) * (x[i] - mx);
    yy += (y[i] - my) * (y[i] - my);
  }
  return xx > 0 && yy > 0 ? xy / std::sqrt(xx * yy) : 0;
}

std::vector<Record> read_journal(const std::string& path) {
  std::ifstream in(path);
  std::vector<Record> out;
  for (std::string line; std::getline(in, line);) {
    std::istringstream fields(line);
    Record r;
    if (!(fields >> r.candidate >> r.seed >> r.macs >> r.parameters >> r.loss >> r.naswot >> r.jacov)) continue;
    fields.ignore(1);
    if (!std::getline(fields, r.what, '\t')) continue;
    for (double f; fields >> f;) r.fisher.push_back(f);
    if (!r.fisher.empty()) out.push_back(std::move(r));
  }
  return out;
}

void print_statistics(const std::vector<Record>& records, std::ostream& out) {
  std::map<int, std::map<int, const Record*>> by;  // candidate, seed
  for (const Record& r : records) by[r.candidate][r.seed] = &r;
  if (!by.count(0)) return;
  const auto original = by.at(0);
  by.erase(0);
  size_t complete = original.size();
  std::erase_if(by, [&](const auto& e) { return e.second.size() < complete; });
  out << by.size() << " candidates by " << complete << " seeds, " << original.begin()->second->fisher.size() << " layers\n";
  if (by.empty() || complete < 4) return;

  struct Row {
    const char* name;
    Statistic of;
    double threshold;
  };
  const Row rows[] = {
      {"fisher total, log ratio (paper: >= 0)", [](const Record& c, const Record& o) { return std::log(sum(c.fisher) / sum(o.fisher)); }, 0},
      {"fisher total, log ratio, tau 0.9", [](const Record& c, const Record& o) { return std::log(sum(c.fisher) / sum(o.fisher)); }, std::log(0.9)},
      {"fisher mean of layers' log ratios, tau 0.9", [](const Record& c, const Record& o) { return mean(layer_ratios(c, o)); }, std::log(0.9)},
      {"fisher median of layers' log ratios, tau 0.9", [](const Record& c, const Record& o) { return median(layer_ratios(c, o)); }, std::log(0.9)},
      {"fisher least layer log ratio, tau 0.5", [](const Record& c, const Record& o) {
         Values v = layer_ratios(c, o);
         return *std::min_element(v.begin(), v.end());
       }, std::log(0.5)},
      {"naswot difference (>= -2)", [](const Record& c, const Record& o) { return c.naswot - o.naswot; }, -2},
      {"jacov difference (>= 0)", [](const Record& c, const Record& o) { return c.jacov - o.jacov; }, 0},
      {"loss difference (<= 0)", [](const Record& c, const Record& o) { return o.loss - c.loss; }, 0},
  };
  Values macs;
  for (const auto& [k, seeds] : by) macs.push_back(seeds.begin()->second->macs / original.begin()->second->macs);
  out << std::fixed << std::setprecision(3) << std::left << std::setw(48) << "statistic" << std::right;
  for (const char* h : {"mean", "seed sd", "cand sd", "flip %", "flip@med", "accept %", "rho MACs", "halves"}) out << std::setw(10) << h;
  out << '\n';
  for (const Row& row : rows) {
    Values means, first, second, seed_sds;
    for (const auto& [k, seeds] : by) {
      Values all, a, b;
      size_t i = 0;
      for (const auto& [seed, r] : seeds) {
        double v = row.of(*r, *original.at(seed));
        all.push_back(v);
        (i++ < complete / 2 ? a : b).push_back(v);
      }
      means.push_back(mean(all));
      seed_sds.push_back(deviation(all));
      first.push_back(mean(a));
      second.push_back(mean(b));
    }
    auto flips = [&](double threshold) {
      double n = 0;
      for (size_t i = 0; i < first.size(); ++i) n += (first[i] >= threshold) != (second[i] >= threshold);
      return 100 * n / static_cast<double>(first.size());
    };
    double accepted = 0;
    for (double m : means) accepted += m >= row.threshold;
    double seed_sd = mean(seed_sds);
    // The candidates' own variance: that of their means without what the seeds add to it.
    double own = std::sqrt(std::max(0.0, deviation(means) * deviation(means) - seed_sd * seed_sd / static_cast<double>(complete)));
    out << std::left << std::setw(48) << row.name << std::right << std::setw(10) << mean(means) << std::setw(10) << seed_sd << std::setw(10) << own
        << std::setw(10) << std::setprecision(1) << flips(row.threshold) << std::setw(10) << flips(median(means)) << std::setw(10)
        << 100 * accepted / static_cast<double>(means.size()) << std::setprecision(3) << std::setw(10) << spearman(means, macs) << std::setw(10)
        << spearman(first, second) << '\n';
  }

  // The judges' own rule, undecided counting as no, on the two halves of the seeds and on all.
  struct Rule {
    const char* name;
    std::vector<std::pair<Statistic, double>> all;
  };
  auto total = [](const Record& c, const Record& o) { return std::log(sum(c.fisher) / sum(o.fisher)); };
  auto median_layer = [](const Record& c, const Record& o) { return median(layer_ratios(c, o)); };
  auto least_layer = [](const Record& c, const Record& o) {
    Values v = layer_ratios(c, o);
    return *std::min_element(v.begin(), v.end());
  };
  auto codes = [](const Record& c, const Record& o) { return c.naswot - o.naswot; };
  auto capacity = [](const Record& c, const Record& o) { return std::log(std::min(c.macs / o.macs, c.parameters / o.parameters)); };
  const Rule rules[] = {
      {"fisher:paper, one seed against another", {}},
      {"fisher total, tau 0.9", {{total, std::log(0.9)}}},
      {"fisher total, tau 0.8", {{total, std::log(0.8)}}},
      {"fisher total, tau 0.7", {{total, std::log(0.7)}}},
      {"fisher median layer, tau 0.9", {{median_layer, std::log(0.9)}}},
      {"fisher median layer, tau 0.8", {{median_layer, std::log(0.8)}}},
      {"fisher least layer, tau 0.35", {{least_layer, std::log(0.35)}}},
      {"naswot, drop 1", {{codes, -1}}},
      {"naswot, drop 2", {{codes, -2}}},
      {"capacity, network 0.5", {{capacity, std::log(0.5)}}},
      {"capacity 0.2, naswot 2, fisher 0.9", {{capacity, std::log(0.2)}, {codes, -2}, {total, std::log(0.9)}}},
      {"capacity 0.2, naswot 2, fisher 0.8", {{capacity, std::log(0.2)}, {codes, -2}, {total, std::log(0.8)}}},
      {"capacity 0.2, naswot 1, fisher 0.8", {{capacity, std::log(0.2)}, {codes, -1}, {total, std::log(0.8)}}},
      {"capacity 0.2, naswot 1, fisher 0.7", {{capacity, std::log(0.2)}, {codes, -1}, {total, std::log(0.7)}}},
  };
  out << '\n' << std::left << std::setw(48) << "rule" << std::right << std::setw(10) << "flip %" << std::setw(10) << "accept %" << '\n';
  for (const Rule& rule : rules) {
    double flips = 0, accepted = 0;
    for (const auto& [k, seeds] : by) {
      std::vector<int> names;
      for (const auto& [seed, r] : seeds) names.push_back(seed);
      auto verdict = [&, &seeds = seeds](size_t from, size_t count) {
        if (rule.all.empty()) return total(*seeds.at(names[from]), *original.at(names[from])) >= 0;
        for (const auto& [statistic, threshold] : rule.all) {
          auto at = [&](int i) {
            int seed = names[from + static_cast<size_t>(i)];
            return statistic(*seeds.at(seed), *original.at(seed));
          };
          if (!decide("", "", threshold, static_cast<int>(count), at).allowed()) return false;
        }
        return true;
      };
      flips += verdict(0, complete / 2) != verdict(complete / 2, complete / 2);
      accepted += verdict(0, complete);
    }
    double n = static_cast<double>(by.size()) / 100;
    out << std::left << std::setw(48) << rule.name << std::right << std::setprecision(1) << std::setw(10) << flips / n << std::setw(10) << accepted / n << '\n';
  }
}

}  // namespace nasc
