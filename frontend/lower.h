// Graph -> Network: one Program per node, equal ones shared.
#pragma once

#include "frontend/instances.h"
#include "ir/network.h"

namespace nasc {

// Views (Reshape, Flatten, ...) are buffers that alias their source; where a graph output is a view of a computed
// value, the computed buffer aliases the output instead, so outputs are never aliases. An output that is a graph
// input, a constant or a second name of another output gets a copy Program. A value known only as extents
// (Shape of a symbolic tensor) gets a Program that writes them. Input must be inferred; the result verifies.
Network lower(const Graph& graph);
Network lower(const Graph& graph, Instances& instances);

}  // namespace nasc
