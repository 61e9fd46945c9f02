// merge-equal: of two nodes with equal operator, attributes and inputs, the second goes (common subexpressions).
#include <algorithm>
#include <unordered_map>

#include "frontend/instances.h"
#include "frontend/passes/pass.h"

namespace nasc {
namespace {

PassResult apply(Graph g) {
  PassResult r;
  std::vector<ValueId> now(g.values.size());
  for (size_t v = 0; v < now.size(); ++v) now[v] = static_cast<ValueId>(v);
  std::vector<bool> keep(g.nodes.size(), true);
  std::unordered_map<std::string, size_t> first;
  for (size_t i = 0; i < g.nodes.size(); ++i) {
    Node& n = g.nodes[i];
    for (ValueId& in : n.inputs)
      if (in >= 0) in = now[static_cast<size_t>(in)];
    std::string key = node_key(n, [](ValueId v) { return std::to_string(v); });
    if (key.empty()) continue;
    auto [it, fresh] = first.emplace(key, i);
    if (fresh) continue;
    ++r.matched;
    const Node& same = g.nodes[it->second];
    bool output = std::any_of(n.outputs.begin(), n.outputs.end(), [&](ValueId v) {
      return std::find(g.outputs.begin(), g.outputs.end(), v) != g.outputs.end();
    });
    if (output) continue;
    for (size_t k = 0; k < n.outputs.size(); ++k)
      if (n.outputs[k] >= 0) now[static_cast<size_t>(n.outputs[k])] = same.outputs[k];
    keep[i] = false;
    ++r.changed;
  }
  keep_nodes(g, keep);
  r.graph = std::move(g);
  return r;
}

const Registered<GraphPass> pass{{"merge-equal", 50, "Equal nodes are computed once.", apply}};

}  // namespace
}  // namespace nasc
