// Parsing and asking lists of judges.
#include "ir/registry.h"
#include "legality/conjunction.h"

#include <algorithm>

namespace nasc {

// Judges whose answers survive a change of seeds (69 grouped and narrowed candidates of ResNet-20 for CIFAR-10, 24 seeds, 16
// images; test/reliability): between two halves of the seeds naswot changes its answer for 1 % of candidates and
// fisher:median for none, where fisher against 0.9 does for 45 %. naswot tells candidates apart (it deviates six times as
// much between candidates as between seeds); the Fisher Potential of drawn weights does not, and stands as a guard against
// collapse; capacity is free.
const char kDefaultLegality[] = "capacity,naswot,fisher:median";

std::vector<const Judge*> parse_legality(const std::string& list) {
  std::vector<const Judge*> out;
  for (size_t at = 0; at <= list.size();) {
    size_t end = std::min(list.find(',', at), list.size());
    std::string word = list.substr(at, end - at);
    at = end + 1;
    const Judge* judge = find_registered<Judge>(word);
    if (!judge) {
      std::vector<std::string> names;
      for (const Judge* j : all_registered<Judge>()) names.push_back(j->name);
      std::string near = nearest(word, names);
      throw UserError(code::usage, "--legality", "no judge is called '" + escaped(word) + "'" + (near.empty() ? "" : ", did you mean '" + near + "'?"));
    }
    if (std::find(out.begin(), out.end(), judge) == out.end()) out.push_back(judge);
  }
  return out;
}

std::vector<NamedVerdict> judge_all(const std::vector<const Judge*>& judges, const Subject& subject) {
  std::vector<NamedVerdict> out;
  for (const Judge* j : judges) {
    out.push_back({j->name, j->judge(subject)});
    if (!out.back().verdict.allowed()) break;
  }
  return out;
}

bool allowed(const std::vector<NamedVerdict>& verdicts) {
  return std::all_of(verdicts.begin(), verdicts.end(), [](const NamedVerdict& v) { return v.verdict.allowed(); });
}

}  // namespace nasc
