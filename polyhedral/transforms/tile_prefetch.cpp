// Prefetches of what a later tile reads: the next block of the matrix, or the rows of the other
// factor that the next iteration of the loop around needs.
#include <algorithm>

#include "polyhedral/cost/contraction.h"
#include "polyhedral/edit.h"
#include "polyhedral/transforms/statements.h"
#include "polyhedral/transforms/tile_parts.h"

namespace nasc {
namespace {

constexpr int64_t kLine = 64;

// The loops around the chunks of a sum as iterators of a statement, and what it would read at their
// first points.
struct Ahead {
  const Statement& sum;
  const GroupMember& member;
  std::vector<std::string> names, values, tiles; // tiles: first point of each loop's tile
  Shape extents, trips;
  int64_t block = 0, depth = 0; // values of the first reduction loop that are summed at a time, all of them

  bool set_value(const std::string& iterator, const std::string& value) {
    int k = sum.iterator(iterator);
    if (k >= 0)
      values[static_cast<size_t>(k)] = value;
    return k >= 0;
  }
  void add(const std::string& name, const Extent& extent) {
    names.push_back(name);
    extents.push_back(extent);
  }
};

Expected<Ahead> loops_around(const Statement& s, const GroupMember& m, const Group& g,
                             const TileLoops& l) {
  Ahead out{s, m, {}, std::vector<std::string>(s.iterators.size(), "0"), {}, {}, {}};
  for (size_t k = 0; k < l.dims.size(); ++k) {
    const Extent& e = g.extents[l.dims[k]];
    out.trips.push_back(l.outer[k] ? Extent(l.outer[k]) : ceildiv(e, l.sizes[k]));
    out.add(tile_iterator(k), out.trips.back());
    std::string first = text(l.sizes[k], "*", out.names.back());
    if (l.outer[k]) {
      out.add(outer_iterator(k), floordiv(e, l.group(k)));
      first += text(" + ", l.group(k), "*", out.names.back());
    }
    out.tiles.push_back(first);
    if (!out.set_value(m.index[l.dims[k]], first) && m.index[l.dims[k]] != "0")
      return refuse("not-affine", "tiles of " + s.name + " are not its iterators");
  }
  auto depth = iterator_extent(s, l.reduce[0]);
  if (!depth)
    return refuse("bad-size", "a prefetch needs constant extents");
  out.depth = *depth;
  out.block = l.block ? l.block : *depth;
  if (l.block)
    out.add(kBlockIterator, *depth / out.block);
  for (size_t k = 0; k < l.reduce.size(); ++k) {
    auto e = iterator_extent(s, l.reduce[k]);
    if (!e)
      return refuse("bad-size", "a prefetch needs constant extents");
    out.add(reduce_iterator(k), k == 0 ? out.block / l.chunks[0] : *e);
  }
  return out;
}

// Index d of the access is this iterator of the statement, and nothing else.
bool is_iterator(const Access& read, int d, int iterator) {
  auto index = linear(read.map.at(d));
  if (!index || index->denominator != 1 || index->constant)
    return false;
  for (int i = 0; i < static_cast<int>(index->coefficients.size()); ++i)
    if (index->coefficients[static_cast<size_t>(i)] != (i == iterator))
      return false;
  return true;
}

// Rows of the matrix, one per term of the sum in the order of its loops, lie one behind the other.
bool rows_in_order(const Tensor& matrix, const Access& read, const Statement& s,
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
    if (d.div != 1 || d.mod != 0 || !is_iterator(read, d.dim, s.iterator(l.reduce[k])))
      return false;
  }
  return true;
}

// The block's lines one after the other, some at each chunk of each pass over the block: at its steps when they are many,
// since a processor that waits for many lines at once stalls. What comes next is the next block of the same columns, or that of
// the next columns.
Expected<Prefetch> fetch_matrix(Program& p, const Access& read, Ahead at, const TileLoops& l) {
  const Statement& s = at.sum;
  if (!rows_in_order(p.tensor(l.prefetch), read, s, l))
    return refuse("bad-size", "rows of " + l.prefetch + " do not lie in the order of the sum");
  std::string count = "0";
  int64_t passes = 1;
  for (size_t k = l.inner(); k < l.dims.size(); ++k) {
    if (!at.trips[k].is_constant())
      continue; // each of an unknown number of images fetches all
    count = text(at.trips[k].constant(), "*(", count, ") + ", tile_iterator(k));
    passes *= at.trips[k].constant();
  }
  int64_t width = bytes(p.tensor(l.prefetch).dtype), row = l.sizes[l.inner() - 1] * width;
  using At = Prefetch::At;
  constexpr int64_t kBurst = 4; // lines
  int64_t unit = std::max<int64_t>(1, kLine / row), lines = (row + kLine - 1) / kLine, units = 0, each = 0;
  auto per_pass = [&](int64_t values) {
    units = std::max<int64_t>(1, values / unit), each = (units + passes - 1) / passes;
  };
  At level = At::chunk;
  per_pass(l.chunks[0]);
  bool by_line = false; // units are lines, else rows
  if (l.stepped(0) && passes <= 2 * l.step && each * lines > kBurst) {
    // Of several lines at once between the loads of a full tile, LLVM makes spills and moves (256 @8: 3.9 -> 3.5 ms without).
    by_line = unit == 1 && (passes == 1 || passes == lines);
    level = by_line ? At::step : At::steps;
    per_pass(by_line ? lines : l.step);
  }
  if (l.apart) // blocks inside of each tile: all of them pass before the next panel
    count = text(at.depth / at.block, "*(", count, ") + ", kBlockIterator);
  for (size_t k = 0; k < l.reduce.size(); ++k)
    count = text(at.extents[at.extents.size() - l.reduce.size() + k].constant(), "*(", count, ") + ",
                 reduce_iterator(k));
  auto inside = [&](const char* iterator, int64_t extent) {
    at.add(iterator, extent);
    count = text(extent, "*(", count, ") + ", iterator);
  };
  if (level >= At::steps)
    inside(kStepsIterator, l.chunks[0] / l.step);
  if (level == At::step)
    inside(kStepIterator, l.step);
  at.add("u", each);
  at.add("v", by_line ? 1 : lines);
  // The last reduction counts rows beyond its own end.
  bool next_columns = l.nested() && l.block;
  bool blocks = l.block && !l.apart;
  int64_t panel = blocks ? at.block : at.depth;
  std::string start = blocks ? text(at.block, "*", kBlockIterator) : "0";
  // What passes once is fetched a little ahead: measured (Granite Rapids, rows of 512 bytes), 0.5 to 2 KB add a tenth to what
  // the processor fetches by itself, 4 KB or more nothing.
  constexpr int64_t kAhead = 1 << 10;
  bool once = passes == 1 && l.reduce.size() == 1;
  if (once || !next_columns)
    start += text(" + ", once ? std::min(panel, std::max<int64_t>(1, kAhead / row)) : panel);
  // The pace that ends with the last pass, rounded up to sixteenths.
  constexpr int64_t kParts = 16;
  int64_t pace = (kParts * units + passes * each - 1) / (passes * each);
  std::string unit_of = text(each, "*(", count, ") + u");
  if (pace < kParts)
    unit_of = floor_of(text(pace, "*(", unit_of, ")"), kParts);
  std::string by = by_line ? floor_of(unit_of, lines) : text(unit, "*(", unit_of, ")"),
              line = by_line && lines > 1 ? mod_of(unit_of, lines) : "v";
  at.set_value(l.reduce[0], start);
  at.set_value(l.reduce.back(), l.reduce.size() == 1 ? start + " + " + by : by);
  size_t v = l.inner() - 1;
  at.set_value(at.member.index[l.vector],
               text(at.tiles[v], " + ", next_columns && !once ? l.sizes[v] : 0, " + ", kLine / width, "*(", line, ")"));
  size_t place = static_cast<size_t>(&s - p.statements.data());
  return Prefetch{add_prefetch_statement(p, place, s, read, at.names, at.extents, at.values),
                  {{"ahead.u unroll", "u"}, {"ahead.v unroll", "v"}}, level};
}

// Of a tensor whose innermost memory is the chunk of the sum: at each chunk, some lines of the same
// chunk of the rows that the next iteration of the innermost loop around a line of tiles reads, so
// that each plane is fetched as it is used. Of a tensor whose rows are whole sums: the same chunk of
// the rows of the next tile.
Expected<Prefetch> fetch_rows(Program& p, const Access& read, Ahead at, const TileLoops& l) {
  const Statement& s = at.sum;
  const Tensor& t = p.tensor(l.prefetch);
  auto bad = [&](const std::string& why) {
    return refuse("bad-size", "rows of " + l.prefetch + " " + why);
  };
  if (l.nested())
    return bad("are not fetched for tiles taken together");
  for (size_t k = 1; k < l.reduce.size(); ++k)
    if (iterator_extent(s, l.reduce[k]).value_or(2) != 1)
      return bad("overlap");
  Layout layout = layout_of(t);
  int channel = layout.dims.back().dim;
  const LayoutDim& last = layout.dims.back();
  bool whole = !last.mod && last.div == 1 && l.chunks[0] * bytes(t.dtype) % kLine == 0;
  if ((last.mod != l.chunks[0] && !whole) || !is_iterator(read, channel, s.iterator(l.reduce[0])))
    return bad("do not lie in chunks of the sum");
  // Bytes from one point of the last tile loop to the next.
  size_t row = l.dims.size() - 1;
  Shape strides = physical_strides(t);
  auto moved_by = [&](size_t k,
                      int d) -> int64_t { // index d of the access, by an iteration of loop k
    auto index = linear(read.map.at(d));
    int i = s.iterator(at.member.index[l.dims[k]]);
    return index && index->denominator == 1 && i >= 0 ? index->coefficients[static_cast<size_t>(i)]
                                                      : 0;
  };
  int64_t step = 0;
  for (size_t k = 0; k < layout.dims.size(); ++k)
    if (layout.dims[k].dim != channel && layout.dims[k].div == 1 && !layout.dims[k].mod &&
        strides[k].is_constant())
      step += moved_by(row, layout.dims[k].dim) * strides[k].constant() * bytes(t.dtype);
  if (step <= 0 || l.dims[row] == l.vector)
    return bad("do not follow the last loop");
  auto moves = [&](size_t k) {
    for (int d = 0; d < t.rank(); ++d)
      if (moved_by(k, d))
        return true;
    return false;
  };
  at.set_value(l.reduce[0], text(l.block ? text(at.block, "*", kBlockIterator, " + ") : "",
                                 l.chunks[0], "*", reduce_iterator(0)));
  size_t place = static_cast<size_t>(&s - p.statements.data());
  if (whole) {
    int64_t lines = l.chunks[0] * bytes(t.dtype) / kLine;
    at.add("u", l.sizes[row]);
    at.add("v", lines);
    at.set_value(at.member.index[l.dims[row]], text(at.tiles[row], " + ", l.sizes[row], " + u"));
    at.set_value(l.reduce[0], text(at.values[static_cast<size_t>(s.iterator(l.reduce[0]))], " + ", kLine / bytes(t.dtype), "*v"));
    return Prefetch{add_prefetch_statement(p, place, s, read, at.names, at.extents, at.values),
                    {{"ahead.u unroll", "u"}, {"ahead.v unroll", "v"}}};
  }
  size_t next = row;
  while (next-- > 0)
    if (l.dims[next] != l.vector && !at.trips[next].is(1) && moves(next))
      break;
  if (next >= row || l.sizes[next] != 1)
    return bad("have no loop of single iterations around them");
  std::string count = "0";
  int64_t passes = 1, apart = std::max<int64_t>(1, kLine / step),
          lines = (l.sizes[row] + apart - 1) / apart;
  for (size_t k = next + 1; k < row; ++k) {
    if (!at.trips[k].is_constant())
      return bad("pass an unknown number of times");
    count = text(at.trips[k].constant(), "*(", count, ") + ", tile_iterator(k));
    passes *= at.trips[k].constant();
  }
  int64_t each = (lines + passes - 1) / passes;
  at.add("u", each);
  at.set_value(at.member.index[l.dims[next]], tile_iterator(next) + " + 1");
  at.set_value(at.member.index[l.dims[row]],
               text(at.tiles[row], " + ", apart, "*(", each, "*(", count, ") + u)"));
  return Prefetch{add_prefetch_statement(p, place, s, read, at.names, at.extents, at.values),
                  {{"ahead.u unroll", "u"}}};
}

} // namespace

std::string outer_iterator(size_t k) { return text("s", k); }
std::string tile_iterator(size_t k) { return text("t", k); }
std::string reduce_iterator(size_t k) { return text("r", k); }

Expected<Prefetch> add_prefetch(Program& p, const Group& g, const TileLoops& l) {
  const GroupMember* m = g.reduction();
  if (!m || l.vector < 0 || l.reduce.empty() || !l.chunks[0])
    return refuse("bad-size", "a prefetch goes with the chunks of a sum");
  const Statement& s = p.statement(m->statement);
  auto found = std::find_if(s.reads.begin(), s.reads.end(),
                            [&](const Access& a) { return a.tensor == l.prefetch; });
  if (found == s.reads.end() || !p.find_tensor(l.prefetch))
    return refuse("unknown-loop", s.name + " does not read " + l.prefetch);
  Access read = *found;
  auto at = loops_around(s, *m, g, l);
  if (!at)
    return std::unexpected(at.error());
  auto used = iterators_used(s, read);
  int vector = s.iterator(m->index[l.vector]);
  bool matrix = std::any_of(used.begin(), used.end(), [&](const auto& d) {
    return std::count(d.begin(), d.end(), vector) > 0;
  });
  return matrix ? fetch_matrix(p, read, std::move(*at), l) : fetch_rows(p, read, std::move(*at), l);
}

} // namespace nasc
