// Journals of scores, and what they say about seeds and candidates.
#pragma once

#include <iosfwd>
#include <limits>
#include <map>
#include <string>
#include <vector>

namespace nasc {

struct Record {
  static constexpr double kNone = std::numeric_limits<double>::quiet_NaN();  // not measured
  int candidate = 0, seed = 0;
  double macs = 0, parameters = 0, loss = 0, naswot = 0, jacov = kNone, synflow = kNone;
  int images = 0;             // of the minibatch; 0 in journals that do not say
  std::string what;
  std::vector<double> fisher;  // per layer
};
// An absent file is an empty journal; a line cut off at the end does not count.
std::vector<Record> read_journal(const std::string& path);
// Rank correlation.
double spearman(const std::vector<double>& a, const std::vector<double>& b);

// What a judge looks at: a number per candidate and seed, against the original of the same seed.
struct Statistic {
  const char *judge, *name;
  double (*of)(const Record& candidate, const Record& original);
  double threshold;  // of the judge's default
  bool per_image;    // times the images of a minibatch
};
const std::vector<Statistic>& statistics();

struct Journal {
  std::map<int, const Record*> original;                    // by seed
  std::map<int, std::map<int, const Record*>> candidates;   // those with all of the original's seeds
  int images = 16;
};
Journal sorted(const std::vector<Record>& records);
// Of one candidate, seed by seed, where it was measured.
std::vector<double> values(const Statistic& of, const Journal& journal, const std::map<int, const Record*>& candidate);
// The judge's answer from these seeds alone, undecided counting as no.
bool verdict(const Statistic& of, double threshold, const std::vector<double>& seeds);

// Per judge: deviation between seeds, between candidates, share of candidates whose verdict flips between the first and the
// second half of the seeds, correlation with the MAC ratio; then print_choice.
void print_statistics(const std::vector<Record>& records, std::ostream& out);
// Thresholds of conjunctions chosen on every second candidate, and what they do on the others.
void print_choice(const Journal& journal, std::ostream& out);

}  // namespace nasc
