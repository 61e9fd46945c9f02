// Textbook definitions; hypervolume by slicing the last objective.
#include "polyhedral/search/pareto.h"

#include <algorithm>
#include <limits>

namespace nasc {

bool dominates(const Outcome& a, const Outcome& b) {
  if (a.usable() != b.usable())
    return a.usable();
  if (!a.usable() || a.violation != b.violation)
    return a.usable() && a.violation < b.violation;
  bool somewhere = false;
  for (size_t i = 0; i < a.objectives.size(); ++i) {
    if (a.objectives[i] > b.objectives[i])
      return false;
    somewhere |= a.objectives[i] < b.objectives[i];
  }
  return somewhere;
}

std::vector<int> pareto_ranks(const std::vector<Outcome>& all) {
  std::vector<int> rank(all.size(), -1), dominators(all.size(), 0);
  std::vector<std::vector<size_t>> below(all.size());
  std::vector<size_t> front;
  for (size_t i = 0; i < all.size(); ++i)
    for (size_t j = 0; j < all.size(); ++j)
      if (dominates(all[i], all[j]))
        below[i].push_back(j), ++dominators[j];
  for (size_t i = 0; i < all.size(); ++i)
    if (dominators[i] == 0)
      front.push_back(i);
  for (int r = 0; !front.empty(); ++r) {
    std::vector<size_t> next;
    for (size_t i : front) {
      rank[i] = r;
      for (size_t j : below[i])
        if (--dominators[j] == 0)
          next.push_back(j);
    }
    front = std::move(next);
  }
  return rank;
}

std::vector<size_t> pareto_front(const std::vector<Outcome>& all) {
  std::vector<size_t> out;
  for (size_t i = 0; i < all.size(); ++i)
    if (all[i].usable() && std::none_of(all.begin(), all.end(), [&](const Outcome& other) {
          return dominates(other, all[i]);
        }))
      out.push_back(i);
  std::stable_sort(out.begin(), out.end(),
                   [&](size_t a, size_t b) { return all[a].objectives[0] < all[b].objectives[0]; });
  return out;
}

std::vector<double> crowding(const std::vector<Outcome>& all, const std::vector<size_t>& members) {
  std::vector<double> out(members.size(), 0);
  if (members.empty() || !all[members[0]].usable())
    return out;
  for (size_t m = 0; m < all[members[0]].objectives.size(); ++m) {
    std::vector<size_t> order(members.size());
    for (size_t i = 0; i < order.size(); ++i)
      order[i] = i;
    auto value = [&](size_t i) { return all[members[order[i]]].objectives[m]; };
    std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
      return all[members[a]].objectives[m] < all[members[b]].objectives[m];
    });
    double range = value(order.size() - 1) - value(0);
    out[order.front()] = out[order.back()] = std::numeric_limits<double>::infinity();
    for (size_t i = 1; range > 0 && i + 1 < order.size(); ++i)
      out[order[i]] += (value(i + 1) - value(i - 1)) / range;
  }
  return out;
}

namespace {
// Points inside the reference, each with `dimensions` objectives left to slice.
double volume(std::vector<std::vector<double>> points, const std::vector<double>& reference,
              size_t dimensions) {
  if (points.empty())
    return 0;
  if (dimensions == 1) {
    double low = reference[0];
    for (const auto& p : points)
      low = std::min(low, p[0]);
    return reference[0] - low;
  }
  size_t last = dimensions - 1;
  std::sort(points.begin(), points.end(),
            [&](const auto& a, const auto& b) { return a[last] < b[last]; });
  double sum = 0;
  std::vector<std::vector<double>> active;
  for (size_t i = 0; i < points.size(); ++i) {
    active.push_back(points[i]);
    double next = i + 1 < points.size() ? points[i + 1][last] : reference[last];
    if (next > points[i][last])
      sum += (next - points[i][last]) * volume(active, reference, last);
  }
  return sum;
}
} // namespace

double hypervolume(const std::vector<Outcome>& all, const std::vector<double>& reference) {
  std::vector<std::vector<double>> points;
  for (size_t i : pareto_front(all)) {
    const auto& p = all[i].objectives;
    bool inside = all[i].violation <= 0;
    for (size_t m = 0; m < reference.size(); ++m)
      inside &= p[m] < reference[m];
    if (inside)
      points.push_back(p);
  }
  return volume(std::move(points), reference, reference.size());
}

} // namespace nasc
