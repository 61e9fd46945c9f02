// Least-squares weights: the changed layers of a rewritten network made to answer like the original's.
#pragma once

#include <vector>

#include "legality/scores.h"

namespace nasc {

struct Fit {
  Network network;         // the candidate with fitted weights
  int layers = 0;          // that were fitted; others keep their weights
  double before = 0, after = 0;  // mean over these of |output - original's|^2 / |original's|^2, on the images of the fit
};
// Goes through the candidate's layers in order. A layer whose Program is not the original's of the same name, but whose
// output has the same shape, gets the weights (biases too) that bring its output, on what the fitted layers before give it,
// nearest to the original's: `iterations` of conjugate gradients (CGLS) from the weights it has, which few images do not
// overfit as the exact solution does. Whatever pieces a layer has, its forward and adjoint Programs are all that is used.
Fit fitted_weights(const Network& original, const Network& candidate, const std::vector<Minibatch>& data, int iterations = 12);

}  // namespace nasc
