// The operator registry: lookup by name, domain and opset.
#include "frontend/op.h"

#include <set>

namespace nasc {

const OpDef* find_op(const std::string& op, const std::string& domain, int opset) {
  const OpDef* best = nullptr;
  for (const OpDef* def : registry_storage<OpDef>())
    if (def->name == op && (def->domain == domain || (def->domain.empty() && domain == "ai.onnx")) &&
        def->since <= opset && opset < def->until && (!best || def->since > best->since))
      best = def;
  return best;
}

std::vector<std::string> op_names() {
  std::set<std::string> names;
  for (const OpDef* def : registry_storage<OpDef>()) names.insert(def->name);
  return {names.begin(), names.end()};
}

Instance instantiate(const Graph& graph, const Node& node) {
  const OpDef* def = find_op(node.op, node.domain, graph.opset);
  if (!def) {
    std::string domain = node.domain.empty() ? "" : node.domain + ":";
    std::string near = node.domain.empty() ? nearest(node.op, op_names()) : "";
    throw UserError(code::unsupported_op, where(graph, node),
                    text("operator ", escaped(domain + node.op), " is not supported at opset ", graph.opset,
                         near.empty() || near == node.op ? "" : "; did you mean " + near + "?"));
  }
  NASC_CHECK(def->hook) << "definition of " << def->name;
  return def->hook(*def, graph, node);
}

}  // namespace nasc
