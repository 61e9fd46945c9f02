// The operator registry, and the instance that a definition makes of a node.
#include "frontend/op.h"

#include <algorithm>
#include <set>

#include "ir/einsum.h"

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

const EinsumText& definition_of(const OpDef& def) {
  static thread_local std::map<const OpDef*, std::shared_ptr<const EinsumText>> parsed;
  auto& text = parsed[&def];
  if (!text) text = parse_einsum(def.text);
  return *text;
}

EinsumCall call_of(const Graph& graph, const Node& node) {
  EinsumCall call;
  call.name = node.op;
  call.opset = graph.opset;
  call.attributes = node.attributes;
  for (ValueId id : node.inputs) {
    if (id < 0) {
      call.inputs.emplace_back();
      continue;
    }
    const Value& v = graph.value(id);
    NASC_CHECK(v.dtype != DType::none && v.shape) << "type or shape of " << v.original << " is not known yet";
    call.inputs.push_back(EinsumInput{*v.shape, v.dtype, v.original, &v});
  }
  for (ValueId id : node.outputs) call.outputs.push_back(id >= 0);
  return call;
}

Instance instance_of(EinsumResult r) {
  return {std::move(r.shapes), std::move(r.dtypes), std::move(r.contents), r.view_of,
          std::move(r.program), std::move(r.inputs), std::move(r.outputs)};
}

namespace {
UserError unknown(const Graph& graph, const Node& node) {
  std::string full = node.domain.empty() ? node.op : node.domain + ":" + node.op;
  std::string hint;
  if (node.domain.empty() || node.domain == "ai.onnx") {
    std::vector<std::string> names = op_names();
    if (std::find(names.begin(), names.end(), node.op) == names.end()) hint = nearest(node.op, names);
    if (!hint.empty()) hint = "; did you mean " + hint + "?";
  }
  return UserError(code::unsupported_op, where(graph, node),
                   text("operator ", escaped(full), " is not supported at opset ", graph.opset, hint));
}

std::string operands(const Graph& graph, const Node& node) {
  std::string out;
  for (ValueId id : node.inputs) {
    if (id < 0) continue;
    const Value& v = graph.value(id);
    out += text(out.empty() ? "" : ", ", "'", escaped(v.original), "' ", name(v.dtype), text(*v.shape));
    if (out.size() > 400) return out + ", ...";
  }
  return out;
}
}  // namespace

Instance instantiate(const Graph& graph, const Node& node) {
  const OpDef* def = find_op(node.op, node.domain, graph.opset);
  if (!def) throw unknown(graph, node);
  try {
    return def->hook ? def->hook(*def, graph, node) : instance_of(apply_einsum(definition_of(*def), call_of(graph, node)));
  } catch (const UserError& e) {
    if (!e.where.empty()) throw;
    std::string inputs = operands(graph, node);
    throw UserError(*e.code, where(graph, node),
                    text(node.op, ": ", e.what(), inputs.empty() ? "" : "; inputs: " + inputs));
  }
}

}  // namespace nasc
