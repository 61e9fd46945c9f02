// widen-half: networks of half precision are computed in single precision between their inputs, outputs and casts.
//   before  y = Relu(Conv(x, W)) all f16   after  y = Cast(Relu(Conv(Cast(x), W'))), W' the same numbers in f32
// Half precision rounds nothing but what the model casts, takes or gives, as ONNX Runtime does on processors without
// half precision arithmetic.
#include <algorithm>
#include <unordered_map>

#include "frontend/instances.h"
#include "frontend/passes/pass.h"

namespace nasc {
namespace {

// Its second operand says a type only.
bool names_type(const Node& n, size_t input) { return is_op(n, "CastLike") && input == 1; }

Node cast_node(const Graph& g, const Node& by, ValueId x, ValueId y) {
  Node n;
  n.op = "Cast";
  n.index = by.index;
  n.inputs = {x};
  n.outputs = {y};
  bool half = g.value(y).dtype == DType::f16;
  if (g.opset < 6) n.attributes["to"] = std::string(half ? "FLOAT16" : "FLOAT");
  else n.attributes["to"] = int64_t{half ? 10 : 1};
  return n;
}

struct Widening {
  Graph g;
  std::vector<Node> nodes;
  std::unordered_map<ValueId, ValueId> wide;  // of f16 values
  Instances instances;
  PassResult result;

  bool is_half(ValueId v) const { return v >= 0 && g.value(v).dtype == DType::f16; }
  ValueId like(ValueId v, DType type) {
    ValueId to = g.add_value(g.value(v).original, type);
    g.value(to).original = g.value(v).original;
    g.value(to).shape = g.value(v).shape;
    return to;
  }
  ValueId widened(ValueId v, const Node& by) {
    if (auto it = wide.find(v); it != wide.end()) return it->second;
    ValueId to;
    if (g.value(v).constant) {
      std::vector<int64_t> shape = g.value(v).constant->shape;
      to = add_constant(g, g.value(v).original, DType::f32, shape, doubles(g, v));
    } else {
      to = like(v, DType::f32);
      nodes.push_back(cast_node(g, by, v, to));
    }
    return wide[v] = to;
  }
  void node(Node n) {
    bool any = false;
    if (!is_op(n, "Cast"))
      for (size_t k = 0; k < n.inputs.size(); ++k) any |= is_half(n.inputs[k]) && !names_type(n, k);
    result.matched += any;
    bool known = std::any_of(n.inputs.begin(), n.inputs.end(), [&](ValueId v) { return wide.contains(v); });
    if (!any && !known) return nodes.push_back(std::move(n));
    for (size_t k = 0; k < n.inputs.size(); ++k)
      if (is_half(n.inputs[k]) && !names_type(n, k)) n.inputs[k] = widened(n.inputs[k], n);
    ++result.changed;
    auto instance = instances.get(g, n);
    std::vector<Node> back;
    for (size_t k = 0; k < n.outputs.size(); ++k) {
      if (!is_half(n.outputs[k]) || instance->dtypes[k] == DType::f16) continue;
      ValueId half = n.outputs[k];
      n.outputs[k] = wide[half] = like(half, instance->dtypes[k]);
      if (std::find(g.outputs.begin(), g.outputs.end(), half) != g.outputs.end())
        back.push_back(cast_node(g, n, n.outputs[k], half));
    }
    nodes.push_back(std::move(n));
    for (Node& cast : back) nodes.push_back(std::move(cast));
  }
};

PassResult apply(Graph g) {
  Widening w{std::move(g), {}, {}, {}, {}};
  std::vector<Node> nodes = std::move(w.g.nodes);
  for (Node& n : nodes) w.node(std::move(n));
  w.g.nodes = std::move(w.nodes);
  w.result.graph = std::move(w.g);
  return std::move(w.result);
}

const Registered<GraphPass> pass{{"widen-half", 5, "Half precision is computed in single precision.", apply}};

}  // namespace
}  // namespace nasc
