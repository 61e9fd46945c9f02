// Merging of partial selections with bounds from the convex hulls of the groups to come.
#include "polyhedral/search/knapsack.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

namespace nasc {
namespace {
constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr size_t kCompared = 512;

struct State {
  std::vector<double> sum;
  int parent = -1, pick = -1;
  double bound = 0;
};

// Least cost of groups [g, end) for an allowance of one limited metric, as a convex piecewise
// linear function: the sum of the lower hulls. Start at the least use, then segments by falling
// gain.
struct Relaxation {
  double least_use = 0, cost_at_least = 0;         // below least_use: infeasible
  std::vector<std::pair<double, double>> segments; // (use, saving), saving per use falls
  double cost(double allowance) const {
    double slack = 1e-9 * (std::abs(allowance) + std::abs(least_use));
    if (allowance < least_use - slack)
      return kInfinity;
    double left = std::max(0.0, allowance - least_use), cost = cost_at_least;
    for (const auto& [use, saving] : segments) {
      double part = std::min(1.0, left / use);
      cost -= part * saving;
      left -= part * use;
      if (part < 1)
        break;
    }
    return cost;
  }
};

// Adds a group's hull over (use of metric m, cost).
Relaxation with_group(Relaxation rest, const std::vector<KnapsackItem>& group, size_t m) {
  std::vector<std::pair<double, double>> points, hull;
  for (const KnapsackItem& a : group)
    points.emplace_back(a.metrics[m], a.metrics[0]);
  std::sort(points.begin(), points.end());
  for (const auto& p : points) {
    if (!hull.empty() && p.second >= hull.back().second)
      continue; // more use and no less cost
    auto slope = [](const auto& a, const auto& b) {
      return (a.second - b.second) / (b.first - a.first);
    };
    while (!hull.empty() && hull.back().first == p.first)
      hull.pop_back();
    while (hull.size() > 1 && slope(hull.back(), p) >= slope(hull[hull.size() - 2], hull.back()))
      hull.pop_back();
    hull.push_back(p);
  }
  rest.least_use += hull[0].first;
  rest.cost_at_least += hull[0].second;
  for (size_t i = 1; i < hull.size(); ++i)
    rest.segments.emplace_back(hull[i].first - hull[i - 1].first,
                               hull[i - 1].second - hull[i].second);
  std::sort(rest.segments.begin(), rest.segments.end(),
            [](const auto& a, const auto& b) { return a.second * b.first > b.second * a.first; });
  return rest;
}

struct Solver {
  const std::vector<std::vector<KnapsackItem>>& groups;
  const std::vector<double>& limits;
  size_t count, max_states;
  // relaxed[g][j]: groups from g on, limit j; one without limits has the least cost alone.
  std::vector<std::vector<Relaxation>> relaxed;
  std::vector<double> least_cost;
  std::multiset<double> known; // costs of the `count` best complete selections found
  std::vector<std::vector<State>> layers;
  KnapsackResult result;

  double incumbent() const { return known.size() < count ? kInfinity : *known.rbegin(); }

  double rest_bound(const State& s, size_t g) const {
    double bound = least_cost[g];
    for (size_t j = 0; j < limits.size(); ++j)
      bound = std::max(bound, relaxed[g][j].cost(limits[j] - s.sum[1 + j]));
    return bound;
  }

  void prepare() {
    size_t n = groups.size();
    relaxed.assign(n + 1, std::vector<Relaxation>(limits.size()));
    least_cost.assign(n + 1, 0);
    for (size_t g = n; g-- > 0;) {
      double least = kInfinity;
      for (const KnapsackItem& a : groups[g])
        least = std::min(least, a.metrics[0]);
      least_cost[g] = least_cost[g + 1] + least;
      for (size_t j = 0; j < limits.size(); ++j)
        relaxed[g][j] = with_group(relaxed[g + 1][j], groups[g], 1 + j);
    }
  }

  std::vector<State> extended(const std::vector<State>& from, size_t g) const {
    std::vector<State> out;
    double top = incumbent();
    for (size_t i = 0; i < from.size(); ++i)
      for (size_t a = 0; a < groups[g].size(); ++a) {
        State s{from[i].sum, static_cast<int>(i), static_cast<int>(a), 0};
        for (size_t m = 0; m < s.sum.size(); ++m)
          s.sum[m] += groups[g][a].metrics[m];
        double rest = rest_bound(s, g + 1);
        s.bound = s.sum[0] + rest;
        if (rest < kInfinity && s.bound <= top + 1e-9 * std::abs(top))
          out.push_back(std::move(s));
      }
    std::sort(out.begin(), out.end(), [](const State& a, const State& b) { return a.sum < b.sum; });
    return out;
  }

  // Of states by rising cost, those that fewer than `count` others dominate.
  std::vector<State> undominated(std::vector<State> sorted) const {
    std::vector<State> out;
    std::multiset<double> least; // with one limit: the `count` least uses so far
    for (State& s : sorted) {
      size_t dominators = 0;
      if (limits.empty()) {
        dominators = out.size();
      } else if (limits.size() == 1) {
        if (least.size() >= count && *std::prev(least.end()) <= s.sum[1])
          continue;
        least.insert(s.sum[1]);
        if (least.size() > count)
          least.erase(std::prev(least.end()));
      } else {
        // Some comparisons are enough: a dominated state that stays costs time, not exactness.
        for (size_t i = out.size(); i > 0 && out.size() - i < kCompared && dominators < count; --i)
          dominators += std::equal(s.sum.begin() + 1, s.sum.end(), out[i - 1].sum.begin() + 1,
                                   [](double mine, double other) { return other <= mine; });
      }
      if (dominators < count)
        out.push_back(std::move(s));
    }
    return out;
  }

  // Complete selections reached greedily from the states of least bound, to have an incumbent
  // early.
  void dive(const std::vector<State>& states, size_t g) {
    std::vector<size_t> order(states.size());
    for (size_t i = 0; i < order.size(); ++i)
      order[i] = i;
    size_t tries = std::min<size_t>(order.size(), count + 4);
    std::partial_sort(order.begin(), order.begin() + static_cast<long>(tries), order.end(),
                      [&](size_t a, size_t b) { return states[a].bound < states[b].bound; });
    std::multiset<double> costs;
    for (size_t t = 0; t < tries; ++t) {
      State s = states[order[t]];
      for (size_t next = g; next < groups.size(); ++next) {
        State best;
        double best_bound = kInfinity;
        for (const KnapsackItem& a : groups[next]) {
          State e = s;
          for (size_t m = 0; m < e.sum.size(); ++m)
            e.sum[m] += a.metrics[m];
          double bound = e.sum[0] + rest_bound(e, next + 1);
          if (bound < best_bound)
            best_bound = bound, best = e;
        }
        if (best_bound == kInfinity)
          break;
        s = best;
        if (next + 1 == groups.size())
          costs.insert(s.sum[0]);
      }
    }
    // Distinct states lead to distinct selections, so these are `count` different ones.
    std::multiset<double> merged = costs;
    while (merged.size() > count)
      merged.erase(std::prev(merged.end()));
    if (merged.size() == count && *merged.rbegin() < incumbent())
      known = merged;
  }

  KnapsackResult solve() {
    for (const auto& group : groups)
      if (group.empty())
        return result;
    prepare();
    layers.push_back({State{std::vector<double>(1 + limits.size(), 0), -1, -1, 0}});
    for (size_t g = 0; g < groups.size(); ++g) {
      std::vector<State> next = undominated(extended(layers.back(), g));
      if (next.size() > max_states) { // the most promising; the answer may no longer be the best
        std::nth_element(next.begin(), next.begin() + static_cast<long>(max_states), next.end(),
                         [](const State& a, const State& b) { return a.bound < b.bound; });
        next.resize(max_states);
        std::sort(next.begin(), next.end(),
                  [](const State& a, const State& b) { return a.sum < b.sum; });
        result.exact = false;
      }
      result.states = std::max(result.states, next.size());
      if (g + 1 < groups.size())
        dive(next, g + 1);
      layers.push_back(std::move(next));
    }
    const auto& last = layers.back();
    for (size_t i = 0; i < last.size() && result.best.size() < count; ++i) {
      KnapsackPick s{std::vector<int>(groups.size()), last[i].sum};
      int at = static_cast<int>(i);
      for (size_t g = groups.size(); g-- > 0;) {
        const State& state = layers[g + 1][static_cast<size_t>(at)];
        s.pick[g] = state.pick;
        at = state.parent;
      }
      result.best.push_back(std::move(s));
    }
    return result;
  }
};
} // namespace

KnapsackResult solve_knapsack(const std::vector<std::vector<KnapsackItem>>& groups,
                              const std::vector<double>& limits, size_t count, size_t max_states) {
  return Solver{groups, limits, count, max_states, {}, {}, {}, {}, {}}.solve();
}

} // namespace nasc
