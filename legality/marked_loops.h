// The loops of a schedule whose iterations run at the same time.
#pragma once

#include <string>
#include <vector>

#include "polyhedral/schedule.h"

namespace nasc {

struct MarkedLoop {
  std::string name;
  bool vector = false; // vectorize, else parallel
  int depth = 0;       // bands above it
  isl::union_map time; // { S[i..] -> [t0, .., t_depth] }: the bands above, then this one; instances
                       // that reach it
};
std::vector<MarkedLoop> marked_loops(const Schedule& schedule);

} // namespace nasc
