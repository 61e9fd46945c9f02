// fold-batch-norm: BatchNormalization with constant statistics goes into the weights of the layer before it.
//   before  BN(Conv(x, W, B))   after  Conv(x, W * s, (B - mean) * s + beta), s = gamma / sqrt(variance + epsilon)
// Also ConvTranspose and Gemm. Computed in double. Refuses when the layer's result has another use.
#include <cmath>

#include "frontend/passes/pass.h"

namespace nasc {
namespace {

struct Affine {
  std::vector<double> scale, shift;  // per channel: y = scale * x + shift
};

std::optional<Affine> affine_of(const Graph& g, const Node& bn) {
  if (bn.inputs.size() < 5 || int_attribute(bn, "training_mode", 0) != 0 || int_attribute(bn, "spatial", 1) != 1) return std::nullopt;
  if (g.opset < 7 && int_attribute(bn, "is_test", 0) == 0) return std::nullopt;
  std::vector<double> p[4];
  for (size_t i = 0; i < 4; ++i) {
    p[i] = doubles(g, bn.inputs[i + 1]);
    if (p[i].empty() || p[i].size() != p[0].size()) return std::nullopt;
  }
  double epsilon = float_attribute(bn, "epsilon", static_cast<double>(1e-5f));
  Affine a;
  for (size_t c = 0; c < p[0].size(); ++c) {
    double s = p[0][c] / std::sqrt(p[3][c] + epsilon);
    a.scale.push_back(s);
    a.shift.push_back(p[1][c] - p[2][c] * s);
  }
  return a;
}

// Output channel of the k-th element of a weight.
using ChannelOf = std::function<size_t(size_t)>;
std::optional<ChannelOf> channels(const Node& layer, const std::vector<int64_t>& shape, size_t count) {
  auto product = [&](size_t from) {
    size_t n = 1;
    for (size_t i = from; i < shape.size(); ++i) n *= static_cast<size_t>(shape[i]);
    return n;
  };
  if (shape.size() < 2 || product(0) == 0) return std::nullopt;
  if (is_op(layer, "Conv") && static_cast<size_t>(shape[0]) == count) return [inner = product(1)](size_t k) { return k / inner; };
  if (is_op(layer, "ConvTranspose")) {
    size_t group = static_cast<size_t>(int_attribute(layer, "group", 1)), per = static_cast<size_t>(shape[1]);
    if (group < 1 || per * group != count || static_cast<size_t>(shape[0]) % group) return std::nullopt;
    size_t per_input = static_cast<size_t>(shape[0]) / group;
    return [=, inner = product(2)](size_t k) { return k / inner / per / per_input * per + k / inner % per; };
  }
  if (is_op(layer, "Gemm")) {
    bool rows = int_attribute(layer, "transB", 0) != 0;
    if (static_cast<size_t>(shape[rows ? 0 : 1]) != count) return std::nullopt;
    return [=, inner = static_cast<size_t>(shape[1])](size_t k) { return rows ? k / inner : k % inner; };
  }
  return std::nullopt;
}

bool fold(Graph& g, Node& layer, const Node& bn) {
  auto a = affine_of(g, bn);
  if (!a || layer.inputs.size() < 2 || layer.outputs.size() != 1) return false;
  std::vector<double> w = doubles(g, layer.inputs[1]);
  if (w.empty()) return false;
  const Constant weight = *g.value(layer.inputs[1]).constant;
  size_t count = a->scale.size();
  auto channel = channels(layer, weight.shape, count);
  if (!channel) return false;
  bool gemm = is_op(layer, "Gemm"), biased = layer.inputs.size() > 2 && layer.inputs[2] >= 0;
  double beta = gemm ? float_attribute(layer, "beta", 1) : 1;
  std::vector<double> b(count, 0);
  if (biased) {
    std::vector<double> given = doubles(g, layer.inputs[2]);
    const auto& constant = g.value(layer.inputs[2]).constant;
    bool row = constant && !constant->shape.empty() && static_cast<size_t>(constant->shape.back()) == count;
    if (given.size() == count && row) b = given;
    else if (given.size() == 1) b.assign(count, given[0]);
    else return false;
  }
  for (size_t k = 0; k < w.size(); ++k) w[k] *= a->scale[(*channel)(k)];
  for (size_t c = 0; c < count; ++c) b[c] = beta * b[c] * a->scale[c] + a->shift[c];
  std::string hint = g.value(layer.inputs[1]).original;
  layer.inputs.resize(3, -1);
  layer.inputs[1] = add_constant(g, hint, weight.dtype, weight.shape, w);
  layer.inputs[2] = add_constant(g, hint + "_bias", weight.dtype, {static_cast<int64_t>(count)}, b);
  if (gemm) layer.attributes["beta"] = 1.0;
  layer.outputs[0] = bn.outputs[0];
  return true;
}

PassResult apply(Graph g) {
  PassResult r;
  Uses uses(g);
  std::vector<bool> keep(g.nodes.size(), true);
  for (size_t i = 0; i < g.nodes.size(); ++i) {
    const Node bn = g.nodes[i];
    if (!is_op(bn, "BatchNormalization") || bn.inputs.empty()) continue;
    int before = uses.producer[static_cast<size_t>(bn.inputs[0])];
    bool one_output = bn.outputs.size() == 1 && bn.outputs[0] >= 0;
    if (before < 0) continue;
    ++r.matched;
    if (!one_output || only_user(uses, bn.inputs[0]) != static_cast<int>(i) || !keep[static_cast<size_t>(before)]) continue;
    if (!fold(g, g.nodes[static_cast<size_t>(before)], bn)) continue;
    keep[i] = false;
    uses.producer[static_cast<size_t>(bn.outputs[0])] = before;
    ++r.changed;
  }
  keep_nodes(g, keep);
  r.graph = std::move(g);
  return r;
}

const Registered<GraphPass> pass{{"fold-batch-norm", 30, "BatchNormalization goes into the weights of the layer before it.", apply}};

}  // namespace
}  // namespace nasc
