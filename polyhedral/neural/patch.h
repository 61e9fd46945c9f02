// The Graph patch of neural steps.
#pragma once

#include "ir/graph_patch.h"
#include "ir/network.h"

namespace nasc {

// `after` came out of `before` by neural steps alone: call by call the same, in the same order. Refusals: too-many-pieces,
// symbolic-extent.
Expected<GraphPatch> graph_patch(const Network& before, const Network& after);

}  // namespace nasc
