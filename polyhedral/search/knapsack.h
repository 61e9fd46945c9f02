// Exact selection of one alternative per group under limits on sums: multiple-choice knapsack.
#pragma once

#include <cstddef>
#include <vector>

namespace nasc {

// metrics[0] is minimised; the others are limited. Any sign.
struct KnapsackItem {
  std::vector<double> metrics;
};
struct KnapsackPick {
  std::vector<int> pick;   // per group, an index of its alternatives
  std::vector<double> sum; // metrics
};
struct KnapsackResult {
  std::vector<KnapsackPick> best; // up to `count`, by rising cost
  bool exact = true;              // false: states were cut at `max_states`
  size_t states = 0;              // largest number kept after a group
};
// The `count` cheapest selections whose sums of metric 1 + j are at most limits[j]. Group by group
// partial sums are extended; those are dropped that `count` others dominate, that cannot meet the
// limits, or whose bound (cost so far and the linear relaxation of the rest) is above `count` known
// selections. Groups without alternatives make it infeasible.
KnapsackResult solve_knapsack(const std::vector<std::vector<KnapsackItem>>& groups,
                              const std::vector<double>& limits, size_t count = 1,
                              size_t max_states = 100'000);

} // namespace nasc
