// How far two trained networks agree on the same images.
#pragma once

#include <vector>

#include "legality/scores.h"

namespace nasc {

// Forward runs of both with the weights that they have. Networks of one input, whose batch is that of the minibatches, and
// one output of class scores (logits or their Softmax).
Agreement compare_outputs(const Network& original, const Network& candidate, const std::vector<Minibatch>& data);

}  // namespace nasc
