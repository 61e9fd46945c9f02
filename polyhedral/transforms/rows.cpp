// rows(loops=[n, m], parallel=n, lanes=8) -- all statements under loops over the leading dimensions that all their
// results share; each has its other loops inside, the one that walks memory innermost and as vector lanes.
//   before  for n, m, k { max }  for n, m, i { exp }  for n, m, k { sum }  for n, m, i { div }
//   after   for n parallel, m { stage max, sum { for k.t, k.v { max } for i.t, i.v { exp } .. } }
// A reduction of at least two whole vectors is made of one per lane, k.t { k.v { lane max } } and then { lanes } { max }.
// Statements one after the other that read each other's results at their own points share their loops, and what only they
// use is in registers; other local tensors have places for one row.
// Refuses  no-common-rows, not-affine, unknown-loop, bad-lanes.
// Legal    when no dependence is reversed (judged in legality/order): reductions must be reassociable.
// Source   row-wise normalizations of every runtime; "compute_at" of Halide.
#include <algorithm>
#include <limits>
#include <set>

#include "ir/isl_box.h"
#include "polyhedral/cost/contraction.h"
#include "polyhedral/edit.h"
#include "polyhedral/group.h"
#include "polyhedral/transformation.h"
#include "polyhedral/transforms/statements.h"
#include "polyhedral/transforms/tile_parts.h"
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
    if (iterator_extent(s, name) == 1) continue;
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

std::optional<double> identity(Combine c) {
  switch (c) {
    case Combine::add: return 0;
    case Combine::mul: return 1;
    case Combine::max: return -std::numeric_limits<double>::infinity();
    case Combine::min: return std::numeric_limits<double>::infinity();
    case Combine::assign: break;
  }
  return std::nullopt;
}

// The reduction statement at `place` over its iterator `along`, one result per lane, and after it that of the lanes:
//   acc op= f(k)   becomes   lane[k mod lanes] = identity; lane[k mod lanes] op= f(k); acc op= lane[l]
void reduce_by_lanes(Program& p, size_t place, const std::string& along, int64_t lanes) {
  Statement sum = p.statements[place];
  Tensor lane = p.tensor(sum.write.tensor);
  lane.name = unused_name(p, lane.name + "_lanes");
  lane.role = Role::temp;
  lane.layout.reset();
  std::vector<std::string> element, index;
  for (int d = 0; d < lane.rank(); ++d) {
    element.push_back(text("e", d));
    index.push_back(index_text(*linear(sum.write.map.at(d)), sum));
  }
  element.push_back("lane");
  index.push_back(text("(", along, ") mod ", lanes));
  lane.shape.push_back(lanes);
  std::string start = unused_name(p, sum.name + "_start"), meet = unused_name(p, sum.name + "_lanes");
  Statement first(start, element, box_of(start, element, lane.shape), {lane.name, to(start, element, lane.name, element)});
  first.body = constant(lane.dtype, *identity(sum.combine));
  std::vector<std::string> whole(element.begin(), element.end() - 1);
  Statement last(meet, element, box_of(meet, element, lane.shape),
                 {sum.write.tensor, to(meet, element, sum.write.tensor, whole)});
  last.reads = {{lane.name, to(meet, element, lane.name, element)}};
  last.body = read(0, lane.dtype);
  last.combine = sum.combine;
  sum.write = {lane.name, to(sum.name, sum.iterators, lane.name, index)};
  p.tensors.push_back(std::move(lane));
  auto at = p.statements.begin() + static_cast<long>(place);
  *at = std::move(sum);
  at = p.statements.insert(at, std::move(first));
  p.statements.insert(at + 2, std::move(last));
}

// Reductions along memory of at least two vectors, all of them whole: registers hold the lanes.
void reduce_by_lanes(Program& p, const Rows& rows, int64_t lanes) {
  for (size_t k = 0; k < p.statements.size(); ++k) {
    const Statement& s = p.statements[k];
    const Tensor& t = p.tensor(s.write.tensor);
    auto inner = rows.inner.find(s.name);
    if (inner == rows.inner.end() || !s.reassociable || !identity(s.combine) || t.role != Role::temp ||
        (t.dtype != DType::f32 && t.dtype != DType::f64) || !same(s.domain, s.box))
      continue;
    if (std::any_of(t.shape.begin(), t.shape.end(), [](const Extent& e) { return !e.is_constant(); })) continue;
    std::string along = walking(p, s, inner->second);
    int64_t extent = along.empty() ? 0 : iterator_extent(s, along).value_or(0);
    auto written = iterators_used(s, s.write);
    bool kept = std::any_of(written.begin(), written.end(), [&](const auto& d) { return std::count(d.begin(), d.end(), s.iterator(along)) > 0; });
    if (extent < 2 * lanes || extent % lanes || kept) continue;
    reduce_by_lanes(p, k, along, lanes);
    k += 2;
  }
}

// Other local tensors than these get places for the elements of one row.
void fold_rows(Program& p, int rank, const std::set<std::string>& in_registers, const std::set<std::string>& staged) {
  constexpr int64_t kMost = 64 << 10;  // bytes of a row
  for (Tensor& t : p.tensors) {
    if (t.role != Role::temp || in_registers.count(t.name) || staged.count(t.name) || t.layout) continue;
    Layout l = layout_of(t);
    for (LayoutDim& d : l.dims)
      if (d.dim < rank) d.mod = 1;
    Tensor folded = t;
    folded.layout = l;
    Extent row = storage_bytes(folded);
    if (row.is_constant() && row.constant() <= kMost) t = std::move(folded);
  }
}

// A statement inside of one row: its other iterators, that of the vectors last; none of vectors: `vector` is empty.
struct InRow {
  const Statement* statement = nullptr;
  std::vector<std::string> inner;
  std::string vector;
};

// Statements in the same loops, and local tensors that they alone use.
struct Run {
  std::vector<InRow> members;
  std::vector<std::string> staged;
};

// Which of the inner loops each index of the access is, and what it adds; nullopt: an index is something else.
std::optional<std::vector<std::pair<int64_t, int64_t>>> point_of(const InRow& s, const Access& a) {
  constexpr int64_t kConstant = -1, kRow = -2;
  std::vector<std::pair<int64_t, int64_t>> out;
  for (int d = 0; d < static_cast<int>(a.map.size()); ++d) {
    std::optional<LinearAff> f = linear(a.map.at(d));
    if (!f || f->denominator != 1 || !f->parameters.empty()) return std::nullopt;
    int64_t which = kConstant;
    for (size_t i = 0; i < f->coefficients.size(); ++i) {
      if (!f->coefficients[i]) continue;
      if (f->coefficients[i] != 1 || which != kConstant) return std::nullopt;
      auto at = std::find(s.inner.begin(), s.inner.end(), s.statement->iterators[i]);
      which = at == s.inner.end() ? kRow : at - s.inner.begin();
    }
    out.emplace_back(which, f->constant);
  }
  return out;
}

// May `next` be in the loops of `run`: of the same extents, and what it reads of their results is of the same point?
bool shares_loops(const std::vector<InRow>& run, const InRow& next) {
  const InRow& first = run[0];
  if (first.vector.empty() || next.vector.empty() || first.inner.size() != next.inner.size()) return false;
  for (size_t k = 0; k < first.inner.size(); ++k) {
    auto extent = iterator_extent(*next.statement, next.inner[k]);
    if (!extent || extent != iterator_extent(*first.statement, first.inner[k])) return false;
  }
  for (const InRow& before : run) {
    const std::string& made = before.statement->write.tensor;
    if (made == next.statement->write.tensor) return false;
    for (const Access& r : before.statement->reads)
      if (r.tensor == next.statement->write.tensor) return false;
    auto written = point_of(before, before.statement->write);
    for (const Access& r : next.statement->reads)
      if (r.tensor == made && (before.statement->is_reduction() || !written || written != point_of(next, r))) return false;
  }
  return true;
}

// Local tensors that these statements alone use.
std::vector<std::string> used_by(const Program& p, const std::vector<InRow>& run, const std::set<std::string>& but) {
  std::map<std::string, bool> alone;
  for (const Statement& s : p.statements) {
    bool in = std::any_of(run.begin(), run.end(), [&](const InRow& r) { return r.statement == &s; });
    auto note = [&](const Access& a) { alone[a.tensor] = alone.try_emplace(a.tensor, true).first->second && in; };
    note(s.write);
    for (const Access& r : s.reads) note(r);
  }
  std::vector<std::string> out;
  for (const auto& [name, yes] : alone)
    if (yes && p.tensor(name).role == Role::temp && !but.count(name)) out.push_back(name);
  return out;
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

  std::set<std::string> in_registers, staged;  // in a row; in the loops of some statements
  for (const Tensor& t : p.tensors)
    if (t.role == Role::temp && scalar_per_row(t)) in_registers.insert(t.name);
  if (lanes > 1) {
    size_t known = p.tensors.size();
    reduce_by_lanes(p, *rows, lanes);
    for (size_t k = known; k < p.tensors.size(); ++k) in_registers.insert(p.tensors[k].name);
    rows = rows_of(p, rank);
    if (!rows) return std::unexpected(rows.error());
  }
  auto in_row = [&](const Statement& s) {
    InRow out{&s, rows->inner[s.name], walking(p, s, rows->inner[s.name])};
    if (lanes < 2 || out.vector.empty() || iterator_extent(s, out.vector).value_or(0) < lanes) out.vector.clear();
    else std::erase(out.inner, out.vector), out.inner.push_back(out.vector);
    return out;
  };
  std::vector<Run> runs;
  for (const Statement& s : p.statements) {
    InRow next = in_row(s);
    if (runs.empty() || !shares_loops(runs.back().members, next)) runs.emplace_back();
    runs.back().members.push_back(next);
  }
  for (Run& run : runs)
    if (!run.members[0].vector.empty()) {
      run.staged = used_by(p, run.members, in_registers);
      staged.insert(run.staged.begin(), run.staged.end());
    }
  fold_rows(p, rank, in_registers, staged);
  std::vector<std::pair<std::vector<std::string>, TextNodeRef>> parts;
  for (const Run& run : runs) {
    const InRow& first = run.members[0];
    std::vector<std::string> statements;
    std::vector<std::pair<std::vector<std::string>, TextNodeRef>> leaves;
    for (const InRow& r : run.members) {
      statements.push_back(r.statement->name);
      leaves.push_back({{r.statement->name}, tree_leaf()});
    }
    auto band = [&](size_t k, const std::string& suffix, auto&& e, TextNodeRef child, const std::string& options = "") {
      std::map<std::string, std::string> exprs;
      for (const InRow& r : run.members) exprs[r.statement->name] = e(r.inner[k]);
      const std::string& name = first.inner[k];
      bool taken = std::find(rows->names.begin(), rows->names.end(), name) != rows->names.end();
      return tree_band((taken ? name + "_in" : name) + suffix, exprs, std::move(child), options);
    };
    TextNodeRef node = tree_sequence(std::move(leaves));
    size_t loops_inside = first.inner.size();
    if (!first.vector.empty()) {
      int64_t extent = *iterator_extent(*first.statement, first.vector);
      size_t k = --loops_inside;
      node = band(k, ".v vectorize", [&](const std::string& i) { return mod_of(i, lanes); }, node);
      for (const std::string& t : run.staged) node = tree_mark("stage " + t, node);
      node = band(k, ".t", [&](const std::string& i) { return floor_of(i, lanes); }, node,
                  whole_tiles(order.size() + loops_inside, lanes, extent));
    }
    while (loops_inside-- > 0) node = band(loops_inside, "", [](const std::string& i) { return i; }, node);
    parts.push_back({statements, node});
  }
  TextNodeRef tree = tree_sequence(std::move(parts));
  for (const Tensor& t : p.tensors)
    if (in_registers.count(t.name)) tree = tree_mark("stage " + t.name, tree);
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
