// A probability per value of each decision: logits, sampling, hierarchical log-probability,
// gradient.
#pragma once

#include "polyhedral/search/dna.h"

namespace nasc {

// Independent categorical decisions; ranges are cut into `bins` values. Decisions that are not
// active contribute nothing. A distinct pick renormalises over what is left; a sorted one is taken
// to have been drawn in its order.
struct Policy {
  Policy(const Space& space, int bins);
  const Space* space;
  int bins;
  std::vector<std::vector<double>> logits; // by node: slots x values
  Dna sample(Rng& rng) const;
  double log_probability(const Dna& dna) const;
  // d log p / d logits, added to `into` (of the shape of logits) times `factor`.
  void add_gradient(const Dna& dna, double factor, std::vector<std::vector<double>>& into) const;
};

} // namespace nasc
