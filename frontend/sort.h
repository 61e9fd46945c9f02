// Order of nodes.
#pragma once

#include "ir/graph.h"

namespace nasc {

// Nodes so that producers come first; the order of the file where it is good already. Throws UserError bad_graph that
// names a node of a cycle.
void sort_nodes(Graph& graph);

}  // namespace nasc
