// One walk over the nodes in order.
#include "frontend/infer.h"

#include <deque>

#include "frontend/fold.h"
#include "frontend/inline.h"

namespace nasc {
namespace {

bool complete(const Graph& g, const Node& node) {
  for (ValueId v : node.inputs)
    if (v >= 0 && (g.value(v).dtype == DType::none || !g.value(v).shape)) return false;
  return true;
}

// What the file declares of a graph output against what its node gives. A wrong type is an error; extents are what
// the nodes say, because many exporters declare wrong ones: a warning.
void check_declared(const Graph& g, const Node& node, const Value& v, DType type, const Shape& shape, const InferOptions& options) {
  auto differ = [&](const std::string& declared, const std::string& given) {
    return text("output \"", escaped(v.original), "\" is declared ", declared, ", ", escaped(node.op), " gives ", given);
  };
  if (v.dtype != DType::none && v.dtype != type) throw UserError(code::bad_type, where(g, node), differ(name(v.dtype), name(type)));
  if (!v.shape || v.shape->empty()) return;  // exporters write [] for "unknown", too
  bool differs = v.shape->size() != shape.size();
  for (size_t i = 0; i < shape.size() && !differs; ++i)
    differs = (*v.shape)[i].is_constant() && shape[i].is_constant() && (*v.shape)[i].constant() != shape[i].constant();
  if (!differs) return;
  UserError e(code::bad_shape, where(g, node), differ(text(*v.shape), text(shape)));
  if (options.strict_outputs) throw e;
  if (options.warnings) options.warnings->push_back(escaped(e.where) + ": warning: " + e.what());
}

void set_types(Graph& g, const Node& node, const Instance& instance, const InferOptions& options) {
  NASC_CHECK(instance.shapes.size() >= node.outputs.size() && instance.dtypes.size() >= node.outputs.size())
      << node.op << ": outputs of its definition";
  for (size_t i = 0; i < node.outputs.size(); ++i) {
    if (node.outputs[i] < 0) continue;
    Value& v = g.value(node.outputs[i]);
    check_declared(g, node, v, instance.dtypes[i], instance.shapes[i], options);
    v.dtype = instance.dtypes[i];
    v.shape = instance.shapes[i];
  }
}

void check_select(const Graph& g, const Node& node) {
  const Value &a = g.value(node.inputs[1]), &b = g.value(node.inputs[2]), &out = g.value(node.outputs[0]);
  if (*a.shape != *b.shape || *a.shape != *out.shape)
    throw UserError(code::unsupported_shape, where(g, node),
                    text("If with a condition known only at run time has branches of shapes ", text(*a.shape), " and ", text(*b.shape)));
}

void forget(Graph& g, const Node& node) {
  for (ValueId v : node.outputs)
    if (v >= 0) g.value(v).dtype = DType::none, g.value(v).shape.reset();
}

}  // namespace

Graph infer(Graph g, Instances& instances, const InferOptions& options) {
  std::deque<Node> todo(std::make_move_iterator(g.nodes.begin()), std::make_move_iterator(g.nodes.end()));
  g.nodes.clear();
  std::set<ValueId> selects;
  FoldBudget budget;
  for (int64_t done = 0; !todo.empty(); ++done) {
    if (done + static_cast<int64_t>(todo.size()) > options.max_nodes)
      throw UserError(code::limit, g.file, text("more than ", options.max_nodes, " nodes after inlining (max-nodes)"));
    Node node = std::move(todo.front());
    todo.pop_front();
    try {
      if (options.errors && !complete(g, node)) {  // after an error; at least its operator can be looked up
        if (!find_op(node.op, node.domain, g.opset) && node.op != "If" && node.op != "Loop") instances.get(g, node);
        forget(g, node);
        continue;
      }
      if (expand_control_flow(g, node, todo, selects)) continue;
      auto instance = instances.get(g, node);
      set_types(g, node, *instance, options);
      if (selects.count(node.outputs[0])) check_select(g, node);
      if (fold_node(g, node, *instance, options, budget)) continue;
    } catch (const UserError& e) {
      if (!options.errors) throw;
      options.errors->push_back(e);
      forget(g, node);
    }
    g.nodes.push_back(std::move(node));
  }
  return g;
}

}  // namespace nasc
