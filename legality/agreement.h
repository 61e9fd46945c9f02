// How far two trained networks agree on the same images.
#pragma once

#include <vector>

#include "legality/scores.h"

namespace nasc {

// Forward runs of both with the weights that they have. Networks of one input, whose batch is that of the minibatches, and
// one output of class scores (logits or their Softmax).
Agreement compare_outputs(const Network& original, const Network& candidate, const std::vector<Minibatch>& data);

// The same, and again with weights fitted to the first third of the minibatches (fitting.h); both on the other two thirds,
// which the fit has not seen. The better of the two. Without a third to spare nothing is fitted.
Agreement best_agreement(const Network& original, const Network& candidate, const std::vector<Minibatch>& data);

}  // namespace nasc
