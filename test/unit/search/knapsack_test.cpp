// Exact selection against brute force; the strategy `exact`.
#include "polyhedral/search/knapsack.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>

#include "ir/hash.h"
#include "polyhedral/search/strategy.h"
#include "test/unit/search/spaces.h"

using namespace nasc;

namespace {
using Groups = std::vector<std::vector<KnapsackItem>>;

// Costs of all selections within the limits, sorted.
std::vector<double> brute_force(const Groups& groups, const std::vector<double>& limits) {
  std::vector<double> costs;
  std::vector<size_t> pick(groups.size(), 0);
  while (true) {
    std::vector<double> sum(1 + limits.size(), 0);
    for (size_t g = 0; g < groups.size(); ++g)
      for (size_t m = 0; m < sum.size(); ++m)
        sum[m] += groups[g][pick[g]].metrics[m];
    bool fits = true;
    for (size_t j = 0; j < limits.size(); ++j)
      fits &= sum[1 + j] <= limits[j];
    if (fits)
      costs.push_back(sum[0]);
    size_t g = 0;
    while (g < groups.size() && ++pick[g] == groups[g].size())
      pick[g++] = 0;
    if (g == groups.size())
      break;
  }
  std::sort(costs.begin(), costs.end());
  return costs;
}

// Latencies and sensitivities: what costs less loses more, with noise; some limits are negative.
Groups random_groups(Rng& rng, size_t n, size_t limits, bool ties) {
  Groups out(n);
  for (auto& group : out)
    for (size_t a = 0, k = 2 + rng.below(6); a < k; ++a) {
      KnapsackItem x;
      double u = ties ? static_cast<double>(rng.below(4)) / 4 : rng.uniform();
      x.metrics.push_back(1 + u);
      for (size_t j = 0; j < limits; ++j)
        x.metrics.push_back(ties ? static_cast<double>(rng.below(3)) - 1
                                 : 1 - u + 0.5 * rng.uniform() - 0.4);
      group.push_back(x);
    }
  return out;
}
} // namespace

TEST_CASE("knapsack: equals brute force on six layers, all of the best ten") {
  Rng rng(20);
  for (int trial = 0; trial < 300; ++trial) {
    size_t limits = rng.below(3);
    Groups groups = random_groups(rng, 6, limits, trial % 2);
    std::vector<double> bounds;
    for (size_t j = 0; j < limits; ++j)
      bounds.push_back(trial % 2 ? static_cast<double>(rng.below(5)) - 2 : 4 * rng.uniform() - 0.5);
    size_t count = 1 + rng.below(10);
    std::vector<double> wanted = brute_force(groups, bounds);
    wanted.resize(std::min(wanted.size(), count));
    KnapsackResult result = solve_knapsack(groups, bounds, count);
    CAPTURE(trial, limits, count);
    CHECK(result.exact);
    REQUIRE(result.best.size() == wanted.size());
    for (size_t i = 0; i < wanted.size(); ++i) {
      CHECK(result.best[i].sum[0] == Approx(wanted[i]).margin(1e-12));
      for (size_t j = 0; j < limits; ++j)
        CHECK(result.best[i].sum[1 + j] <= bounds[j]);
      for (size_t other = 0; other < i; ++other)
        CHECK(result.best[i].pick != result.best[other].pick);
    }
  }
}

TEST_CASE("knapsack: forty layers of twenty alternatives are exact and quick") {
  Rng rng(21);
  Groups groups;
  std::vector<std::vector<KnapsackItem>> classes = random_groups(rng, 10, 1, false);
  for (auto& c : classes)
    while (c.size() < 20)
      c.push_back({{1 + rng.uniform(), rng.uniform()}});
  for (size_t g = 0; g < 40; ++g) // repeated classes: many equal sums
    groups.push_back(classes[g % classes.size()]);
  KnapsackResult result = solve_knapsack(groups, {8}, 16);
  CHECK(result.exact);
  CHECK(result.best.size() == 16);
  CHECK(std::is_sorted(result.best.begin(), result.best.end(),
                       [](const auto& a, const auto& b) { return a.sum[0] < b.sum[0]; }));
  CHECK(result.states < 20'000);
}

TEST_CASE("knapsack: what cannot be met has no answer") {
  CHECK(solve_knapsack({{{{1, 5}}}, {{{1, 5}}}}, {9}).best.empty());
  CHECK(solve_knapsack({{}}, {}).best.empty());
  CHECK(solve_knapsack({{{{1, 5}}}, {{{1, 5}}}}, {10}).best.size() == 1);
}

TEST_CASE("Strategy: exact proposes the best selections of a space of six layers first") {
  std::vector<SpaceLayer> layers;
  for (int i = 0; i < 6; ++i)
    layers.push_back(conv_layer("c" + std::to_string(i), 16 << (i % 3), 32, 3, i));
  Space space = bound("on conv { n = oneof(keep, group(by=oneof(2, 4)), f(), g()) }", layers);
  StrategyContext c;
  c.space = &space;
  auto metrics = [](size_t group, const std::vector<double>& v) {
    Rng rng(hash_bytes(v.data(), v.size() * sizeof(double), group + 1));
    double latency = rng.uniform(), loss = v[0] == 0 ? 0 : rng.uniform();
    return std::vector<double>{latency, loss};
  };
  c.additive = metrics;
  c.limits = {0.8};
  // Brute force over the whole space.
  std::vector<std::pair<double, Dna>> all;
  Dna dna = first_dna(space);
  do {
    std::vector<double> sum(2, 0);
    size_t group = 0;
    for (const Site& s : sites(space, dna)) {
      if (s.at != 0 && space.nodes[s.node].group == static_cast<int>(group))
        continue;
      group = static_cast<size_t>(space.nodes[s.node].group);
      auto m = metrics(group, {dna.values.begin() + static_cast<long>(s.at),
                               dna.values.begin() + static_cast<long>(s.end)});
      sum[0] += m[0], sum[1] += m[1];
    }
    if (sum[1] <= 0.8)
      all.emplace_back(sum[0], dna);
  } while (advance(space, dna));
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  auto exact = make(parse_strategy("exact:top=20"), c);
  for (size_t i = 0; i < 20; ++i) {
    auto p = exact->propose();
    REQUIRE(p.has_value());
    CHECK(p->dna == all[i].second);
  }
  CHECK_FALSE(exact->propose().has_value());
}
