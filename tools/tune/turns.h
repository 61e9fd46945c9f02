// Times of things that run by turns, as they hold on a machine that does other things, too.
#pragma once

#include <cmath>
#include <cstddef>
#include <functional>
#include <vector>

namespace nasc {

struct TurnOptions {
  int rounds = 15;           // at least
  double agree = 0.05;       // the least times of three rounds lie this close together
  int most_rounds = 150;     // what does not agree then has no time
  double seconds = HUGE_VAL; // likewise; the rounds at least are always made
};
// The least of what `sample(k)` returns over rounds in which each k < count has one turn; 0 where
// even the three least do not agree: one lucky or unlucky round says nothing. The first round, of
// cold caches, does not count.
std::vector<double> least_by_turns(size_t count, const std::function<double(size_t)>& sample,
                                   const TurnOptions& options = {});

} // namespace nasc
