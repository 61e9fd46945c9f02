// Between spaces and models: layers that selectors ask about, and steps of a decoded Dna.
#pragma once

#include "ir/network.h"
#include "polyhedral/plan.h"
#include "polyhedral/search/decode.h"

namespace nasc {

// The convolutions that neural steps can name, with all attributes of layer_attributes() that
// apply; `cut` is the largest of 16, 8, 4, 2 by which the output channels may be divided, else 1.
std::vector<SpaceLayer> space_layers(const Network& network, int64_t lanes);

// Steps for the network section of a plan, in order. Throws UserError bad_plan for what is no step.
std::vector<Step> network_steps(const Decoded& decoded);

} // namespace nasc
