// Sums in blocks, and prefetches of the next block: the statements they need.
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

std::string outer_iterator(size_t k) { return text("s", k); }
std::string tile_iterator(size_t k) { return text("t", k); }
std::string reduce_iterator(size_t k) { return text("r", k); }

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
  std::vector<int64_t> extents;
  for (const Extent& e : g.extents) {
    if (!e.is_constant())
      return refuse("bad-size", "blocks of a sum need constant extents");
    extents.push_back(e.constant());
  }
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
  for (size_t k = 0; k < extents.size(); ++k)
    element.push_back(text("e", k));
  all.insert(all.end(), element.begin(), element.end());
  std::vector<int64_t> sizes = extents;
  sizes.insert(sizes.begin(), out.blocks);
  Statement first(out.start, all, box_of(out.start, all, sizes),
                  {out.part, to(out.start, all, out.part, all)});
  first.body = constant(part.dtype, 0);
  Statement last(out.add, all, box_of(out.add, all, sizes),
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

constexpr int64_t kLine = 64;

// Rows of the matrix, one per term of the sum in the order of its loops, lie one behind the other.
static bool rows_in_order(const Tensor& matrix, const Access& read, const Statement& s,
                          const TileLoops& l) {
  Layout layout = layout_of(matrix);
  size_t n = l.reduce.size();
  if (layout.dims.size() < n + 1 || layout.dims.back().mod != l.sizes[l.inner() - 1])
    return false;
  for (const auto& pad : layout.pad)
    if (pad)
      return false;
  for (size_t k = 0; k < n; ++k) {
    const LayoutDim& d = layout.dims[layout.dims.size() - 1 - n + k];
    auto index = linear(read.map.at(d.dim));
    int at = s.iterator(l.reduce[k]);
    if (d.div != 1 || d.mod != 0 || !index || index->denominator != 1 || index->constant)
      return false;
    for (int i = 0; i < static_cast<int>(index->coefficients.size()); ++i)
      if (index->coefficients[static_cast<size_t>(i)] != (i == at))
        return false;
  }
  return true;
}

Expected<Prefetch> add_prefetch(Program& p, const Group& g, const TileLoops& l) {
  const GroupMember* m = g.reduction();
  if (!m || l.vector < 0 || l.reduce.empty() || !l.chunks[0])
    return refuse("bad-size", "a prefetch goes with the chunks of a sum");
  const Statement& s = p.statement(m->statement);
  auto read_of = std::find_if(s.reads.begin(), s.reads.end(),
                              [&](const Access& a) { return a.tensor == l.prefetch; });
  if (read_of == s.reads.end() || !p.find_tensor(l.prefetch))
    return refuse("unknown-loop", s.name + " does not read " + l.prefetch);
  std::vector<std::string> names, values(s.iterators.size(), "0");
  std::vector<int64_t> extents;
  auto set_value = [&](const std::string& iterator, const std::string& value) {
    int k = s.iterator(iterator);
    if (k >= 0)
      values[static_cast<size_t>(k)] = value;
    return k >= 0;
  };
  std::vector<std::string> tiles; // first point of each loop's tile
  int64_t passes = 1;
  std::string pass = "0";
  for (size_t k = 0; k < l.dims.size(); ++k) {
    const Extent& e = g.extents[l.dims[k]];
    if (!e.is_constant())
      return refuse("bad-size", "a prefetch needs constant extents");
    int64_t trips = l.outer[k] ? l.outer[k] : (e.constant() + l.sizes[k] - 1) / l.sizes[k];
    names.push_back(tile_iterator(k));
    extents.push_back(trips);
    std::string first = text(l.sizes[k], "*", names.back());
    if (l.outer[k]) {
      names.push_back(outer_iterator(k));
      extents.push_back(e.constant() / l.group(k));
      first += text(" + ", l.group(k), "*", names.back());
    }
    tiles.push_back(first);
    if (!set_value(m->index[l.dims[k]], first) &&
        m->index[l.dims[k]] != "0")
      return refuse("not-affine", "tiles of " + s.name + " are not its iterators");
    if (k < l.inner())
      continue;
    pass = text(trips, "*(", pass, ") + ", tile_iterator(k));
    passes *= trips;
  }
  auto depth = iterator_extent(s, l.reduce[0]);
  if (!depth)
    return refuse("bad-size", "a prefetch needs constant extents");
  int64_t block = l.block ? l.block : *depth;
  if (l.block) {
    names.push_back(kBlockIterator);
    extents.push_back(*depth / block);
  }
  for (size_t k = 0; k < l.reduce.size(); ++k) {
    auto e = iterator_extent(s, l.reduce[k]);
    if (!e)
      return refuse("bad-size", "a prefetch needs constant extents");
    names.push_back(reduce_iterator(k));
    extents.push_back(k == 0 ? block / l.chunks[0] : *e);
    set_value(l.reduce[k], names.back());
  }
  if (!rows_in_order(p.tensor(l.prefetch), *read_of, s, l))
    return refuse("bad-size", "rows of " + l.prefetch + " do not lie in the order of the sum");
  // The block's lines one after the other, some at each chunk of each pass over the block.
  int64_t width = bytes(p.tensor(l.prefetch).dtype), row = l.sizes[l.inner() - 1] * width;
  int64_t unit = std::max<int64_t>(1, kLine / row),
          units = std::max<int64_t>(1, l.chunks[0] / unit);
  int64_t each = (units + passes - 1) / passes, lines = (row + kLine - 1) / kLine;
  std::string at = pass;
  for (size_t k = 0; k < l.reduce.size(); ++k)
    at = text(extents[extents.size() - l.reduce.size() + k], "*(", at, ") + ", reduce_iterator(k));
  names.insert(names.end(), {"u", "v"});
  extents.insert(extents.end(), {each, lines});
  // The last reduction counts rows beyond its own end.
  // What comes next is the next block of the same columns, or that of the next columns.
  bool next_columns = l.nested() && l.block;
  std::string start = l.block ? text(block, "*", kBlockIterator) : "0";
  if (!next_columns)
    start += text(" + ", block);
  std::string ahead_by = text(unit, "*(", each, "*(", at, ") + u)");
  for (const auto& name : l.reduce)
    set_value(name, "0");
  set_value(l.reduce[0], start);
  set_value(l.reduce.back(), l.reduce.size() == 1 ? start + " + " + ahead_by : ahead_by);
  size_t v = l.inner() - 1;
  set_value(m->index[l.vector],
            text(tiles[v], " + ", next_columns ? l.sizes[v] : 0, " + ", kLine / width, "*v"));

  Prefetch out;
  size_t place = static_cast<size_t>(&s - p.statements.data());
  out.statement = add_prefetch_statement(p, place, s, *read_of, names, extents, values);
  out.loops = {{"ahead.u unroll", "u"}, {"ahead.v unroll", "v"}};
  return out;
}

} // namespace nasc
