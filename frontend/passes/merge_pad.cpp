// merge-pad: Pad with zeros over spatial axes goes into the pads of the Conv that alone reads it.
//   before  Conv(Pad(x, p), W, pads = q)   after  Conv(x, W, pads = p + q)
#include "frontend/passes/pass.h"
#include "ir/host_tensor.h"

namespace nasc {
namespace {

// begin.., end.. per axis, or nothing unless the padding is constant zeros and nowhere negative.
std::optional<std::vector<int64_t>> zero_pads(const Graph& g, const Node& pad) {
  if (string_attribute(pad, "mode", "constant") != "constant") return std::nullopt;
  std::vector<int64_t> pads = ints_attribute(pad, g.opset < 2 ? "paddings" : "pads");
  if (float_attribute(pad, "value", 0) != 0 || pad.inputs.empty()) return std::nullopt;
  if (pad.inputs.size() > 3 && pad.inputs[3] >= 0) return std::nullopt;  // axes
  if (g.opset >= 11) {
    if (pad.inputs.size() < 2 || pad.inputs[1] < 0 || !g.value(pad.inputs[1]).constant) return std::nullopt;
    const Constant& c = *g.value(pad.inputs[1]).constant;
    if (c.dtype != DType::i64) return std::nullopt;
    pads.assign(c.payload.as<int64_t>(), c.payload.as<int64_t>() + c.count());
    if (pad.inputs.size() > 2 && pad.inputs[2] >= 0) {
      std::vector<double> value = doubles(g, pad.inputs[2]);
      if (value.size() != 1 || value[0] != 0) return std::nullopt;
    }
  }
  for (int64_t p : pads)
    if (p < 0) return std::nullopt;
  return pads;
}

bool merge(const Graph& g, const Node& pad, Node& conv) {
  auto pads = zero_pads(g, pad);
  size_t rank = g.value(pad.inputs[0]).shape->size();
  if (!pads || rank < 3 || pads->size() != 2 * rank || conv.inputs[0] != pad.outputs[0]) return false;
  if ((*pads)[0] || (*pads)[1] || (*pads)[rank] || (*pads)[rank + 1]) return false;
  std::string automatic = string_attribute(conv, "auto_pad", "NOTSET");
  if (automatic != "NOTSET" && automatic != "VALID") return false;
  std::vector<int64_t> own = automatic == "NOTSET" ? ints_attribute(conv, "pads") : std::vector<int64_t>();
  own.resize(2 * (rank - 2), 0);
  for (size_t i = 0; i < rank - 2; ++i) {
    own[i] += (*pads)[2 + i];
    own[rank - 2 + i] += (*pads)[rank + 2 + i];
  }
  conv.attributes.erase("auto_pad");
  conv.attributes["pads"] = own;
  conv.inputs[0] = pad.inputs[0];
  return true;
}

PassResult apply(Graph g) {
  PassResult r;
  Uses uses(g);
  std::vector<bool> keep(g.nodes.size(), true);
  for (size_t i = 0; i < g.nodes.size(); ++i) {
    if (!is_op(g.nodes[i], "Pad")) continue;
    int user = only_user(uses, g.nodes[i].outputs[0]);
    if (user < 0 || !is_op(g.nodes[static_cast<size_t>(user)], "Conv")) continue;
    ++r.matched;
    if (!merge(g, g.nodes[i], g.nodes[static_cast<size_t>(user)])) continue;
    keep[i] = false;
    ++r.changed;
  }
  keep_nodes(g, keep);
  r.graph = std::move(g);
  return r;
}

const Registered<GraphPass> pass{{"merge-pad", 40, "Padding with zeros goes into the Conv that reads it.", apply}};

}  // namespace
}  // namespace nasc
