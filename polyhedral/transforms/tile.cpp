// tile(loops=[n, m, p, q], sizes=[1, 16, 1, 6], vector=m, lanes=8, reduce=[d, r, s], chunks=[8, 0,
// 0], step=4,
//      unroll=[s], parallel=m) -- tile the output space of a group of statements and keep the tile
//      in registers.
//   before  for n, m, p, q { init }  for n, m, p, q, d, r, s { mac }  for n, m, p, q { epi }
//   after   for m.t, n, p, q.t { stage acc { init tile; for d.t, r, s, d.i { mac tile }; epi tile }
//   }
// With block=32, which keeps a part of the weights in the first cache while all rows of outputs use
// it:
//           for m.t, n { init; for d.b { for p, q.t { stage part { part = 0; for d.t, .. { mac };
//           acc += part } } } epi }
// With sum=64, whose shorter sums have smaller errors: in each tile
//           stage acc { init tile; for d.b { stage part { part = 0; for d.t, .. { mac }; acc += part } } epi }
// With outer=[8, 0, 5, 0], 8 x 5 tiles one after the other, so that what they share stays in a cache; the block loop goes
// around them:
//           for m.o, p.o { init; for d.b { for m.t, n, p.t, q.t { stage part { .. } } } epi }
// With prefetch=W, what of W the next block (or the next m.t) needs is fetched inside of d.t, r, s,
// some lines each; with prefetch=X, which does not vary with m, what the next line of tiles needs. With parallel=m, collapse=n
// the iterations of both tile loops, n's right inside of m's, are divided among threads as those of one loop.
// Refuses  different-index-spaces, not-affine, unknown-loop, bad-size, bad-lanes; with of=[..] (part_of.h) not-a-part.
// Legal    when no dependence is reversed (judged in legality/order): reductions must be
// reassociable. Source   codegen-route 3.1, 3.2; register tiling as in BLIS; "tile" of Halide with
// compute_at.
#include <algorithm>
#include <optional>

#include "polyhedral/transformation.h"
#include "polyhedral/transforms/part_of.h"
#include "polyhedral/transforms/tile_parts.h"

namespace nasc {
namespace {

using Loops = TileLoops;

// The loops inside one tile, around each of `members`, outermost first.
TextNodeRef point_loops(const Group& g, const Loops& l, const GroupMember& m, TextNodeRef inside) {
  auto exprs = [&](const std::string& e) {
    return std::map<std::string, std::string>{{m.statement, e}};
  };
  for (size_t k = l.dims.size(); k-- > 0;)
    if (l.dims[k] == l.vector) {
      const std::string& name = g.names[l.vector];
      inside = tree_band(name + ".v vectorize", exprs(mod_of(m.index[l.vector], l.lanes)), inside);
      if (l.sizes[k] > l.lanes)
        inside = tree_band(name + ".u unroll",
                           exprs(floor_of(mod_of(m.index[l.vector], l.sizes[k]), l.lanes)), inside);
    }
  for (size_t k = l.dims.size(); k-- > 0;)
    if (l.dims[k] != l.vector && l.sizes[k] > 1)
      inside = tree_band(g.names[l.dims[k]] + ".i unroll",
                         exprs(mod_of(m.index[l.dims[k]], l.sizes[k])), inside);
  return inside;
}

// Loops inside the tile around the parts of a group.
struct TileTree {
  const Program& p;
  const Group& g;
  const Loops& l;
  const BlockedSum* blocked = nullptr;
  const Prefetch* ahead = nullptr;

  using Exprs = std::map<std::string, std::string>;
  const GroupMember& member(const std::string& statement) const {
    return *std::find_if(g.members.begin(), g.members.end(),
                         [&](const auto& m) { return m.statement == statement; });
  }

  // One loop around the sum and its prefetch.
  TextNodeRef around(const std::string& mark, const std::string& sum, const std::string& e,
                     const std::string& iterator, bool with_ahead, TextNodeRef inside) const {
    Exprs exprs{{sum, e}};
    if (with_ahead)
      exprs[ahead->statement] = iterator;
    return tree_band(mark, exprs, std::move(inside));
  }

  TextNodeRef after_fetch(const GroupMember& m, TextNodeRef sum) const {
    TextNodeRef fetch = tree_leaf();
    for (size_t k = ahead->loops.size(); k-- > 0;)
      fetch = tree_band(ahead->loops[k].first, Exprs{{ahead->statement, ahead->loops[k].second}}, fetch);
    return tree_sequence({{{ahead->statement}, fetch}, {{m.statement}, sum}});
  }

  // Reduction loops of one statement: chunked ones give an outer loop at their place and an inner
  // one after all others.
  TextNodeRef reduction_loops(const GroupMember& m, TextNodeRef inside) const {
    auto unrolled = [&](const std::string& name) {
      return std::find(l.unroll.begin(), l.unroll.end(), name) != l.unroll.end() ? " unroll" : "";
    };
    auto alone = [&](const std::string& mark, const std::string& e) {
      inside = tree_band(mark, Exprs{{m.statement, e}}, inside);
    };
    bool known = m.reduction.size() == l.reduce.size();
    for (const auto& name : m.reduction)
      known = known && std::count(l.reduce.begin(), l.reduce.end(), name) > 0;
    if (!known) {
      for (size_t k = m.reduction.size(); k-- > 0;)
        alone(m.reduction[k], m.reduction[k]);
      return inside;
    }
    for (size_t k = l.reduce.size(); k-- > 0;) {
      if (!l.chunks[k])
        continue;
      const std::string& name = l.reduce[k];
      std::string rest = mod_of(name, l.chunks[k]);
      auto inner = [&](const std::string& mark, const std::string& e, const char* iterator, Prefetch::At at) {
        bool fetched = ahead && k == 0 && ahead->at >= at;
        if (fetched && ahead->at == at)
          inside = after_fetch(m, inside);
        inside = around(mark, m.statement, e, iterator, fetched, inside);
      };
      bool stepped = l.stepped(k);
      if (stepped)
        inner(name + ".u unroll", mod_of(name, l.step), kStepIterator, Prefetch::At::step);
      inner(name + ".i" + unrolled(name), stepped ? floor_of(rest, l.step) : rest, kStepsIterator, Prefetch::At::steps);
    }
    if (ahead && ahead->at == Prefetch::At::chunk)
      inside = after_fetch(m, inside);
    for (size_t k = l.reduce.size(); k-- > 0;) {
      const std::string& name = l.reduce[k];
      std::string value = k == 0 && blocked ? mod_of(name, l.block) : name;
      if (l.chunks[k])
        value = floor_of(value, l.chunks[k]);
      inside = around(name + (l.chunks[k] ? ".t" : unrolled(name)), m.statement, value,
                      reduce_iterator(k), ahead, inside);
    }
    return inside;
  }

  std::vector<std::string> with_prefetch(std::vector<std::string> statements) const {
    if (ahead && std::count(statements.begin(), statements.end(), g.reduction()->statement))
      statements.push_back(ahead->statement);
    return statements;
  }

  // Statements one after the other inside one tile.
  TextNodeRef points(const std::vector<std::string>& statements) const {
    std::vector<std::pair<std::vector<std::string>, TextNodeRef>> parts;
    for (const std::string& name : statements) {
      const GroupMember& m = member(name);
      parts.push_back(
          {with_prefetch({name}), reduction_loops(m, point_loops(g, l, m, tree_leaf()))});
    }
    return tree_sequence(std::move(parts));
  }

  TextNodeRef staged(const std::set<std::string>& tensors, TextNodeRef tree) const {
    for (const Tensor& t : p.tensors)
      if (tensors.count(t.name))
        tree = tree_mark("stage " + t.name, tree);
    return tree;
  }

  // Tile loops [first, last) around the statements, below `outside` other loops.
  TextNodeRef tile_loops(size_t first, size_t last, const std::vector<std::string>& statements,
                         size_t outside, TextNodeRef tree) const {
    for (size_t k = last; k-- > first;) {
      int d = l.dims[k];
      int64_t size = l.sizes[k];
      Exprs exprs;
      for (const auto& s : statements) {
        if (ahead && s == ahead->statement)
          exprs[s] = tile_iterator(k);
        else if (l.outer[k])
          exprs[s] = floor_of(mod_of(member(s).index[d], l.group(k)), size);
        else
          exprs[s] = floor_of(member(s).index[d], size);
      }
      const Extent& e = g.extents[d];
      bool divided = !l.outer[k] && l.divided(d);
      std::string mark = g.names[d] + (size > 1 ? ".t" : "") + (divided ? " parallel" : "");
      tree = tree_band(mark, exprs, tree, whole_tiles(outside + k - first, size, e));
    }
    return tree;
  }

  // The loops around tiles that are taken together.
  TextNodeRef outer_loops(TextNodeRef tree) const {
    for (size_t k = l.dims.size(); k-- > 0;) {
      if (!l.outer[k])
        continue;
      int d = l.dims[k];
      Exprs exprs;
      for (const auto& s : all())
        exprs[s] = ahead && s == ahead->statement ? outer_iterator(k)
                                                  : floor_of(member(s).index[d], l.group(k));
      tree = tree_band(g.names[d] + ".o" + (l.divided(d) ? " parallel" : ""), exprs, tree);
    }
    return tree;
  }
  size_t outer_count() const {
    return l.outer.size() - static_cast<size_t>(std::count(l.outer.begin(), l.outer.end(), 0));
  }

  std::vector<std::string> all() const {
    std::vector<std::string> out;
    for (const Statement& s : p.statements)
      out.push_back(s.name);
    return out;
  }
  std::set<std::string> locals() const {
    std::set<std::string> out;
    for (const Tensor& t : p.tensors)
      if (t.role == Role::temp && !(blocked && blocked->kept.count(t.name)) &&
          !(ahead && p.statement(ahead->statement).write.tensor == t.name))
        out.insert(t.name);
    return out;
  }

  TextNodeRef whole() const {
    std::vector<std::string> statements;
    for (const Statement& s : p.statements)
      if (!ahead || s.name != ahead->statement)
        statements.push_back(s.name);
    return outer_loops(tile_loops(0, l.dims.size(), all(), outer_count(),
                                  staged(locals(), points(statements))));
  }

  TextNodeRef in_blocks() const {
    size_t inner = l.block_loop(), end = l.dims.size(), above = inner + outer_count();
    std::set<std::string> outside = locals(), around;
    outside.erase(blocked->part);
    if (l.apart)
      std::swap(outside, around);
    std::vector<std::pair<std::vector<std::string>, TextNodeRef>> parts;
    auto part = [&](const std::vector<std::string>& statements) {
      if (statements.empty())
        return;
      std::set<std::string> used; // of these statements only: a region elsewhere would be empty
      for (const auto& s : statements)
        if (outside.count(p.statement(s).write.tensor))
          used.insert(p.statement(s).write.tensor);
      parts.push_back({statements, tile_loops(inner, end, statements, above,
                                              staged(used, points(statements)))});
    };
    part(blocked->before);
    std::vector<std::string> sums = {blocked->start, blocked->sum, blocked->add};
    std::vector<std::string> in = with_prefetch(sums);
    TextNodeRef tree = tile_loops(inner, end, in, above + 1, staged({blocked->part}, points(sums)));
    Exprs exprs{{blocked->start, kBlockIterator}, {blocked->add, kBlockIterator}};
    exprs[blocked->sum] = floor_of(l.reduce[0], l.block);
    if (ahead)
      exprs[ahead->statement] = kBlockIterator;
    parts.push_back({in, tree_band(l.reduce[0] + ".b", exprs, tree)});
    part(blocked->after);
    return outer_loops(tile_loops(0, inner, all(), outer_count(),
                                  staged(around, tree_sequence(std::move(parts)))));
  }
};

Expected<Kernel> apply_tile(const Kernel& kernel, const Args& args) {
  Program p = kernel.program;
  stage_outputs(p, [](const Tensor&) { return true; });
  auto g = group_of(p);
  if (!g)
    return std::unexpected(g.error());
  auto l = tile_loops(*g, args);
  if (!l)
    return std::unexpected(l.error());
  std::optional<BlockedSum> blocked;
  std::optional<Prefetch> ahead;
  if (l->block) {
    auto made = sum_in_blocks(p, *g, *l);
    if (!made)
      return std::unexpected(made.error());
    blocked = *made;
  }
  if (!l->prefetch.empty()) {
    auto made = add_prefetch(p, *g, *l);
    if (!made)
      return std::unexpected(made.error());
    ahead = *made;
  }
  TileTree tree{p, *g, *l, blocked ? &*blocked : nullptr, ahead ? &*ahead : nullptr};
  return Kernel{p, build_tree(p, blocked ? tree.in_blocks() : tree.whole())};
}

const Registered<Transformation> tile{
    {.name = "tile",
     .kind = Kind::schedule,
     .parameters = {{Parameter::words, "loops", "output dimensions, outermost tile loop first"},
                    {Parameter::integers, "sizes", "tile size of each"},
                    {Parameter::word, "vector", "dimension whose innermost points are vector lanes",
                     false},
                    {Parameter::integer, "lanes", "vector lanes", false},
                    {Parameter::words, "reduce", "reduction loops, outermost first", false},
                    {Parameter::integers, "chunks",
                     "per reduction loop: size of its inner part, 0 for none", false},
                    {Parameter::integer, "step", "unrolled steps of the inner part", false},
                    {Parameter::words, "unroll", "reduction loops to unroll", false},
                    {Parameter::integer, "block",
                     "values of the outermost reduction loop summed at a time", false},
                    {Parameter::integer, "sum",
                     "values of the outermost reduction loop summed apart inside each tile", false},
                    {Parameter::integers, "outer",
                     "per loop: its tiles that a loop outermost takes at a time, 0 for all", false},
                    {Parameter::word, "prefetch", "factor whose next block, or line of tiles, is fetched meanwhile",
                     false},
                    {Parameter::word, "parallel",
                     "dimension whose tile loop is divided among threads", false},
                    {Parameter::words, "collapse",
                     "dimensions whose tile loops, each inside the one before, are divided along with it", false},
                    kOfPart},
     .doc = "Tile the outputs of a statement group and keep the tile's accumulators in registers.",
     .refusals = {"different-index-spaces", "not-affine", "unknown-loop", "bad-size", "bad-lanes",
                  "not-a-part"},
     .on_kernel = on_part(apply_tile),
     .on_module = nullptr,
     .choices = nullptr}};

} // namespace
} // namespace nasc
