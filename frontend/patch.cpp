// Nodes in the place of a convolution.
#include "frontend/patch.h"

#include <algorithm>

#include "frontend/export.h"
#include "frontend/passes/pass.h"

namespace nasc {
namespace {

struct Patcher {
  Graph& g;
  std::vector<Node> nodes;  // made for the layer at hand
  const Node* conv = nullptr;
  int count = 0;

  ValueId integers(const std::string& hint, const std::vector<int64_t>& values) {
    return constant(hint, {DType::i64, {static_cast<int64_t>(values.size())}, payload_of(values)});
  }
  ValueId constant(const std::string& hint, const Constant& c) {
    ValueId v = g.add_value(hint, c.dtype);
    g.value(v).shape = shape_of(c.shape);
    g.value(v).constant = c;
    return v;
  }
  ValueId node(const char* op, const std::vector<ValueId>& inputs, std::map<std::string, Attribute> attributes,
               const Shape& shape) {
    Node n;
    n.op = op;
    n.name = text(conv->name.empty() ? "conv" : conv->name, ".", op, count++);
    n.index = conv->index;
    n.inputs = inputs;
    n.attributes = std::move(attributes);
    const Value& y = g.value(conv->outputs[0]);
    ValueId out = g.add_value(y.name + "_" + op, y.dtype);
    g.value(out).shape = shape;
    n.outputs = {out};
    nodes.push_back(std::move(n));
    return out;
  }

  // The part's result, [N, extent..].
  ValueId part(const PatchConv& c) {
    ValueId x = conv->inputs[0];
    Shape shape = *g.value(x).shape;
    std::vector<int64_t> starts, ends, axes;
    auto slice = [&](int64_t axis, int64_t first, int64_t last) {
      if (first == 0 && shape[static_cast<size_t>(axis)].is(last)) return;
      starts.push_back(first), ends.push_back(last), axes.push_back(axis);
      shape[static_cast<size_t>(axis)] = last - first;
    };
    const auto& channels = c.channels;
    bool gather = false;
    for (size_t k = 1; k < channels.size(); ++k) gather |= channels[k] != channels[k - 1] + 1;
    if (!channels.empty() && !gather) slice(1, channels.front(), channels.back() + 1);
    for (size_t d = 0; d < 2; ++d) slice(static_cast<int64_t>(2 + d), c.first[d], c.last[d]);
    if (!axes.empty())
      x = node("Slice", {x, integers("starts", starts), integers("ends", ends), integers("axes", axes)}, {}, shape);
    if (gather) {
      shape[1] = static_cast<int64_t>(channels.size());
      x = node("Gather", {x, integers("channels", channels)}, {{"axis", int64_t{1}}}, shape);
    }
    Shape out = {shape[0], c.extent[0], c.extent[1] / c.repeat[0], c.extent[2] / c.repeat[1]};
    std::vector<ValueId> inputs = {x, constant("weights", c.weights)};
    if (c.bias) inputs.push_back(constant("bias", *c.bias));
    auto list = [](std::initializer_list<int64_t> v) { return Attribute(std::vector<int64_t>(v)); };
    x = node("Conv", inputs,
             {{"group", c.groups},
              {"kernel_shape", list({c.weights.shape[2], c.weights.shape[3]})},
              {"strides", list({c.stride[0], c.stride[1]})},
              {"dilations", list({c.dilation[0], c.dilation[1]})},
              {"pads", list({c.before[0], c.before[1], c.after[0], c.after[1]})}},
             out);
    if (c.repeat[0] * c.repeat[1] == 1) return x;
    std::vector<float> scales = {1, 1, static_cast<float>(c.repeat[0]), static_cast<float>(c.repeat[1])};
    return node("Resize", {x, -1, constant("scales", {DType::f32, {4}, payload_of(scales)})},
                {{"mode", std::string("nearest")},
                 {"coordinate_transformation_mode", std::string("asymmetric")},
                 {"nearest_mode", std::string("floor")}},
                {out[0], c.extent[0], c.extent[1], c.extent[2]});
  }

  // Cut along the first dimension where no part lies across the cut.
  ValueId together(std::vector<const PatchConv*> parts) {
    if (parts.size() == 1) return part(*parts[0]);
    for (size_t d = 0; d < 3; ++d) {
      std::sort(parts.begin(), parts.end(), [&](auto* a, auto* b) { return a->at[d] < b->at[d]; });
      std::vector<std::vector<const PatchConv*>> groups;
      int64_t end = 0;
      for (const PatchConv* p : parts) {
        if (groups.empty() || p->at[d] >= end) groups.emplace_back();
        groups.back().push_back(p);
        end = std::max(end, p->at[d] + p->extent[d]);
      }
      if (groups.size() == 1) continue;
      std::vector<ValueId> slices;
      Shape shape;
      Extent sum = 0;
      for (const auto& group : groups) {
        slices.push_back(together(group));
        shape = *g.value(slices.back()).shape;
        sum = sum + shape[1 + d];
      }
      shape[1 + d] = sum;
      return node("Concat", slices, {{"axis", static_cast<int64_t>(1 + d)}}, shape);
    }
    throw InternalError(conv->name + ": its parts lie across each other");
  }
};

// A constant that holds a shape, as Reshape reads it, says the new one.
void update_shape_operand(Graph& g, Node& n) {
  if (n.op != "Reshape" || n.inputs.size() < 2) return;
  const Value& y = g.value(n.outputs[0]);
  if (!y.shape || !is_static(*y.shape) || !g.value(n.inputs[1]).constant) return;
  std::vector<int64_t> shape = constants(*y.shape);
  ValueId v = g.add_value("shape", DType::i64);
  g.value(v).shape = Shape{static_cast<int64_t>(shape.size())};
  g.value(v).constant = Constant{DType::i64, {static_cast<int64_t>(shape.size())}, payload_of(shape)};
  n.inputs[1] = v;
}
}  // namespace

Graph patched(Graph g, const GraphPatch& patch) {
  constexpr int kOpset = 13;  // whose Slice, Resize and Concat the new nodes are; they are the same up to 17
  if (g.opset < kOpset && !patch.layers.empty()) {
    if (const Node* n = differing(g, kOpset))
      throw UserError(code::unsupported_op, where(g, *n), text(n->op, " is another operator in opset ", kOpset));
    g.opset = kOpset;
  }
  std::map<std::string, ValueId> by_name;
  for (size_t v = 0; v < g.values.size(); ++v) by_name[g.values[v].name] = static_cast<ValueId>(v);
  for (const auto& [name, shape] : patch.shapes)
    if (auto it = by_name.find(name); it != by_name.end()) g.value(it->second).shape = shape;
  std::map<ValueId, const GraphPatch::Layer*> layers;
  for (const auto& layer : patch.layers) layers[by_name.at(layer.value)] = &layer;
  std::map<ValueId, std::vector<const GraphPatch::Operand*>> operands;
  for (const auto& o : patch.operands) operands[by_name.at(o.value)].push_back(&o);

  std::vector<Node> out;
  for (Node n : std::vector<Node>(std::move(g.nodes))) {
    ValueId y = n.outputs.empty() ? -1 : n.outputs[0];
    auto changed = [&](const auto& map) { return map.find(y) != map.end(); };
    if (changed(operands))
      for (const auto* o : operands[y])
        for (ValueId& in : n.inputs)
          if (in >= 0 && g.value(in).name == o->constant) in = Patcher{g, {}, &n, 0}.constant(o->constant, o->now);
    if (changed(operands) && n.op == "Conv" && int_attribute(n, "group", 1) > 1) {
      const Value &x = g.value(n.inputs[0]), &w = g.value(n.inputs[1]);  // depthwise: fewer channels, fewer groups
      n.attributes["group"] = (*x.shape)[1].constant() / (*w.shape)[1].constant();
    }
    if (y >= 0 && patch.shapes.count(g.value(y).name)) update_shape_operand(g, n);
    if (!changed(layers)) {
      out.push_back(std::move(n));
      continue;
    }
    Patcher p{g, {}, &n, 0};
    std::vector<const PatchConv*> parts;
    for (const PatchConv& c : layers[y]->parts) parts.push_back(&c);
    p.together(parts);
    p.nodes.back().outputs = {y};
    if (p.nodes.size() == 1) p.nodes[0].name = n.name;
    for (Node& made : p.nodes) out.push_back(std::move(made));
  }
  g.nodes = std::move(out);
  return g;
}

}  // namespace nasc
