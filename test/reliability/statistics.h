// Journals of scores, and what they say about seeds and candidates.
#pragma once

#include <iosfwd>
#include <string>
#include <vector>

namespace nasc {

struct Record {
  int candidate = 0, seed = 0;
  double macs = 0, parameters = 0, loss = 0, naswot = 0, jacov = 0;
  std::string what;
  std::vector<double> fisher;  // per layer
};
// An absent file is an empty journal; a line cut off at the end does not count.
std::vector<Record> read_journal(const std::string& path);
// Rank correlation.
double spearman(const std::vector<double>& a, const std::vector<double>& b);
// Per statistic of a candidate against the original of the same seed: deviation between seeds, between candidates, share
// of candidates whose verdict flips between the first and the second half of the seeds, correlation with the MAC ratio.
void print_statistics(const std::vector<Record>& records, std::ostream& out);

}  // namespace nasc
