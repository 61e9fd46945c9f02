// Control flow that is known at compile time becomes straight nodes.
#pragma once

#include <deque>
#include <set>

#include "ir/graph.h"

namespace nasc {

// The nodes of `body` with its inputs bound to `inputs` and its outputs written to `outputs` (-1: not needed), in order.
std::vector<Node> inlined(Graph& graph, const Node& node, const Graph& body, const std::vector<ValueId>& inputs,
                          const std::vector<ValueId>& outputs);

// If with a constant condition becomes its branch; with another one, both branches and a Where for each output, whose
// ids go to `selects` (the branches must have equal shapes). Loop with constant trip count and condition is unrolled.
// The new nodes go to the front of `todo`; false when the node is no control flow. Throws UserError unsupported_op.
bool expand_control_flow(Graph& graph, const Node& node, std::deque<Node>& todo, std::set<ValueId>& selects);

}  // namespace nasc
