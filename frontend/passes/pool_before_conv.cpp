// pool-before-conv: an average pool of a 1x1 convolution becomes a 1x1 convolution of an average pool.
//   before  AveragePool(Conv(x, W, B))   after  Conv(AveragePool(x), W, B)
// Both are linear, and the weights of a window sum to one: the convolution has fewer places to compute. Refuses padding
// and partial windows, strides that keep the extent, and results with another use.
#include <algorithm>

#include "frontend/passes/pass.h"

namespace nasc {
namespace {

bool all_are(const std::vector<int64_t>& list, int64_t value) {
  return std::all_of(list.begin(), list.end(), [&](int64_t v) { return v == value; });
}
bool unpadded(const Node& n) {
  std::string automatic = string_attribute(n, "auto_pad", "NOTSET");
  return all_are(ints_attribute(n, "pads"), 0) && (automatic == "NOTSET" || automatic == "VALID");
}

bool is_pointwise(const Graph& g, const Node& n) {
  if (!is_op(n, "Conv") || n.inputs.size() < 2 || n.outputs.size() != 1 || int_attribute(n, "group", 1) != 1) return false;
  const auto& w = g.value(n.inputs[1]).shape;
  if (!w || w->size() < 3 || !unpadded(n) || !all_are(ints_attribute(n, "strides"), 1)) return false;
  return std::all_of(w->begin() + 2, w->end(), [](const Extent& e) { return e.is(1); });
}

bool shrinks(const Node& n) {
  std::vector<int64_t> kernel = ints_attribute(n, "kernel_shape"), strides = ints_attribute(n, "strides");
  return is_op(n, "AveragePool") && n.outputs.size() == 1 && unpadded(n) && int_attribute(n, "ceil_mode", 0) == 0 &&
         all_are(ints_attribute(n, "dilations"), 1) && !strides.empty() && strides.size() == kernel.size() &&
         std::any_of(strides.begin(), strides.end(), [](int64_t s) { return s > 1; });
}

PassResult apply(Graph g) {
  PassResult r;
  Uses uses(g);
  for (size_t i = 0; i < g.nodes.size(); ++i) {
    if (!shrinks(g.nodes[i])) continue;
    ValueId between = g.nodes[i].inputs[0];
    int before = uses.producer[static_cast<size_t>(between)];
    if (before < 0 || !is_pointwise(g, g.nodes[static_cast<size_t>(before)])) continue;
    ++r.matched;
    Node conv = g.nodes[static_cast<size_t>(before)], pool = g.nodes[i];
    const auto &x = g.value(conv.inputs[0]).shape, &y = g.value(pool.outputs[0]).shape;
    if (only_user(uses, between) != static_cast<int>(i) || !x || !y || x->size() != y->size() || x->size() < 3) continue;
    Shape pooled = *y;
    pooled[1] = (*x)[1];
    ValueId t = g.add_value(g.value(pool.outputs[0]).original + "_pooled", g.value(conv.inputs[0]).dtype);
    g.value(t).shape = pooled;
    pool.inputs[0] = conv.inputs[0];
    conv.outputs[0] = pool.outputs[0];
    pool.outputs[0] = t;
    conv.inputs[0] = t;
    g.nodes[static_cast<size_t>(before)] = pool;
    g.nodes[i] = conv;
    uses = Uses(g);
    ++r.changed;
  }
  r.graph = std::move(g);
  return r;
}

const Registered<GraphPass> pass{
    {"pool-before-conv", 45, "Average pools go ahead of the 1x1 convolutions that they follow.", apply}};

}  // namespace
}  // namespace nasc
