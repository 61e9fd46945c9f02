// What the arguments of `tile` say, and which of them are refused.
#include <algorithm>

#include "polyhedral/transforms/tile_parts.h"

namespace nasc {
namespace {

int position(const std::vector<std::string>& names, const std::string& name) {
  auto it = std::find(names.begin(), names.end(), name);
  return it == names.end() ? -1 : static_cast<int>(it - names.begin());
}

// The loops around tiles that are taken together.
Expected<bool> read_outer(const Group& g, const Args& a, TileLoops& l) {
  l.outer = a.has("outer") ? a.integers("outer") : std::vector<int64_t>(l.dims.size(), 0);
  if (l.outer.size() != l.dims.size())
    return refuse("bad-size", "outer needs one entry per loop");
  for (size_t k = 0; k < l.dims.size(); ++k) {
    if (l.outer[k] < 0 || l.outer[k] > 1 << 20)
      return refuse("bad-size", text("outer ", l.outer[k]));
    const Extent& e = g.extents[l.dims[k]];
    if (l.outer[k] && l.group(k) != 1 && (!e.is_constant() || e.constant() % l.group(k)))
      return refuse("bad-size",
                    text("tiles of ", l.group(k), " do not divide ", g.names[l.dims[k]]));
    if (l.nested() && l.divided(l.dims[k]) && !l.outer[k])
      return refuse("bad-size", "a loop inside of outer ones is not divided among threads");
  }
  return true;
}
} // namespace

Expected<TileLoops> tile_loops(const Group& g, const Args& a) {
  TileLoops l;
  auto dimension = [&](const std::string& name) -> Expected<int> {
    int d = position(g.names, name);
    if (d >= 0)
      return d;
    std::string all;
    for (const auto& n : g.names)
      all += " " + n;
    return refuse("unknown-loop", "no output dimension " + name + "; dimensions are" + all);
  };
  for (const auto& name : a.words("loops")) {
    auto d = dimension(name);
    if (!d)
      return std::unexpected(d.error());
    if (std::find(l.dims.begin(), l.dims.end(), *d) != l.dims.end())
      return refuse("unknown-loop", name + " is listed twice");
    l.dims.push_back(*d);
  }
  l.sizes = a.integers("sizes");
  if (l.dims.size() != g.names.size() || l.sizes.size() != l.dims.size())
    return refuse("unknown-loop",
                  text("need all ", g.names.size(), " output dimensions and a size for each"));
  for (int64_t s : l.sizes)
    if (s < 1 || s > 4096)
      return refuse("bad-size", text("tile size ", s, " is outside 1..4096"));
  if (a.has("vector")) {
    auto d = dimension(a.word("vector"));
    if (!d)
      return std::unexpected(d.error());
    l.vector = *d;
    l.lanes = a.has("lanes") ? a.integer("lanes") : 1;
    int64_t size = l.sizes[std::find(l.dims.begin(), l.dims.end(), *d) - l.dims.begin()];
    if (l.lanes < 2 || l.lanes > 64 || size % l.lanes)
      return refuse("bad-lanes", text(l.lanes, " lanes do not divide tile size ", size));
  }
  if (a.has("parallel")) {
    auto d = dimension(a.word("parallel"));
    if (!d)
      return std::unexpected(d.error());
    l.parallel = *d;
  }
  if (a.has("collapse")) {
    for (const std::string& name : a.words("collapse")) {
      auto d = dimension(name);
      if (!d)
        return std::unexpected(d.error());
      if (l.parallel < 0 || l.divided(*d))
        return refuse("unknown-loop", "collapse needs another loop that is parallel");
      l.collapse.push_back(*d);
    }
  }
  if (auto read = read_outer(g, a, l); !read)
    return std::unexpected(read.error());
  const GroupMember* r = g.reduction();
  if (a.has("reduce")) {
    l.reduce = a.words("reduce");
    for (const auto& name : l.reduce)
      if (!r || position(r->reduction, name) < 0)
        return refuse("unknown-loop", "no reduction loop " + name);
    if (l.reduce.size() != r->reduction.size())
      return refuse("unknown-loop", "reduce must list all reduction loops");
  } else if (r) {
    l.reduce = r->reduction;
  }
  l.chunks = a.has("chunks") ? a.integers("chunks") : std::vector<int64_t>(l.reduce.size(), 0);
  l.step = a.has("step") ? a.integer("step") : 1;
  if (a.has("unroll"))
    l.unroll = a.words("unroll");
  if (a.has("block"))
    l.block = a.integer("block");
  if (a.has("sum")) {
    if (l.block)
      return refuse("bad-size", "block and sum exclude each other");
    l.block = a.integer("sum"), l.apart = true;
  }
  if (a.has("prefetch"))
    l.prefetch = a.word("prefetch");
  if (l.chunks.size() != l.reduce.size())
    return refuse("bad-size", "chunks needs one entry per reduction loop");
  for (int64_t c : l.chunks)
    if (c < 0 || c > 1 << 20)
      return refuse("bad-size", text("chunk ", c));
  if (l.block < 0 || l.block > 1 << 20)
    return refuse("bad-size", text("block ", l.block));
  if (l.step < 1 || l.step > 64)
    return refuse("bad-size", text("step ", l.step, " is outside 1..64"));
  return l;
}

} // namespace nasc
