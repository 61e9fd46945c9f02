// Density estimates over decisions, for model-based search (TPE, BOHB).
#pragma once

#include "polyhedral/search/dna.h"

namespace nasc {

// The numbers of all nodes as variables: ranges in [0, 1], NaN where a node is not active.
struct KernelPoint {
  Dna dna;
  std::vector<double> row;
};
struct KernelSpace {
  explicit KernelSpace(const Space& space);
  KernelPoint point(Dna dna) const;
  const Space* space;
  std::vector<size_t> first;           // variable of a node's first number
  std::vector<const SpaceNode*> nodes; // by variable
  std::vector<double> counts;          // of values, by variable
};

// Kernels at `points`: per number, 1 - h where equal and h / (k - 1) elsewhere for categories;
// normal kernels for ranges on their scale. Bandwidths by the normal reference rule, at least
// `floor`. Numbers that are not active in a point are not there for its kernel: it spreads over all
// values.
class KernelDensity {
public:
  KernelDensity(const KernelSpace& space, std::vector<const KernelPoint*> points, double floor);
  double log_density(const KernelPoint& point) const;
  // A random kernel's point with each number kept with probability 1 - h, else drawn anew; ranges
  // from the normal kernel, `factor` times as wide.
  Dna sample(Rng& rng, double factor) const;

private:
  const KernelSpace* space_;
  std::vector<const KernelPoint*> points_;
  std::vector<double> bandwidth_;
};

} // namespace nasc
