// Networks compared call by call.
#include "polyhedral/neural/patch.h"

#include <algorithm>
#include <cstring>

#include "polyhedral/neural/canonical.h"
#include "polyhedral/neural/weights.h"

namespace nasc {
namespace {

Constant constant_of(const Buffer& b, const Payload& payload) { return {b.dtype, constants(b.shape), payload}; }

struct Bound {
  const Network& n;
  const Call& call;
  const Buffer& buffer(int arg) const { return n.buffers[static_cast<size_t>(arg)]; }
  const Payload& payload(int arg) const { return n.buffers[static_cast<size_t>(n.root(arg))].payload; }
  int argument(const std::string& tensor) const {
    const Program& p = *n.programs[static_cast<size_t>(call.program)];
    std::vector<int> bound = Network::bound(p);
    for (size_t k = 0; k < bound.size(); ++k)
      if (p.tensors[static_cast<size_t>(bound[k])].name == tensor) return call.args[k];
    return -1;
  }
};

Constant part_of(const Constant& bias, int64_t first, int64_t count) {
  size_t size = static_cast<size_t>(bytes(bias.dtype));
  std::vector<std::byte> out(static_cast<size_t>(count) * size);
  std::memcpy(out.data(), bias.payload.data + static_cast<size_t>(first) * size, out.size());
  return {bias.dtype, {count}, payload_from(std::move(out))};
}

// The rows that windows at `o` in [0, extent) read, cut to the image; rows after the last window may stay.
void window(PatchConv& c, size_t d, int64_t first, int64_t extent, int64_t kernel, int64_t image) {
  int64_t span = c.dilation[d] * (kernel - 1) + 1, last = first + c.stride[d] * (extent - 1) + span;
  c.before[d] = std::max<int64_t>(0, -first);
  c.first[d] = std::max<int64_t>(0, first);
  c.after[d] = std::max<int64_t>(0, last - image);
  c.last[d] = std::min(last, image);
  bool whole_is_same = (image - c.first[d] + c.before[d] + c.after[d] - span) / c.stride[d] + 1 == extent;
  if (whole_is_same) c.last[d] = image;
}

PatchConv patched(const ConvForm& form, const GroupedConv& g, const Bound& at) {
  PatchConv c;
  c.groups = g.groups;
  bool all = static_cast<int64_t>(g.channels.size()) == form.image[0];
  for (size_t k = 0; k < g.channels.size() && all; ++k) all = g.channels[k] == static_cast<int64_t>(k);
  if (!all) c.channels = g.channels;
  c.stride = g.stride, c.dilation = g.dilation, c.repeat = g.repeat;
  for (size_t d = 0; d < 2; ++d) window(c, d, g.first[d], g.extent[1 + d], g.kernel[d], form.image[1 + d]);
  c.at = {g.at[0], g.at[1] * g.repeat[0], g.at[2] * g.repeat[1]};
  c.extent = {g.extent[0], g.extent[1] * g.repeat[0], g.extent[2] * g.repeat[1]};
  int w = at.argument(weight_name(form, static_cast<size_t>(g.piece.source)));
  const Buffer& b = at.buffer(w);
  c.weights = {b.dtype, {g.piece.weights.begin(), g.piece.weights.end()},
               taken_weights(at.payload(w), b.shape, static_cast<size_t>(bytes(b.dtype)), g.piece)};
  if (!form.bias) return c;
  int bias = at.argument("B");
  c.bias = part_of(constant_of(at.buffer(bias), at.payload(bias)), g.at[0], g.extent[0]);
  return c;
}
}  // namespace

Expected<GraphPatch> graph_patch(const Network& before, const Network& after) {
  GraphPatch out;
  NASC_CHECK(before.calls.size() == after.calls.size()) << "a neural step changed the number of calls";
  std::map<std::string, const Buffer*> old;
  for (const Buffer& b : before.buffers) old[b.name] = &b;
  for (const Buffer& b : after.buffers) {
    auto it = old.find(b.name);
    if (it != old.end() && b.role != Role::weight && !(it->second->shape == b.shape)) out.shapes[b.name] = b.shape;
  }
  for (size_t k = 0; k < after.calls.size(); ++k) {
    const Call &was = before.calls[k], &is = after.calls[k];
    const Program& p = *after.programs[static_cast<size_t>(is.program)];
    const std::string value = after.buffers[static_cast<size_t>(is.args.back())].name;
    if (!p.statements.empty() && p.statements[0].name == "init0") {
      auto form = conv_form(p);
      if (!form) return std::unexpected(form.error());
      auto parts = grouped_convs(*form);
      if (!parts) return std::unexpected(parts.error());
      GraphPatch::Layer layer{value, {}};
      for (const GroupedConv& g : *parts) layer.parts.push_back(patched(*form, g, {after, is}));
      out.layers.push_back(std::move(layer));
      continue;
    }
    NASC_CHECK(was.args.size() == is.args.size()) << is.name;
    for (size_t a = 0; a < is.args.size(); ++a) {
      const Buffer& b = after.buffers[static_cast<size_t>(is.args[a])];
      const Buffer& o = before.buffers[static_cast<size_t>(was.args[a])];
      if (b.name == o.name || after.buffers[static_cast<size_t>(after.root(is.args[a]))].role != Role::weight) continue;
      out.operands.push_back(
          {value, o.name, constant_of(b, after.buffers[static_cast<size_t>(after.root(is.args[a]))].payload)});
    }
  }
  return out;
}

}  // namespace nasc
