// Deviations, flips and correlations of paired scores.
#include "test/reliability/statistics.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <iomanip>
#include <map>
#include <ostream>
#include <sstream>
#include <string_view>

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
double total(const Record& c, const Record& o) { return std::log(sum(c.fisher) / sum(o.fisher)); }
double middle(const Record& c, const Record& o) { return median(layer_ratios(c, o)); }
double average(const Record& c, const Record& o) { return mean(layer_ratios(c, o)); }
double least(const Record& c, const Record& o) {
  Values v = layer_ratios(c, o);
  return *std::min_element(v.begin(), v.end());
}
// How far the profile over layers is disturbed, whatever its level: high is undisturbed.
double spread(const Record& c, const Record& o) { return -deviation(layer_ratios(c, o)); }
double codes(const Record& c, const Record& o) { return c.naswot - o.naswot; }
double flow(const Record& c, const Record& o) { return (c.synflow - o.synflow) / static_cast<double>(o.fisher.size()); }
double jacobian(const Record& c, const Record& o) { return c.jacov - o.jacov; }
double loss(const Record& c, const Record& o) { return o.loss - c.loss; }
double capacity(const Record& c, const Record& o) { return std::log(std::min(c.macs / o.macs, c.parameters / o.parameters)); }
}  // namespace

const std::vector<Statistic>& statistics() {
  static const std::vector<Statistic> all = {
      {"fisher:paper", "log ratio of totals", total, 0, false},
      {"fisher", "log ratio of totals", total, std::log(0.9), false},
      {"fisher:mean", "mean over layers of log ratios", average, std::log(0.9), false},
      {"fisher:median", "median over layers of log ratios", middle, std::log(0.8), false},
      {"fisher:least", "least layer's log ratio", least, std::log(0.35), false},
      {"fisher:spread", "-deviation over layers of log ratios", spread, -0.2, false},
      {"naswot", "difference", codes, -1.0 / 16, true},
      {"synflow", "difference of logs per layer", flow, -0.7, false},
      {"jacov", "difference", jacobian, -0.05, false},
      {"capacity", "log of the network's least share", capacity, std::log(0.2), false},
      {"loss", "drop", loss, 0, false},
  };
  return all;
}

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
    std::string jacov;  // streams do not read nan
    if (!(fields >> r.candidate >> r.seed >> r.macs >> r.parameters >> r.loss >> r.naswot >> jacov)) continue;
    if (jacov != "0") r.jacov = std::strtod(jacov.c_str(), nullptr);
    fields.ignore(1);
    std::string number;
    if (!std::getline(fields, number, '\t')) continue;
    if (number.find(':') == std::string::npos && number != "original") {  // journals of earlier runs have no synflow and images
      r.synflow = std::strtod(number.c_str(), nullptr);
      fields >> r.images;
      fields.ignore(1);
      if (!std::getline(fields, r.what, '\t')) continue;
    } else {
      r.what = number;
    }
    for (double f; fields >> f;) r.fisher.push_back(f);
    if (!r.fisher.empty()) out.push_back(std::move(r));
  }
  return out;
}

Journal sorted(const std::vector<Record>& records) {
  Journal j;
  for (const Record& r : records) (r.candidate == 0 ? j.original[r.seed] : j.candidates[r.candidate][r.seed]) = &r;
  if (!records.empty() && records[0].images) j.images = records[0].images;
  size_t complete = j.original.size();
  std::erase_if(j.candidates, [&](const auto& e) { return e.second.size() < complete; });
  return j;
}

std::vector<double> values(const Statistic& of, const Journal& journal, const std::map<int, const Record*>& candidate) {
  Values out;
  for (const auto& [seed, r] : candidate)
    if (double v = of.of(*r, *journal.original.at(seed)); std::isfinite(v)) out.push_back(v);
  return out;
}

bool paper(const Statistic& s) { return std::string_view(s.judge) == "fisher:paper"; }

bool verdict(const Statistic& of, double threshold, const Values& seeds) {
  if (paper(of)) return seeds[0] >= threshold;
  return decide("", "", threshold, static_cast<int>(seeds.size()), [&](int k) { return seeds[static_cast<size_t>(k)]; }).allowed();
}

void print_statistics(const std::vector<Record>& records, std::ostream& out) {
  Journal j = sorted(records);
  if (j.original.empty()) return;
  out << j.candidates.size() << " candidates by " << j.original.size() << " seeds, " << j.original.begin()->second->fisher.size() << " layers\n";
  if (j.candidates.empty() || j.original.size() < 6) return;
  out << std::fixed << std::setprecision(3) << std::left << std::setw(15) << "judge" << std::setw(38) << "statistic" << std::right;
  for (const char* h : {"seeds", "mean", "seed sd", "cand sd", "flip %", "at 0: %", "accept %", "rho MACs", "halves"}) out << std::setw(10) << h;
  out << '\n';
  for (const Statistic& s : statistics()) {
    double threshold = s.per_image ? s.threshold * static_cast<double>(j.images) : s.threshold;
    Values means, first, second, seed_sds, macs;
    double flips = 0, naive = 0, accepted = 0;
    size_t seeds = values(s, j, j.original).size(), half = seeds / 2;
    if (half < 2) {
      out << std::left << std::setw(15) << s.judge << std::setw(38) << s.name << " not measured\n";
      continue;
    }
    for (const auto& [k, records_of] : j.candidates) {
      Values all = values(s, j, records_of);
      if (all.size() != seeds) continue;
      Values a(all.begin(), all.begin() + static_cast<int64_t>(half)), b(all.begin() + static_cast<int64_t>(half), all.end());
      means.push_back(mean(all));
      seed_sds.push_back(deviation(all));
      first.push_back(mean(a));
      second.push_back(mean(b));
      macs.push_back(records_of.begin()->second->macs);
      double yes = static_cast<double>(std::count_if(all.begin(), all.end(), [&](double v) { return v >= threshold; })) / static_cast<double>(seeds);
      flips += paper(s) ? 2 * yes * (1 - yes) * static_cast<double>(seeds) / static_cast<double>(seeds - 1) : verdict(s, threshold, a) != verdict(s, threshold, b);
      naive += (mean(a) >= 0) != (mean(b) >= 0);
      accepted += verdict(s, threshold, all);
    }
    if (means.empty()) continue;
    double n = static_cast<double>(means.size()) / 100, seed_sd = mean(seed_sds);
    // The candidates' own variance: that of their means without what the seeds add to it.
    double own = std::sqrt(std::max(0.0, deviation(means) * deviation(means) - seed_sd * seed_sd / static_cast<double>(seeds)));
    out << std::left << std::setw(15) << s.judge << std::setw(38) << s.name << std::right << std::setw(10) << seeds << std::setw(10) << mean(means)
        << std::setw(10) << seed_sd << std::setw(10) << own << std::setprecision(1) << std::setw(10) << flips / n << std::setw(10) << naive / n
        << std::setw(10) << accepted / n << std::setprecision(3) << std::setw(10) << spearman(means, macs) << std::setw(10) << spearman(first, second)
        << '\n';
  }
  out << "flip: the judge's own rule (undecided: no) on the two halves of the seeds (fisher:paper: on any two seeds); at 0: means of the\n"
         "halves on different sides of 0; cand sd: deviation of candidates without the seeds'; halves: rank correlation between the\n"
         "halves' means\n\n";
  print_choice(j, out);
}

}  // namespace nasc
