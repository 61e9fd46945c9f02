// Softmax per slot.
#include "polyhedral/search/policy.h"

#include <algorithm>
#include <cmath>

namespace nasc {
namespace {

// The values that the numbers of a node take in the policy.
std::vector<double> values_of(const SpaceNode& n, int bins) {
  if (n.is_range())
    return range_values(*n.choice, bins);
  if (n.is_subset())
    return {0, 1};
  return {n.options.begin(), n.options.end()};
}
size_t nearest_value(const std::vector<double>& values, double x) {
  size_t best = 0;
  for (size_t i = 1; i < values.size(); ++i)
    if (std::abs(values[i] - x) < std::abs(values[best] - x))
      best = i;
  return best;
}

struct Slot {
  const double* logits;
  const std::vector<double>* values;
  std::vector<double> p; // probabilities; 0 for what was taken before
};

void softmax(Slot& slot, const std::vector<char>& taken) {
  size_t n = slot.values->size();
  slot.p.assign(n, 0);
  double top = -1e300, sum = 0;
  for (size_t i = 0; i < n; ++i)
    if (!taken[i])
      top = std::max(top, slot.logits[i]);
  for (size_t i = 0; i < n; ++i)
    if (!taken[i])
      sum += slot.p[i] = portable_exp(slot.logits[i] - top);
  for (double& p : slot.p)
    p /= sum;
}

// Slots of a node in order, with probabilities given the picks before; `pick` gives each value
// index.
template <class Pick> void each_slot(const Policy& policy, int id, const Pick& pick) {
  const SpaceNode& n = policy.space->nodes[id];
  std::vector<double> values = values_of(n, policy.bins);
  std::vector<char> taken(values.size(), 0);
  bool distinct = n.choice->distinct && !n.is_subset() && !n.is_range();
  for (size_t s = 0; s < n.arity(); ++s) {
    Slot slot{policy.logits[id].data() + s * values.size(), &values, {}};
    softmax(slot, taken);
    size_t chosen = pick(s, slot);
    if (distinct)
      taken[chosen] = 1;
  }
}
} // namespace

Policy::Policy(const Space& s, int b) : space(&s), bins(b) {
  for (const SpaceNode& n : s.nodes)
    logits.emplace_back(n.arity() * values_of(n, b).size(), 0.0);
}

Dna Policy::sample(Rng& rng) const {
  return walked(*space, [&](int id, std::vector<double>& out) {
    size_t start = out.size();
    each_slot(*this, id, [&](size_t, const Slot& slot) {
      double u = rng.uniform();
      size_t last = 0;
      for (size_t i = 0; i < slot.p.size(); ++i) {
        if (slot.p[i] == 0)
          continue;
        last = i;
        if ((u -= slot.p[i]) < 0)
          break;
      }
      out.push_back((*slot.values)[last]);
      return last;
    });
    const SpaceNode& n = space->nodes[id];
    if (n.choice->sorted && !n.is_subset() && !n.is_range())
      std::sort(out.begin() + static_cast<long>(start), out.end());
  });
}

double Policy::log_probability(const Dna& dna) const {
  double sum = 0;
  for (const Site& site : sites(*space, dna))
    each_slot(*this, site.node, [&](size_t s, const Slot& slot) {
      size_t i = nearest_value(*slot.values, dna.values[site.at + s]);
      sum += portable_log(slot.p[i]);
      return i;
    });
  return sum;
}

void Policy::add_gradient(const Dna& dna, double factor,
                          std::vector<std::vector<double>>& into) const {
  for (const Site& site : sites(*space, dna))
    each_slot(*this, site.node, [&](size_t s, const Slot& slot) {
      size_t chosen = nearest_value(*slot.values, dna.values[site.at + s]);
      double* g = into[site.node].data() + s * slot.p.size();
      for (size_t i = 0; i < slot.p.size(); ++i)
        g[i] += factor * ((i == chosen) - slot.p[i]);
      return chosen;
    });
}

} // namespace nasc
