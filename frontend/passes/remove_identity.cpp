// remove-identity: Identity, and Dropout in inference, give way to their input.
//   before  y = Identity(x)   after  uses of y read x; a graph output y is written by the producer of x.
// Kept when both ends are fixed: a graph output that is a graph input, a constant or another output.
#include "frontend/passes/pass.h"

namespace nasc {
namespace {

bool passes_through(const Graph& g, const Node& n, const Uses& uses) {
  if (is_op(n, "Identity")) return n.inputs.size() == 1 && n.inputs[0] >= 0 && n.outputs.size() == 1;
  if (!is_op(n, "Dropout") || n.inputs.empty() || n.outputs.empty() || n.outputs[0] < 0) return false;
  if (n.outputs.size() > 1 && n.outputs[1] >= 0 && uses.count[static_cast<size_t>(n.outputs[1])]) return false;
  if (n.inputs.size() > 2 && n.inputs[2] >= 0) {  // training mode
    const auto& mode = g.value(n.inputs[2]).constant;
    if (!mode || mode->payload.size != 1 || mode->payload.data[0] != std::byte(0)) return false;
  }
  return int_attribute(n, "is_test", 1) != 0 || g.opset > 6;
}

// What a value is called in the end.
ValueId find(std::vector<ValueId>& now, ValueId v) {
  while (now[static_cast<size_t>(v)] != v) v = now[static_cast<size_t>(v)] = now[static_cast<size_t>(now[static_cast<size_t>(v)])];
  return v;
}

PassResult apply(Graph g) {
  PassResult r;
  Uses uses(g);
  std::vector<bool> keep(g.nodes.size(), true), output(g.values.size(), false), fixed(g.values.size(), false);
  std::vector<ValueId> now(g.values.size());
  for (size_t v = 0; v < now.size(); ++v) {
    now[v] = static_cast<ValueId>(v);
    fixed[v] = g.values[v].constant || g.values[v].content;
  }
  for (ValueId v : g.inputs) fixed[static_cast<size_t>(v)] = true;
  for (ValueId v : g.outputs) fixed[static_cast<size_t>(v)] = output[static_cast<size_t>(v)] = true;
  for (size_t i = 0; i < g.nodes.size(); ++i) {
    const Node& n = g.nodes[i];
    if (!passes_through(g, n, uses)) continue;
    ++r.matched;
    ValueId x = find(now, n.inputs[0]), y = n.outputs[0];
    if (output[static_cast<size_t>(y)]) {
      if (fixed[static_cast<size_t>(x)]) continue;
      now[static_cast<size_t>(x)] = y;
    } else {
      now[static_cast<size_t>(y)] = x;
    }
    keep[i] = false;
    ++r.changed;
  }
  keep_nodes(g, keep);
  for (Node& n : g.nodes)
    for (auto* list : {&n.inputs, &n.outputs})
      for (ValueId& v : *list)
        if (v >= 0) v = find(now, v);
  r.graph = std::move(g);
  return r;
}

const Registered<GraphPass> pass{{"remove-identity", 10, "Identity and inference Dropout give way to their input.", apply}};

}  // namespace
}  // namespace nasc
