// Rounds of turns until their least times agree.
#include "tools/tune/turns.h"

#include <algorithm>
#include <chrono>

namespace nasc {

std::vector<double> least_by_turns(size_t count, const std::function<double(size_t)>& sample,
                                   const TurnOptions& o) {
  constexpr size_t kAgreeing = 3;
  auto begin = std::chrono::steady_clock::now();
  std::vector<std::vector<double>> least(count); // ascending
  auto agrees = [&](const std::vector<double>& times) {
    return times.size() == kAgreeing && times.back() <= times.front() * (1 + o.agree);
  };
  for (int round = 0; round <= o.most_rounds; ++round) {
    double spent = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    if (round > o.rounds && (spent > o.seconds || std::all_of(least.begin(), least.end(), agrees)))
      break;
    for (size_t k = 0; k < count; ++k) {
      double time = sample(k);
      if (round == 0)
        continue;
      least[k].insert(std::upper_bound(least[k].begin(), least[k].end(), time), time);
      least[k].resize(std::min(least[k].size(), kAgreeing));
    }
  }
  std::vector<double> out;
  for (const auto& times : least)
    out.push_back(agrees(times) ? times.front() : 0);
  return out;
}

} // namespace nasc
