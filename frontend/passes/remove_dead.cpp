// remove-dead: nodes whose results nobody reads go away.
#include "frontend/passes/pass.h"

namespace nasc {
namespace {

PassResult apply(Graph g) {
  PassResult r;
  std::vector<bool> needed(g.values.size(), false), keep(g.nodes.size(), false);
  for (ValueId v : g.outputs) needed[static_cast<size_t>(v)] = true;
  for (size_t i = g.nodes.size(); i-- > 0;) {
    const Node& n = g.nodes[i];
    for (ValueId v : n.outputs) keep[i] = keep[i] || (v >= 0 && needed[static_cast<size_t>(v)]);
    if (!keep[i]) ++r.matched, ++r.changed;
    else
      for (ValueId v : n.inputs)
        if (v >= 0) needed[static_cast<size_t>(v)] = true;
  }
  keep_nodes(g, keep);
  for (ValueId v : g.inputs) needed[static_cast<size_t>(v)] = true;
  for (size_t v = 0; v < g.values.size(); ++v)
    if (!needed[v]) g.values[v].constant.reset();  // frees its bytes
  r.graph = std::move(g);
  return r;
}

const Registered<GraphPass> pass{{"remove-dead", 90, "Nodes whose results nobody reads go away.", apply}};

}  // namespace
}  // namespace nasc
