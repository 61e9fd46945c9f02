// Product kernels, as in statsmodels' KDEMultivariate with BOHB's rules.
#include "polyhedral/search/kernel_density.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace nasc {
namespace {
constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

} // namespace

KernelSpace::KernelSpace(const Space& s) : space(&s) {
  for (const SpaceNode& n : s.nodes) {
    first.push_back(nodes.size());
    nodes.insert(nodes.end(), n.arity(), &n);
    counts.insert(counts.end(), n.arity(), n.count());
  }
}

KernelPoint KernelSpace::point(Dna dna) const {
  KernelPoint out{std::move(dna), std::vector<double>(nodes.size(), kNone)};
  for (const Site& s : sites(*space, out.dna)) {
    const SpaceNode& n = space->nodes[s.node];
    for (size_t i = 0; i < n.arity(); ++i) {
      double x = out.dna.values[s.at + i];
      out.row[first[s.node] + i] = n.is_range() ? to_unit(*n.choice, x) : x;
    }
  }
  return out;
}

KernelDensity::KernelDensity(const KernelSpace& space, std::vector<const KernelPoint*> points,
                             double floor)
    : space_(&space), points_(std::move(points)) {
  double n = static_cast<double>(points_.size()), d = static_cast<double>(space.nodes.size());
  double rule = 1.059 * portable_pow(n, -1 / (4 + d));
  for (size_t v = 0; v < space.nodes.size(); ++v) {
    double sum = 0, square = 0, count = 0;
    for (const KernelPoint* p : points_)
      if (double x = p->row[v]; !std::isnan(x))
        sum += x, square += x * x, ++count;
    double mean = count ? sum / count : 0;
    double spread = count ? std::sqrt(std::max(0.0, square / count - mean * mean)) : 0;
    double k = space.counts[v];
    double most = space.nodes[v]->is_range() ? 1e9 : k > 1 ? (k - 1) / k : 0;
    bandwidth_.push_back(std::min(most, std::max(floor, rule * spread)));
  }
}

double KernelDensity::log_density(const KernelPoint& at) const {
  const std::vector<double>& x = at.row;
  double sum = 0;
  for (const KernelPoint* point : points_) {
    const std::vector<double>& r = point->row;
    double p = 1;
    for (size_t v = 0; v < x.size(); ++v) {
      double h = bandwidth_[v], k = space_->counts[v];
      if (std::isnan(x[v]))
        continue;
      if (space_->nodes[v]->is_range()) {
        double z = std::isnan(r[v]) ? 0 : (x[v] - r[v]) / h;
        p *= std::isnan(r[v]) ? 1 : portable_exp(-z * z / 2) / (h * 2.5066282746310002);
      } else if (std::isnan(r[v]) || k < 2) {
        p /= k;
      } else {
        p *= x[v] == r[v] ? 1 - h : h / (k - 1);
      }
    }
    sum += p;
  }
  double n = static_cast<double>(std::max<size_t>(points_.size(), 1));
  return portable_log(std::max(sum / n, 1e-300));
}

Dna KernelDensity::sample(Rng& rng, double factor) const {
  const Dna& centre = points_[rng.below(points_.size())]->dna;
  const Space& space = *space_->space;
  std::vector<size_t> at(space.nodes.size(), std::numeric_limits<size_t>::max());
  for (const Site& s : sites(space, centre))
    at[s.node] = s.at;
  return walked(space, [&](int id, std::vector<double>& out) {
    const SpaceNode& n = space.nodes[id];
    bool active = at[id] != std::numeric_limits<size_t>::max();
    double h = bandwidth_[space_->first[id]];
    if (active && n.is_range()) {
      double u = to_unit(*n.choice, centre.values[at[id]]), moved = -1;
      for (int tries = 0; tries < 32 && (moved < 0 || moved > 1); ++tries)
        moved = u + factor * h * rng.normal();
      out.push_back(from_unit(*n.choice, std::clamp(moved, 0.0, 1.0)));
    } else if (active && (n.arity() == 1 || n.is_subset())) {
      for (size_t i = 0; i < n.arity(); ++i) {
        double old = centre.values[at[id] + i];
        bool keep = rng.uniform() < 1 - h;
        double other = n.is_subset() ? static_cast<double>(rng.below(2))
                                     : n.options[rng.below(n.options.size())];
        out.push_back(keep ? old : other);
      }
    } else if (active && rng.uniform() < 1 - h) {
      out.insert(out.end(), centre.values.begin() + static_cast<long>(at[id]),
                 centre.values.begin() + static_cast<long>(at[id] + n.arity()));
    } else {
      draw(n, rng, out);
    }
  });
}

} // namespace nasc
