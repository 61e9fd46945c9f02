// Parsing and asking lists of judges.
#include "ir/registry.h"
#include "legality/conjunction.h"

#include <algorithm>

namespace nasc {

// Judges whose answers survive a change of seeds (69 grouped and narrowed candidates of ResNet-20 for CIFAR-10, 24 seeds, 16
// images; test/reliability chooses thresholds on every second candidate and reports on the others). With the thresholds of
// JudgeOptions the conjunction answers differently from two halves of the seeds for 2.9 % of the one half of the candidates
// and 0.0 % of the other, and accepts 67 % and 65 %.
// naswot tells candidates apart (it deviates six times as much between candidates as between seeds); every threshold from
// 0.02 to 0.125 per image flips for at most 6 % on either half, so reliability does not decide which: 1/16 it stays.
// The total Fisher Potential flips for 45 %. Its median over layers at 0.8 flips for none, but accepts all of them: it is a
// guard against collapse, and at 0.9 it flips for 35 to 40 % and says little more than chance. The form that does tell
// candidates apart, the deviation over layers of the log ratios (halves of the seeds rank candidates alike, 0.88), has a
// scale of its own in each network (0.23 here, 0.12 in ResNet-34), so no threshold fits all, and follows the MACs (0.94).
// capacity is free.
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
