// Sums in blocks: the statements they need.
#include <algorithm>

#include "polyhedral/cost/contraction.h"
#include "polyhedral/edit.h"
#include "polyhedral/transforms/statements.h"
#include "polyhedral/transforms/tile_parts.h"

namespace nasc {
namespace {

// One copy of the tensor serves all outer tiles, one after the other.
Layout of_one_tile(const TileLoops& l) {
  Layout out;
  if (l.nested()) {
    size_t v = l.inner() - 1;
    out.dims.push_back({l.vector, l.sizes[v], l.outer[v]});
    for (size_t k = 0; k < l.dims.size(); ++k)
      if (k != v)
        out.dims.push_back({l.dims[k], 1, l.group(k)});
    out.dims.push_back({l.vector, 1, l.sizes[v]});
    return out;
  }
  for (size_t k = l.inner(); k < l.dims.size(); ++k)
    out.dims.push_back({l.dims[k], 1, 0});
  for (size_t k = 0; k < l.inner(); ++k)
    if (l.dims[k] != l.vector)
      out.dims.push_back({l.dims[k], 1, l.sizes[k]});
  size_t v = l.inner() - 1;
  out.dims.push_back({l.dims[v], 1, l.sizes[v]});
  return out;
}
} // namespace

size_t TileLoops::inner() const {
  return static_cast<size_t>(std::find(dims.begin(), dims.end(), vector) - dims.begin()) + 1;
}

bool TileLoops::nested() const {
  return std::any_of(outer.begin(), outer.end(), [](int64_t n) { return n > 0; });
}

Expected<BlockedSum> sum_in_blocks(Program& p, Group& g, const TileLoops& l) {
  const GroupMember* m = g.reduction();
  if (!m || l.vector < 0 || l.reduce.empty())
    return refuse("bad-size", "blocks of a sum need a sum and a vector dimension");
  BlockedSum out;
  out.sum = m->statement;
  const Statement& s = p.statement(out.sum);
  auto depth = iterator_extent(s, l.reduce[0]);
  if (!depth || l.block < 1 || *depth % l.block || (l.chunks[0] && l.block % l.chunks[0]))
    return refuse("bad-size", text("blocks of ", l.block, " do not divide loop ", l.reduce[0]));
  if (s.combine != Combine::add || !s.reassociable || p.tensor(s.write.tensor).role != Role::temp)
    return refuse("bad-size", s.name + " is no sum whose order is free");
  out.blocks = *depth / l.block;
  bool seen = false;
  std::map<std::string, std::set<int>> used; // tensor: before, in, after the sum
  for (const Statement& other : p.statements) {
    int place = seen ? 2 : 0;
    if (other.name == out.sum)
      place = 1, seen = true;
    else
      (seen ? out.after : out.before).push_back(other.name);
    used[other.write.tensor].insert(place);
    for (const Access& r : other.reads)
      used[r.tensor].insert(place);
  }
  const std::string total = s.write.tensor;
  for (Tensor& t : p.tensors) {
    if (l.apart || t.role != Role::temp || (t.name != total && used[t.name].size() < 2))
      continue;
    out.kept.insert(t.name);
    t.layout = of_one_tile(l);
  }
  out.part = unused_name(p, total + "_part");
  out.start = unused_name(p, total + "_start");
  out.add = unused_name(p, total + "_add");
  Tensor part = p.tensor(total);
  part.name = out.part;
  part.layout.reset();
  part.shape.insert(part.shape.begin(), Extent(out.blocks));
  p.tensors.push_back(part);

  std::vector<std::string> element, all = {kBlockIterator};
  for (size_t k = 0; k < g.extents.size(); ++k)
    element.push_back(text("e", k));
  all.insert(all.end(), element.begin(), element.end());
  Shape extents = g.extents;
  extents.insert(extents.begin(), Extent(out.blocks));
  Statement first(out.start, all, box_of(out.start, all, extents),
                  {out.part, to(out.start, all, out.part, all)});
  first.body = constant(part.dtype, 0);
  Statement last(out.add, all, box_of(out.add, all, extents),
                 {total, to(out.add, all, total, element)});
  last.reads = {{out.part, to(out.add, all, out.part, all)}};
  last.body = read(0, part.dtype);
  last.combine = Combine::add;
  Statement& sum = p.statement(out.sum);
  std::vector<std::string> index = m->index;
  index.insert(index.begin(), floor_of(l.reduce[0], l.block));
  sum.write = {out.part, to(sum.name, sum.iterators, out.part, index)};
  size_t at = static_cast<size_t>(&sum - p.statements.data());
  p.statements.insert(p.statements.begin() + static_cast<long>(at) + 1, last);
  p.statements.insert(p.statements.begin() + static_cast<long>(at), first);
  g.members.push_back({out.start, element, {}});
  g.members.push_back({out.add, element, {}});
  return out;
}

} // namespace nasc
