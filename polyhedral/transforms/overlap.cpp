// overlap(first=5, second=6, rows=7) -- compute what windows read by bands of rows, with the rows of their results.
//   before  call 5: T[n,m,h,w] = producer                call 6: Y[n,m,p,q] = f(T[n,m,2*p+k-1,2*q+l-1], ..)
//   after   for block { T'[block,n,m,h',w'] = producer of the rows that rows [7*block, 7*block + 7) of Y read, in a border
//           of zeros (of -inf around what is maximised); these rows of Y }
// Rows that two bands read are computed in both. T' has places for one band; a schedule has to make and use them so.
// Refuses  no-such-call, phase-differs, too-many-statements, not-producer, used-elsewhere, different-index-spaces,
// symbolic-extent, not-affine, not-a-window, bad-rows, not-a-product (a border around what is neither a sum of products nor a maximum).
// Legal    when the schedule lets no two elements of one place live at a time (judged in legality/storage).
// Source   overlapped tiling (Krishnamoorthy et al., PLDI 2007); "compute_at" of Halide.
#include <algorithm>
#include <limits>
#include <set>

#include "ir/isl_box.h"
#include "ir/joined.h"
#include "polyhedral/block_loop.h"
#include "polyhedral/group.h"
#include "polyhedral/module_edit.h"
#include "polyhedral/transforms/call_pair.h"
#include "polyhedral/transforms/statements.h"

namespace nasc {
namespace {
using Range = std::pair<int64_t, int64_t>;

// Rows of T that a band of `count` rows of Y reads: from step*count*block + low on.
struct Bands {
  int dim = 0;             // of T: its last but one
  int result = 0;          // dimension of Y's group that moves the window along it
  int64_t count = 0, blocks = 0, step = 0, low = 0, rows = 0;
  int64_t left = 0, right = 0;  // zeros around the last dimension
  int64_t extent = 0, width = 0;  // of T
  double around = 0;              // value of the border: what the windows' sums or maxima do not see
  int64_t base() const { return step * count; }
};

Expected<std::vector<Range>> ranges(const Statement& s) {
  std::vector<Range> out;
  for (size_t i = 0; i < s.iterators.size(); ++i) {
    auto range = constant_range(s.box, static_cast<int>(i));
    if (!range) return refuse("symbolic-extent", s.name + " has no constant extents");
    out.push_back(*range);
  }
  return out;
}

// The iterator of a statement that goes along a dimension of its group.
Expected<int> along(const Group& g, const Statement& s, int dim) {
  for (const GroupMember& m : g.members)
    if (m.statement == s.name)
      if (int i = s.iterator(m.index[static_cast<size_t>(dim)]); i >= 0) return i;
  return refuse("different-index-spaces", s.name + " does not go along dimension " + std::to_string(dim) + " by an iterator");
}

// What one read of T says about the bands; `out` has what reads before it said.
Expected<void> note_window(const Program& q, const Group& g, const Statement& s, const Access& read, Bands& out) {
  auto of = ranges(s);
  if (!of) return std::unexpected(of.error());
  const Tensor& t = q.tensor(read.tensor);
  for (int d = 0; d < t.rank(); ++d) {
    std::optional<LinearAff> index = linear(read.map.at(d));
    if (!index || index->denominator != 1 || !index->parameters.empty())
      return refuse("not-affine", s.name + " reads " + t.name + " through a division");
    int moving = -1;
    for (int k = 0; d == out.dim && k < static_cast<int>(g.names.size()); ++k) {
      auto i = along(g, s, k);
      if (!i || !index->coefficients[static_cast<size_t>(*i)] || (*of)[static_cast<size_t>(*i)].first == (*of)[static_cast<size_t>(*i)].second) continue;
      if (moving >= 0) return refuse("not-a-window", s.name + " moves along two dimensions at once");
      moving = *i;
      out.result = k;
    }
    int64_t step = moving < 0 ? 0 : index->coefficients[static_cast<size_t>(moving)];
    std::vector<Range> others = *of;  // of the window alone
    if (moving >= 0) others[static_cast<size_t>(moving)] = {0, 0};
    Range at = *range_over({*index, {}}, others);
    if (d == out.dim) {
      bool known = out.step > 0;
      if (step < 1 || (known && step != out.step)) return refuse("not-a-window", s.name + " does not move along the rows of " + t.name);
      out.low = known ? std::min(out.low, at.first) : at.first;
      out.rows = std::max(known ? out.rows : at.second, at.second);  // the last row, for now
      out.step = step;
    } else if (d == t.rank() - 1) {
      out.left = std::max(out.left, -at.first), out.right = std::max(out.right, at.second - out.width + 1);
    } else if (at.first < 0 || at.second >= t.shape[static_cast<size_t>(d)].constant()) {
      return refuse("not-a-window", s.name + " reads beyond dimension " + std::to_string(d) + " of " + t.name);
    }
  }
  return {};
}

Expected<Bands> bands_of(const Program& q, const Group& g, const std::string& inner, int64_t count) {
  const Tensor& t = q.tensor(inner);
  if (t.rank() < 3) return refuse("not-a-window", t.name + " has no rows");
  for (const Shape& shape : {t.shape, g.extents})
    for (const Extent& e : shape)
      if (!e.is_constant()) return refuse("symbolic-extent", text(shape));
  Bands out;
  out.dim = t.rank() - 2, out.count = count;
  out.extent = t.shape[static_cast<size_t>(out.dim)].constant(), out.width = t.shape.back().constant();
  std::set<double> around;
  bool counts = false;  // the border, in some read
  for (const Statement& s : q.statements)
    for (const Access& r : s.reads) {
      if (r.tensor != inner) continue;
      int before = out.step ? out.result : -1;
      auto noted = note_window(q, g, s, r, out);
      if (!noted) return std::unexpected(noted.error());
      if (before >= 0 && before != out.result) return refuse("not-a-window", t.name + " is read along two dimensions");
      bool factor = s.body->fn == Fn::mul && std::any_of(s.body->args.begin(), s.body->args.end(), [&](const ExprRef& e) {
                      return e->fn == Fn::read && &s.reads[static_cast<size_t>(e->index)] == &r;
                    });
      bool product = s.combine == Combine::add && factor, picked = s.combine == Combine::max && s.body->fn == Fn::read;
      picked &= is_float(t.dtype);
      counts |= !product && !picked;
      around.insert(product ? 0 : -std::numeric_limits<double>::infinity());
    }
  if (!out.step) return refuse("not-a-window", "nothing reads " + t.name);
  int64_t results = g.extents[static_cast<size_t>(out.result)].constant();
  if (count < 1 || count >= results || results % count)
    return refuse("bad-rows", text(count, " of ", results, " rows do not go into whole bands"));
  bool border = out.left || out.right || out.low < 0 || out.rows + out.step * (results - 1) >= out.extent;
  out.around = *around.begin();
  if (border && (around.size() > 1 || counts)) return refuse("not-a-product", "values around " + t.name + " would count");
  out.blocks = results / count;
  out.rows = out.step * (count - 1) + out.rows - out.low + 1;
  return out;
}

// The statement in each band: its rows, along dimension `dim` of its group, are step*block + row + low, of which one band has
// `count`. Iterators get the names of the group's dimensions that they go along.
Expected<Statement> banded(const Statement& s, const Group& g, int dim, int64_t step, int64_t low, int64_t count, int64_t blocks,
                           const std::function<Expected<Access>(const Access&, const Statement&)>& local) {
  auto found = along(g, s, dim);
  if (!found) return std::unexpected(found.error());
  const int row = *found;
  auto intervals = ranges(s);
  if (!intervals) return std::unexpected(intervals.error());
  bool by_iterators = false;
  visit(s.body, [&](const Expr& e) { by_iterators |= e.fn == Fn::iterator; });
  if (by_iterators) return refuse("not-affine", s.name + " computes with its iterators");
  std::vector<std::string> iterators = s.iterators;
  for (int k = 0; k < static_cast<int>(g.names.size()); ++k)
    if (auto i = along(g, s, k); i && !std::count(iterators.begin(), iterators.end(), g.names[static_cast<size_t>(k)]))
      iterators[static_cast<size_t>(*i)] = g.names[static_cast<size_t>(k)];
  std::vector<std::string> index = iterators;
  index[static_cast<size_t>(row)] = text(step, "*", kBlockLoop, " + ", low, " + ", iterators[static_cast<size_t>(row)]);
  iterators.insert(iterators.begin(), kBlockLoop);
  (*intervals)[static_cast<size_t>(row)] = {0, count - 1};
  intervals->insert(intervals->begin(), {0, blocks - 1});
  isl::multi_aff places = to(s.name, iterators, s.name, index);
  isl::set box = box_set(s.name, iterators, *intervals);
  Statement out(s.name, iterators, box, Access{s.write.tensor, s.write.map.pullback(places)});
  isl::set inside = s.domain.preimage(places);
  if (!box.is_subset(inside)) out.domain = box.intersect(inside);
  out.combine = s.combine, out.reassociable = s.reassociable, out.body = s.body;
  for (const Access& r : s.reads) out.reads.push_back({r.tensor, r.map.pullback(places)});
  if (auto write = local(out.write, out)) out.write = *write;
  else return std::unexpected(write.error());
  for (Access& r : out.reads)
    if (auto read = local(r, out)) r = *read;
    else return std::unexpected(read.error());
  return out;
}

// An access to T as one to the band that holds it.
Expected<Access> in_band(const Access& a, const Statement& s, const Bands& b) {
  std::vector<std::string> index = {kBlockLoop};
  for (int d = 0; d < static_cast<int>(a.map.size()); ++d) {
    std::optional<LinearAff> f = linear(a.map.at(d));
    if (!f || f->denominator != 1) return refuse("not-affine", s.name + " indexes " + a.tensor + " through a division");
    index.push_back(index_text(*f, s));
    if (d == b.dim) index.back() += text(" - ", b.base(), "*", kBlockLoop, " - (", b.low, ")");
  }
  return Access{a.tensor, to(s.name, s.iterators, a.tensor, index)};
}

// T' of all bands.
Tensor in_bands(const Tensor& t, const Bands& b) {
  Tensor out = t;
  out.role = Role::temp;
  out.shape.insert(out.shape.begin(), Extent(b.blocks));
  out.shape[static_cast<size_t>(b.dim + 1)] = Extent(b.rows);
  out.layout.reset();
  return out;
}

// One band after the other in one place, in the order of T's layout, columns of zeros at both sides.
Layout one_place(const Tensor& t, const Bands& b) {
  Layout out{{{0, 1, 1}}, std::vector<Range>(t.shape.size() + 1), {}};
  for (LayoutDim d : layout_of(t).dims) {
    ++d.dim;
    out.dims.push_back(d);
  }
  out.halo.back() = {b.left, b.right};
  return out;
}

// Zeros where the producer has no element: rows above and below all, columns left and right.
std::vector<Statement> border(const Tensor& t, const Bands& b) {
  std::vector<Statement> out;
  std::vector<std::string> names = {kBlockLoop};
  Shape extents = {b.blocks};
  for (int d = 1; d < t.rank(); ++d) {
    names.push_back(text("i", d));
    extents.push_back(t.shape[static_cast<size_t>(d)]);
  }
  auto add = [&](const char* side, int64_t from, int64_t columns, const std::string& rows) {
    std::string statement = text(kBorder, "_", side);
    std::vector<std::string> index = names;
    index.back() += text(" + ", from);
    extents.back() = columns;
    out.emplace_back(statement, names, box_of(statement, names, extents), Access{t.name, to(statement, names, t.name, index)});
    if (!rows.empty()) out.back().domain = out.back().box.intersect(isl::set(isl_context(), "{ " + statement + "[" + joined(names) + "] : " + rows + " }"));
    out.back().body = constant(t.dtype, b.around);
  };
  std::string row = text(b.base(), "*", kBlockLoop, " + i", b.dim + 1, " + ", b.low);
  if (b.low < 0) add("above", 0, b.width, row + " < 0");
  if (b.base() * (b.blocks - 1) + b.low + b.rows > b.extent) add("below", 0, b.width, text(row, " >= ", b.extent));
  if (b.left) add("left", -b.left, b.left, "");
  if (b.right) add("right", b.width, b.right, "");
  return out;
}

Expected<Program> overlapped(const Program& p, const Program& q, const CallPair& pair, int64_t count) {
  Program later = with_names(q, pair.names);
  auto g = group_of(p), h = group_of(later);
  for (const auto* group : {&g, &h})
    if (!*group) return refuse("different-index-spaces", group->error().text);
  auto bands = bands_of(later, *h, pair.inner, count);
  if (!bands) return std::unexpected(bands.error());
  // T, and what the producer computes it from point by point.
  std::set<std::string> moved = {pair.inner};
  for (const Tensor& t : p.tensors)
    if (t.role == Role::temp && t.shape == p.tensor(pair.inner).shape) moved.insert(t.name);
  for (const Statement& s : p.statements)  // rows of two bands would be summed twice
    if (!moved.count(s.write.tensor)) return refuse("used-elsewhere", p.name + " has another result, " + s.write.tensor);
  auto local = [&](const Access& a, const Statement& s) -> Expected<Access> { return moved.count(a.tensor) ? in_band(a, s, *bands) : a; };

  Program out = p;
  out.name = p.name + "_" + q.name;
  out.origin = p.origin + "+" + q.origin;
  for (const std::string& t : moved) out.tensor(t) = in_bands(p.tensor(t), *bands);
  out.tensor(pair.inner).layout = one_place(p.tensor(pair.inner), *bands);
  for (const Tensor& t : later.tensors)
    if (!out.find_tensor(t.name)) out.tensors.push_back(t);
  out.statements = border(out.tensor(pair.inner), *bands);
  for (const Statement& s : p.statements) {
    auto made = banded(s, *g, bands->dim, bands->base(), bands->low, bands->rows, bands->blocks, local);
    if (!made) return std::unexpected(made.error());
    out.statements.push_back(*made);
  }
  for (Statement s : later.statements) {
    bool windows = std::any_of(s.reads.begin(), s.reads.end(), [&](const Access& r) { return r.tensor == pair.inner; });
    if (windows && !same(s.domain, s.box)) {
      // Nothing is dropped at the border of T any more.
      isl::set inside = s.box;
      for (const Access& r : s.reads)
        if (r.tensor == pair.inner) inside = inside.intersect(r.map.as_map().intersect_range(extent_set(later.tensor(r.tensor))).domain());
      if (!s.domain.is_equal(inside)) return refuse("not-a-window", s.name + " drops points for other reasons");
      s.domain = s.box;
    }
    auto made = banded(s, *h, bands->result, count, 0, count, bands->blocks, local);
    if (!made) return std::unexpected(made.error());
    out.statements.push_back(*made);
  }
  return out;
}

Expected<Module> apply_overlap(const Module& module, const Args& a) {
  int64_t rows = a.integer("rows");
  return merge_calls(module, a, text("overlap ", rows), [&](const Program& p, const Program& q, const CallPair& pair) { return overlapped(p, q, pair, rows); });
}

const Registered<Transformation> overlap{{
    .name = "overlap",
    .kind = Kind::schedule,
    .parameters = {{Parameter::integer, "first", "call that produces"},
                   {Parameter::integer, "second", "call whose windows read that"},
                   {Parameter::integer, "rows", "of the second call's result, in each band"}},
    .doc = "Compute what windows read by bands of rows, with the rows of their results.",
    .refusals = {"no-such-call", "not-producer", "used-elsewhere", "too-many-statements", "phase-differs", "different-index-spaces",
                 "symbolic-extent", "not-affine", "not-a-window", "bad-rows", "not-a-product"},
    .on_kernel = nullptr,
    .on_module = apply_overlap,
    .choices = nullptr}};

}  // namespace
}  // namespace nasc
