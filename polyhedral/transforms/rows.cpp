// rows(loops=[n, m], parallel=n, lanes=8) -- all statements under loops over the leading dimensions that all their
// results share; each has its other loops inside, the one that walks memory innermost and as vector lanes.
//   before  for n, m, k { max }  for n, m, i { exp }  for n, m, k { sum }  for n, m, i { div }
//   after   for n parallel, m { stage max, sum { for k.t, k.v { max } for i.t, i.v { exp } .. } }
// Refuses  no-common-rows, not-affine, unknown-loop, bad-lanes.
// Legal    when no dependence is reversed (judged in legality/order): reductions must be reassociable.
// Source   row-wise normalizations of every runtime; "compute_at" of Halide.
#include <algorithm>

#include "polyhedral/cost/contraction.h"
#include "polyhedral/group.h"
#include "polyhedral/transformation.h"
#include "polyhedral/tree_text.h"

namespace nasc {
namespace {

struct Rows {
  std::vector<std::string> names;                                // of the common dimensions
  std::map<std::string, std::vector<std::string>> index;         // per statement: expression of each
  std::map<std::string, std::vector<std::string>> inner;         // per statement: other iterators, in order
};

// How many leading dimensions all written tensors have in common.
int common_rank(const Program& p) {
  const Shape* first = nullptr;
  int rank = 0;
  for (const Statement& s : p.statements) {
    const Shape& shape = p.tensor(s.write.tensor).shape;
    if (!first) {
      first = &shape;
      rank = static_cast<int>(shape.size());
    }
    int k = 0;
    while (k < rank && k < static_cast<int>(shape.size()) && shape[k] == (*first)[k]) ++k;
    rank = k;
  }
  return rank;
}

Expected<Rows> rows_of(const Program& p, int rank) {
  Rows out;
  size_t widest = 0;
  for (const Statement& s : p.statements) {
    std::vector<bool> used(s.iterators.size());
    std::vector<std::string> names, index;
    for (int k = 0; k < rank; ++k) {
      std::optional<LinearAff> a = linear(s.write.map.at(k));
      if (!a || a->denominator != 1) return refuse("not-affine", s.name + " writes through a division");
      index.push_back(index_text(*a, s));
      names.push_back("i" + std::to_string(k));
      for (size_t i = 0; i < a->coefficients.size(); ++i)
        if (a->coefficients[i]) used[i] = true, names.back() = s.iterators[i];
    }
    for (size_t i = 0; i < used.size(); ++i)
      if (!used[i]) out.inner[s.name].push_back(s.iterators[i]);
    out.index[s.name] = std::move(index);
    if (s.iterators.size() > widest || out.names.empty()) {
      widest = s.iterators.size();
      out.names = names;
    }
  }
  for (size_t k = 0; k < out.names.size(); ++k)
    for (size_t j = 0; j < k; ++j)
      if (out.names[j] == out.names[k]) out.names[k] += std::to_string(k);
  return out;
}

// The inner iterator along which most accesses have neighbouring elements, if any.
std::string walking(const Program& p, const Statement& s, const std::vector<std::string>& inner) {
  std::string best;
  int most = 0;
  for (const auto& name : inner) {
    int at = s.iterator(name), count = 0;
    auto walks = [&](const Access& a) {
      Layout l = layout_of(p.tensor(a.tensor));
      if (l.dims.empty()) return false;
      std::optional<LinearAff> last = linear(a.map.at(l.dims.back().dim));
      return last && last->denominator == 1 && last->coefficients[at] == 1;
    };
    count += walks(s.write);
    for (const Access& r : s.reads) count += walks(r);
    if (count > most) most = count, best = name;
  }
  return best;
}

Expected<Kernel> apply_rows(const Kernel& kernel, const Args& a) {
  Program p = kernel.program;
  int rank = common_rank(p);
  if (rank == 0 || p.statements.empty()) return refuse("no-common-rows", "the results share no leading dimension");
  auto scalar_per_row = [&](const Tensor& t) {
    return std::all_of(t.shape.begin() + rank, t.shape.end(), [](const Extent& e) { return e.is(1); });
  };
  stage_outputs(p, scalar_per_row);
  auto rows = rows_of(p, rank);
  if (!rows) return std::unexpected(rows.error());
  std::vector<std::string> loops = a.words("loops");
  std::string parallel = a.has("parallel") ? a.word("parallel") : "";
  std::vector<int> order;
  for (const auto& name : loops) {
    auto at = std::find(rows->names.begin(), rows->names.end(), name);
    if (at == rows->names.end() || std::count(loops.begin(), loops.end(), name) > 1)
      return refuse("unknown-loop", name + " is no common dimension, or listed twice");
    order.push_back(static_cast<int>(at - rows->names.begin()));
  }
  if (order.size() != rows->names.size()) return refuse("unknown-loop", text("need all ", rows->names.size(), " common dimensions"));
  if (!parallel.empty() && std::find(loops.begin(), loops.end(), parallel) == loops.end())
    return refuse("unknown-loop", "no common dimension " + parallel);
  int64_t lanes = a.has("lanes") ? a.integer("lanes") : 1;
  if (lanes < 1 || lanes > 64) return refuse("bad-lanes", text(lanes, " lanes"));

  std::vector<std::pair<std::vector<std::string>, TextNodeRef>> parts;
  for (const Statement& s : p.statements) {
    std::vector<std::string> inner = rows->inner[s.name];
    auto band = [&](const std::string& mark, const std::string& e, TextNodeRef child, const std::string& options = "") {
      return tree_band(mark, {{s.name, e}}, std::move(child), options);
    };
    auto mark_of = [&](const std::string& name) {
      bool taken = std::find(rows->names.begin(), rows->names.end(), name) != rows->names.end();
      return taken ? name + "_in" : name;
    };
    TextNodeRef node = tree_leaf();
    std::string vector = walking(p, s, inner);
    int64_t extent = vector.empty() ? 0 : iterator_extent(s, vector).value_or(0);
    if (lanes > 1 && extent >= lanes) {
      inner.erase(std::find(inner.begin(), inner.end(), vector));
      node = band(mark_of(vector) + ".v vectorize", text("(", vector, ") mod ", lanes), node);
      std::string options, outer;
      for (size_t i = 0; i < order.size() + inner.size(); ++i) outer += text(i ? ", c" : "c", i);
      if (extent % lanes)
        options = text("{ isolate[[", outer, "] -> [x]] : 0 <= x and ", lanes, "*x + ", lanes, " <= ", extent, " }");
      node = band(mark_of(vector) + ".t", text("floor((", vector, ")/", lanes, ")"), node, options);
    }
    for (size_t k = inner.size(); k-- > 0;) node = band(mark_of(inner[k]), inner[k], node);
    parts.push_back({{s.name}, node});
  }
  TextNodeRef tree = tree_sequence(std::move(parts));
  for (const Tensor& t : p.tensors)
    if (t.role == Role::temp && scalar_per_row(t)) tree = tree_mark("stage " + t.name, tree);
  for (size_t k = order.size(); k-- > 0;) {
    std::map<std::string, std::string> exprs;
    for (const Statement& s : p.statements) exprs[s.name] = rows->index[s.name][order[k]];
    tree = tree_band(loops[k] + (loops[k] == parallel ? " parallel" : ""), exprs, tree);
  }
  return Kernel{p, build_tree(p, tree)};
}

const Registered<Transformation> rows{{
    .name = "rows",
    .kind = Kind::schedule,
    .parameters = {{Parameter::words, "loops", "leading dimensions that all results share, outermost loop first"},
                   {Parameter::word, "parallel", "the one divided among threads", false},
                   {Parameter::integer, "lanes", "vector lanes of the innermost loops", false}},
    .doc = "Compute row by row: all statements under loops over their common leading dimensions.",
    .refusals = {"no-common-rows", "not-affine", "unknown-loop", "bad-lanes"},
    .on_kernel = apply_rows,
    .on_module = nullptr,
    .choices = nullptr}};

}  // namespace

std::vector<std::string> row_dimensions(const Program& p) {
  int rank = common_rank(p);
  if (rank == 0 || p.statements.empty()) return {};
  auto rows = rows_of(p, rank);
  return rows ? rows->names : std::vector<std::string>{};
}

}  // namespace nasc
