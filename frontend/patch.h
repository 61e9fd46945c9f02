// A Graph with its convolutions replaced as a GraphPatch says.
#pragma once

#include "ir/graph_patch.h"

namespace nasc {

// The Graph must be the one that the patched Network was lowered from. A part becomes Slice, Gather, Conv and Resize
// nodes, as far as it needs them; parts are put together by Concat nodes. Throws UserError unsupported_op when
// the Graph's opset lacks these and cannot be raised, InternalError when parts lie across each other.
Graph patched(Graph graph, const GraphPatch& patch);

}  // namespace nasc
