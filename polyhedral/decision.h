// Decision: a point where the scheduler chooses among ways to compute the same, open to searches and records.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace nasc {

struct Alternative {
  std::string text;   // `rows=4 vectors=3 outer=matrix parallel=y2 chunk=8 step=4`, `f2`: its name among the others
  double cycles = 0;  // predicted, of one core
};

struct Decision {
  std::string kind;    // "winograd": the algorithm of a convolution; "tile": the loops of a contraction
  std::string key;     // canonical text of the Program it is about, without what is decided
  std::string kernel;  // the Program's name, for people
  int program = 0;     // in the Network at the time of asking
  std::vector<Alternative> alternatives;  // the analytic choice first, then by predicted time
};
// Which alternative to take, as an index. Asked more than once about one key, it gives the same answer.
using Decide = std::function<size_t(const Decision&)>;

}  // namespace nasc
