// tile(loops=[n, m, p, q], sizes=[1, 16, 1, 6], vector=m, lanes=8, reduce=[d, r, s], chunks=[8, 0, 0], step=4,
//      unroll=[s], parallel=m) -- tile the output space of a group of statements and keep the tile in registers.
//   before  for n, m, p, q { init }  for n, m, p, q, d, r, s { mac }  for n, m, p, q { epi }
//   after   for m.t, n, p, q.t { stage acc { init tile; for d.t, r, s, d.i { mac tile }; epi tile } }
// Refuses  different-index-spaces, not-affine, unknown-loop, bad-size, bad-lanes.
// Legal    when no dependence is reversed (judged in legality/order): reductions must be reassociable.
// Source   codegen-route 3.1, 3.2; register tiling as in BLIS; "tile" of Halide with compute_at.
#include <algorithm>

#include "polyhedral/group.h"
#include "polyhedral/transformation.h"
#include "polyhedral/tree_text.h"

namespace nasc {
namespace {

struct Loops {
  std::vector<int> dims;        // group dimension of each tile loop, outermost first
  std::vector<int64_t> sizes;   // per tile loop
  int vector = -1;              // group dimension
  int64_t lanes = 1;
  int parallel = -1;            // group dimension
  std::vector<std::string> reduce;
  std::vector<int64_t> chunks;
  int64_t step = 1;
  std::vector<std::string> unroll;
};

int position(const std::vector<std::string>& names, const std::string& name) {
  auto it = std::find(names.begin(), names.end(), name);
  return it == names.end() ? -1 : static_cast<int>(it - names.begin());
}

Expected<Loops> read_arguments(const Group& g, const Args& a) {
  Loops l;
  auto dimension = [&](const std::string& name) -> Expected<int> {
    int d = position(g.names, name);
    if (d >= 0) return d;
    std::string all;
    for (const auto& n : g.names) all += " " + n;
    return refuse("unknown-loop", "no output dimension " + name + "; dimensions are" + all);
  };
  for (const auto& name : a.words("loops")) {
    auto d = dimension(name);
    if (!d) return std::unexpected(d.error());
    if (std::find(l.dims.begin(), l.dims.end(), *d) != l.dims.end()) return refuse("unknown-loop", name + " is listed twice");
    l.dims.push_back(*d);
  }
  l.sizes = a.integers("sizes");
  if (l.dims.size() != g.names.size() || l.sizes.size() != l.dims.size())
    return refuse("unknown-loop", text("need all ", g.names.size(), " output dimensions and a size for each"));
  for (int64_t s : l.sizes)
    if (s < 1 || s > 4096) return refuse("bad-size", text("tile size ", s, " is outside 1..4096"));
  if (a.has("vector")) {
    auto d = dimension(a.word("vector"));
    if (!d) return std::unexpected(d.error());
    l.vector = *d;
    l.lanes = a.has("lanes") ? a.integer("lanes") : 1;
    int64_t size = l.sizes[std::find(l.dims.begin(), l.dims.end(), *d) - l.dims.begin()];
    if (l.lanes < 2 || l.lanes > 64 || size % l.lanes)
      return refuse("bad-lanes", text(l.lanes, " lanes do not divide tile size ", size));
  }
  if (a.has("parallel")) {
    auto d = dimension(a.word("parallel"));
    if (!d) return std::unexpected(d.error());
    l.parallel = *d;
  }
  const GroupMember* r = g.reduction();
  if (a.has("reduce")) {
    l.reduce = a.words("reduce");
    for (const auto& name : l.reduce)
      if (!r || position(r->reduction, name) < 0) return refuse("unknown-loop", "no reduction loop " + name);
    if (l.reduce.size() != r->reduction.size()) return refuse("unknown-loop", "reduce must list all reduction loops");
  } else if (r) {
    l.reduce = r->reduction;
  }
  l.chunks = a.has("chunks") ? a.integers("chunks") : std::vector<int64_t>(l.reduce.size(), 0);
  l.step = a.has("step") ? a.integer("step") : 1;
  if (a.has("unroll")) l.unroll = a.words("unroll");
  if (l.chunks.size() != l.reduce.size()) return refuse("bad-size", "chunks needs one entry per reduction loop");
  for (int64_t c : l.chunks)
    if (c < 0 || c > 1 << 20) return refuse("bad-size", text("chunk ", c));
  if (l.step < 1 || l.step > 64) return refuse("bad-size", text("step ", l.step, " is outside 1..64"));
  return l;
}

std::string floor_of(const std::string& e, int64_t by) { return by == 1 ? e : text("floor((", e, ")/", by, ")"); }
std::string mod_of(const std::string& e, int64_t by) { return text("(", e, ") mod ", by); }

// The loops inside one tile, around each of `members`, outermost first.
TextNodeRef point_loops(const Group& g, const Loops& l, const GroupMember& m, TextNodeRef inside) {
  auto exprs = [&](const std::string& e) { return std::map<std::string, std::string>{{m.statement, e}}; };
  for (size_t k = l.dims.size(); k-- > 0;)
    if (l.dims[k] == l.vector) {
      const std::string& name = g.names[l.vector];
      inside = tree_band(name + ".v vectorize", exprs(mod_of(m.index[l.vector], l.lanes)), inside);
      if (l.sizes[k] > l.lanes)
        inside = tree_band(name + ".u unroll", exprs(floor_of(mod_of(m.index[l.vector], l.sizes[k]), l.lanes)), inside);
    }
  for (size_t k = l.dims.size(); k-- > 0;)
    if (l.dims[k] != l.vector && l.sizes[k] > 1)
      inside = tree_band(g.names[l.dims[k]] + ".i unroll", exprs(mod_of(m.index[l.dims[k]], l.sizes[k])), inside);
  return inside;
}

// Reduction loops of one statement: chunked ones give an outer loop at their place and an inner one after all others.
TextNodeRef reduction_loops(const Loops& l, const GroupMember& m, TextNodeRef inside) {
  auto exprs = [&](const std::string& e) { return std::map<std::string, std::string>{{m.statement, e}}; };
  auto unrolled = [&](const std::string& name) {
    return std::find(l.unroll.begin(), l.unroll.end(), name) != l.unroll.end() ? " unroll" : "";
  };
  bool known = m.reduction.size() == l.reduce.size();
  for (const auto& name : m.reduction) known = known && position(l.reduce, name) >= 0;
  if (!known) {
    for (size_t k = m.reduction.size(); k-- > 0;) inside = tree_band(m.reduction[k], exprs(m.reduction[k]), inside);
    return inside;
  }
  for (size_t k = l.reduce.size(); k-- > 0;) {
    if (!l.chunks[k]) continue;
    const std::string& name = l.reduce[k];
    std::string rest = mod_of(name, l.chunks[k]);
    bool stepped = l.step > 1 && l.chunks[k] % l.step == 0 && l.chunks[k] > l.step;
    if (stepped) inside = tree_band(name + ".u unroll", exprs(mod_of(name, l.step)), inside);
    inside = tree_band(name + ".i" + unrolled(name), exprs(stepped ? floor_of(rest, l.step) : rest), inside);
  }
  for (size_t k = l.reduce.size(); k-- > 0;) {
    const std::string& name = l.reduce[k];
    if (l.chunks[k]) inside = tree_band(name + ".t", exprs(floor_of(name, l.chunks[k])), inside);
    else inside = tree_band(name + unrolled(name), exprs(name), inside);
  }
  return inside;
}

Expected<Kernel> apply_tile(const Kernel& kernel, const Args& args) {
  Program p = kernel.program;
  stage_outputs(p, [](const Tensor&) { return true; });
  auto g = group_of(p);
  if (!g) return std::unexpected(g.error());
  auto l = read_arguments(*g, args);
  if (!l) return std::unexpected(l.error());

  std::vector<std::pair<std::vector<std::string>, TextNodeRef>> parts;
  for (const GroupMember& m : g->members)
    parts.push_back({{m.statement}, reduction_loops(*l, m, point_loops(*g, *l, m, tree_leaf()))});
  TextNodeRef tree = tree_sequence(std::move(parts));
  for (const Tensor& t : p.tensors)
    if (t.role == Role::temp) tree = tree_mark("stage " + t.name, tree);
  for (size_t k = l->dims.size(); k-- > 0;) {
    int d = l->dims[k];
    int64_t size = l->sizes[k];
    std::map<std::string, std::string> exprs;
    for (const GroupMember& m : g->members) exprs[m.statement] = floor_of(m.index[d], size);
    const Extent& e = g->extents[d];
    std::string options;
    bool divides = e.is_constant() && e.constant() % size == 0;
    if (size > 1 && !divides) {
      std::string outer;
      for (size_t i = 0; i < k; ++i) outer += text(i ? ", c" : "c", i);
      std::string parameters;
      for (const auto& name : e.parameters()) parameters += (parameters.empty() ? "" : ", ") + name;
      if (!e.is_affine()) parameters = isl_text(e);
      options = text("[", parameters, "] -> { isolate[[", outer, "] -> [x]] : 0 <= x and ", size, "*x + ", size,
                     " <= ", isl_text(e), " }");
    }
    std::string mark = g->names[d] + (size > 1 ? ".t" : "") + (d == l->parallel ? " parallel" : "");
    tree = tree_band(mark, exprs, tree, options);
  }
  return Kernel{p, build_tree(p, tree)};
}

const Registered<Transformation> tile{{
    .name = "tile",
    .kind = Kind::schedule,
    .parameters = {{Parameter::words, "loops", "output dimensions, outermost tile loop first"},
                   {Parameter::integers, "sizes", "tile size of each"},
                   {Parameter::word, "vector", "dimension whose innermost points are vector lanes", false},
                   {Parameter::integer, "lanes", "vector lanes", false},
                   {Parameter::words, "reduce", "reduction loops, outermost first", false},
                   {Parameter::integers, "chunks", "per reduction loop: size of its inner part, 0 for none", false},
                   {Parameter::integer, "step", "unrolled steps of the inner part", false},
                   {Parameter::words, "unroll", "reduction loops to unroll", false},
                   {Parameter::word, "parallel", "dimension whose tile loop is divided among threads", false}},
    .doc = "Tile the outputs of a statement group and keep the tile's accumulators in registers.",
    .refusals = {"different-index-spaces", "not-affine", "unknown-loop", "bad-size", "bad-lanes"},
    .on_kernel = apply_tile,
    .on_module = nullptr,
    .choices = nullptr}};

}  // namespace
}  // namespace nasc
