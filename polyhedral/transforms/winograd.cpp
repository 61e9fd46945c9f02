// winograd(call=12, m=4) -- compute a 3x3 convolution by Winograd's F(m x m, 3x3).
//   before  call 12: Y[n,m,p,q] = init; Y += X[n,d+D*floor(m/M)+f,p+r-a,q+s-b] W[m,d,r,s]; pointwise statements
//   after   at create: U = G W G'; then V = B' X B per tile; P[i,j] += V[i,j] U[i,j]; Y = init + A'
//   P A; pointwise. Of a number N of images that is not known, V and P are [n,i,j,t,..].
// With block=2, two rows of tiles at a time, in one Program whose V and P stay in a cache.
// Refuses  no-such-call, bad-size, bad-block, symbolic-extent, not-convolution, not-3x3, strided, not-f32,
// not-constant, not-pointwise. Legal    as real numbers; in f32 the relative error grows, against
// direct sums, below 1 (m = 2), 2 (m = 3) and 2.5 (m = 4) times. Source   Lavin and Gray 2016; points
// {0, 3/4, -3/4, 2, inf} and {0, 3/4, -3/4, 3/2, -3/2, inf} of cpu-perf 3.4; schemes of cpu-perf 7.
#include <algorithm>
#include <functional>

#include "polyhedral/memo.h"
#include "polyhedral/module_edit.h"
#include "polyhedral/transformation.h"
#include "polyhedral/transforms/winograd_programs.h"

namespace nasc {
namespace {

// The iterator that an index equals, plus a constant; nullopt otherwise.
std::optional<std::pair<int, int64_t>> plain(const isl::aff& index) {
  auto a = linear(index);
  if (!a || a->denominator != 1 || !a->parameters.empty())
    return std::nullopt;
  int at = -1;
  for (size_t k = 0; k < a->coefficients.size(); ++k) {
    if (!a->coefficients[k])
      continue;
    if (a->coefficients[k] != 1 || at >= 0)
      return std::nullopt;
    at = static_cast<int>(k);
  }
  if (at < 0)
    return std::nullopt;
  return std::pair{at, int64_t{a->constant}};
}

// Iterators of the four indices of an access that are distinct iterators without offsets.
std::optional<std::vector<int>> plain_indices(const Access& a) {
  if (a.map.size() != 4)
    return std::nullopt;
  std::vector<int> out;
  for (int k = 0; k < 4; ++k) {
    auto i = plain(a.map.at(k));
    if (!i || i->second || std::find(out.begin(), out.end(), i->first) != out.end())
      return std::nullopt;
    out.push_back(i->first);
  }
  return out;
}

bool identity(const Statement& s) {
  auto i = plain_indices(s.write);
  return i && *i == std::vector<int>{0, 1, 2, 3} && s.iterators.size() == 4;
}

// d + step*floor(m/rows) + first; step and rows are 0 without groups.
struct Channels {
  int64_t step = 0, rows = 0, first = 0;
};
std::optional<Channels> grouped(const isl::aff& index, int m, int d) {
  QuasiAff f = quasi(index);
  auto only = [](const LinearAff& a, int iterator) {
    bool out = a.parameters.empty();
    for (int k = 0; k < static_cast<int>(a.coefficients.size()); ++k)
      out &= a.coefficients[static_cast<size_t>(k)] == (k == iterator);
    return out;
  };
  if (!only(f.linear, d) || f.linear.denominator != 1 || f.linear.constant < 0 || f.floors.size() > 1)
    return std::nullopt;
  const int64_t first = f.linear.constant;
  if (f.floors.empty())
    return Channels{0, 0, first};
  const auto& [step, inner] = f.floors[0];
  if (step < 1 || !inner.floors.empty() || !only(inner.linear, m) || inner.linear.constant || inner.linear.denominator < 2)
    return std::nullopt;
  return Channels{step, inner.linear.denominator, first};
}

// Reads of the window: X[n, d, step*p + dilation*r - before, ..] with step and dilation 1.
Expected<int64_t> window(const isl::aff& index, int out, int tap) {
  auto a = linear(index);
  if (!a || a->denominator != 1 || !a->parameters.empty())
    return refuse("not-convolution", "a window index is no affine sum");
  for (int k = 0; k < static_cast<int>(a->coefficients.size()); ++k) {
    long c = a->coefficients[k];
    if (k != out && k != tap && c)
      return refuse("not-convolution", "a window index has a third iterator");
    if ((k == out || k == tap) && c == 0)
      return refuse("not-convolution", "a window index misses an iterator");
    if ((k == out || k == tap) && c != 1)
      return refuse("strided", text("a window moves by ", c));
  }
  return -int64_t{a->constant};
}

} // namespace

static Expected<WinogradShape> recognised(const Program& p) {
  WinogradShape w;
  std::vector<size_t> sums;
  for (size_t k = 0; k < p.statements.size(); ++k)
    if (p.statements[k].is_reduction())
      sums.push_back(k);
  if (sums.size() != 1 || p.phase != Phase::run)
    return refuse("not-convolution", text(sums.size(), " reductions"));
  w.sum = sums[0];
  const Statement& s = p.statements[w.sum];
  if (s.combine != Combine::add || !s.reassociable || s.reads.size() != 2 ||
      s.body->fn != Fn::mul || s.iterators.size() != 7 || s.body->args[0]->fn != Fn::read ||
      s.body->args[1]->fn != Fn::read || s.body->args[0]->index == s.body->args[1]->index)
    return refuse("not-convolution", s.name + " is no sum of products over three iterators");
  auto y = plain_indices(s.write);
  if (!y)
    return refuse("not-convolution", s.name + " writes no plain four indices");
  std::optional<std::vector<int>> f;
  size_t weights = 1;
  for (size_t r = 0; r < 2 && !f; ++r) {
    f = plain_indices(s.reads[r]);
    if (f && ((*f)[0] != (*y)[1] || std::count(y->begin(), y->end(), (*f)[1])))
      f.reset();
    weights = r;
  }
  if (!f)
    return refuse("not-convolution", "no factor is a filter [m, d, r, s]");
  const Access &filter = s.reads[weights], &image = s.reads[1 - weights];
  if (image.map.size() != 4)
    return refuse("not-convolution", "the image has no four indices");
  auto n = plain(image.map.at(0));
  auto group = grouped(image.map.at(1), (*y)[1], (*f)[1]);
  if (!n || !group || n->second || n->first != (*y)[0])
    return refuse("not-convolution", "the image is not indexed [n, d, ..]");
  for (int k = 0; k < 2; ++k) {
    auto before = window(image.map.at(2 + k), (*y)[2 + k], (*f)[2 + k]);
    if (!before)
      return std::unexpected(before.error());
    w.before[k] = *before;
  }
  const int images = (*y)[0]; // of which there may be any number
  std::vector<int64_t> extents;
  for (int k = 0; k < 7; ++k) {
    auto range = constant_range(s.box, k);
    if (!range && k == images)
      range = {0, 0};
    if (!range)
      return refuse("symbolic-extent", s.iterators[k] + " has no constant extent");
    if (range->first != 0)
      return refuse("not-convolution", s.iterators[k] + " does not start at 0");
    extents.push_back(range->second + 1);
  }
  for (int k = 0; k < 2; ++k)
    if (extents[(*f)[2 + k]] != 3)
      return refuse("not-3x3", text("filter extent ", extents[(*f)[2 + k]]));
  w.image = image.tensor, w.filter = filter.tensor, w.output = s.write.tensor;
  const Tensor &x = p.tensor(w.image), &g = p.tensor(w.filter), &t = p.tensor(w.output);
  if (x.dtype != DType::f32 || g.dtype != DType::f32 || t.dtype != DType::f32)
    return refuse("not-f32", name(x.dtype));
  if (x.role == Role::temp || g.role == Role::temp)
    return refuse("not-convolution", "its operands are local");
  w.images = t.shape[0];
  if (!w.images.is_affine() || !std::all_of(x.shape.begin() + 1, x.shape.end(), [](const Extent& e) { return e.is_constant(); }))
    return refuse("symbolic-extent", text(x.shape));
  for (int k = 0; k < 4; ++k)
    w.out[k] = extents[(*y)[k]];
  w.channels = extents[(*f)[1]];
  if (group->step > 0) {
    if (group->step != w.channels || w.out[1] % group->rows)
      return refuse("not-convolution", "its groups overlap or leave channels out");
    w.groups = w.out[1] / group->rows;
  }
  w.first = group->first;
  if (w.first + w.channels * w.groups > x.shape[1].constant())
    return refuse("not-convolution", "it reads channels that its image does not have");
  if (!s.box.apply(s.write.map.as_map()).is_equal(extent_set(t)))
    return refuse("not-convolution", "it writes a part of its output");
  if (!g.shape[0].is(w.out[1]) || !g.shape[1].is(w.channels))
    return refuse("not-convolution", "it reads a part of its filter");
  // Taps that fall out of the image, and nothing else, are dropped; a zero border may hold them.
  isl::set inside = s.box.intersect(image.map.as_map().intersect_range(extent_set(x)).domain());
  isl::set bordered = s.box.intersect(image.map.as_map().intersect_range(storage_set(x)).domain());
  if (!s.domain.is_equal(inside) && !s.domain.is_equal(bordered))
    return refuse("not-convolution", "its domain is cut");
  bool uses_iterators = false;
  for (size_t k = 0; k < p.statements.size(); ++k) {
    const Statement& other = p.statements[k];
    if (k == w.sum)
      continue;
    if (!identity(other) || !other.domain.is_equal(other.box) ||
        !(p.tensor(other.write.tensor).shape == t.shape) ||
        !other.domain.is_equal(renamed(extent_set(t), other.name)))
      return refuse("not-pointwise", other.name + " is not one assignment per output");
    visit(other.body, [&](const Expr& e) { uses_iterators |= e.fn == Fn::iterator; });
  }
  if (uses_iterators)
    return refuse("not-pointwise", "a statement computes with its iterators");
  return w;
}

Expected<WinogradShape> find_winograd(const Program& p) {
  return with_quota(IslEntry::analysis, [&] { return recognised(p); });
}

namespace {
int add_buffer(Network& n, Tensor t, const std::string& wanted, Role role) {
  t.name = unused_buffer_name(n, wanted);
  t.role = role;
  Buffer b;
  static_cast<Tensor&>(b) = std::move(t);
  n.buffers.push_back(std::move(b));
  return static_cast<int>(n.buffers.size()) - 1;
}

// One buffer per constant matrix, whatever the number of layers.
int matrix_buffer(Network& n, const Tensor& matrix, const std::string& wanted) {
  int b = find_buffer(n, wanted);
  if (b >= 0 && n.buffers[b].payload && hash(n.buffers[b].payload) == hash(matrix.payload))
    return b;
  return add_buffer(n, matrix, wanted, Role::weight);
}

Expected<Module> apply_winograd(const Module& module, const Args& a) {
  const Network& n = module.network;
  int64_t at = a.integer("call"), m = a.integer("m");
  if (at < 0 || at >= static_cast<int64_t>(n.calls.size()))
    return refuse("no-such-call", text("call ", at, " of ", n.calls.size()));
  if (!std::count(kWinogradTiles.begin(), kWinogradTiles.end(), m))
    return refuse("bad-size", text("tiles of ", m, " outputs; ", kWinogradTiles.front(), " to ",
                                   kWinogradTiles.back(), " are known"));
  const Call call = n.calls[at];
  const Program p = *n.programs[call.program];
  auto shape = find_winograd(p);
  if (!shape)
    return std::unexpected(shape.error());
  shape->m = m;
  shape->block = a.has("block") ? a.integer("block") : 0;
  if (shape->block && (shape->block < 1 || shape->tiles(0) % shape->block))
    return refuse("bad-block", text("blocks of ", shape->block, " of ", shape->tiles(0), " rows of tiles; whole blocks are possible"));
  std::array<int64_t, 4> pads{};
  if (std::vector<int64_t> given = a.has("pads") ? a.integers("pads") : std::vector<int64_t>{}; !given.empty()) {
    if (!shape->block || given.size() != 4 || *std::min_element(given.begin(), given.end()) < 0)
      return refuse("bad-block", "four pads that are not negative, of the tensors of a block");
    std::copy(given.begin(), given.end(), pads.begin());
  }
  std::vector<int> bound = Network::bound(p);
  std::map<std::string, int> buffer_of;
  for (size_t k = 0; k < bound.size(); ++k)
    buffer_of[p.tensors[bound[k]].name] = call.args[k];
  int weights = buffer_of.at(shape->filter);
  if (n.buffers[n.root(weights)].role != Role::weight || !is_row_major(n.buffers[weights]))
    return refuse("not-constant", n.buffers[weights].name + " is no row-major constant");

  int64_t lanes = a.has("lanes") ? a.integer("lanes") : 0; // 0: all
  int64_t most = std::max(shape->channels * shape->groups, shape->out[1]);
  if (lanes < 0 || lanes > most || (lanes && !shape->block))
    return refuse("bad-block", text(lanes, " of ", most, " channels side by side, in tensors of a block"));

  const ProgramRef whole = n.programs[call.program];
  auto made_of = [&](const std::string& part, const std::function<Program()>& make) {
    return *remembered({whole}, text("winograd ", m, " ", part), [&]() -> Expected<Program> { return make(); });
  };
  std::vector<ProgramRef> parts; // what is called in place of the convolution
  if (shape->block)
    parts = {made_of(text("blocks ", shape->block, " ", lanes, " ", pads[0], " ", pads[1], " ", pads[2], " ", pads[3]), [&] { return blocks_program(p, *shape, lanes, pads); })};
  else
    parts = {made_of("input", [&] { return input_program(p, *shape); }),
             made_of("product", [&] { return product_program(*shape); }),
             made_of("output", [&] { return output_program(p, *shape); })};
  ProgramRef filter = made_of("filter", [&] { return filter_program(p, *shape); });
  Module out = module;
  Network& net = out.network;
  const std::string base = n.buffers[call.args.back()].name;
  // Arguments by tensor name; the output program keeps the names of the convolution's.
  std::map<std::string, int> named = buffer_of;
  auto bind = [&](const Program& q) {
    std::vector<int> args;
    for (int k : Network::bound(q))
      args.push_back(named.at(q.tensors[k].name));
    return args;
  };
  auto add = [&](const Tensor& t, const char* suffix) { return add_buffer(net, t, base + suffix, Role::temp); };
  auto matrix = [&](const Tensor& t, const char* which) { return matrix_buffer(net, t, text("winograd_", which, m)); };
  std::map<std::string, int> of_filter = {{"W", weights}};
  of_filter["U"] = add(filter->tensor("U"), "_wu");
  std::vector<int> v_and_p;
  if (!shape->block)
    v_and_p = {add(parts[0]->tensor("V"), "_wx"), add(parts[1]->tensor("P"), "_wp")};
  of_filter["G"] = matrix(filter->tensor("G"), "g");
  const Tensor& input_matrix = parts[0]->tensor(shape->block ? kInputMatrix : "B");
  const int b = matrix(input_matrix, "b");
  std::vector<Call> calls;
  named = of_filter;
  Call create{0, bind(*filter), call.name};
  if (shape->block) {
    named = buffer_of;
    named[kFilters] = of_filter["U"], named[kInputMatrix] = b;
    named[kOutputMatrix] = matrix(parts[0]->tensor(kOutputMatrix), "a");
    calls = {{0, bind(*parts[0]), call.name}};
  } else {
    named = {{"X", buffer_of.at(shape->image)}, {"B", b}, {"U", of_filter["U"]}, {"V", v_and_p[0]}, {"P", v_and_p[1]}};
    calls = {{0, bind(*parts[0]), call.name}, {0, bind(*parts[1]), call.name}};
    named = buffer_of;
    named[kProducts] = v_and_p[1];
    named[kOutputMatrix] = matrix(parts[2]->tensor(kOutputMatrix), "a");
    calls.push_back({0, bind(*parts[2]), call.name});
  }
  net.calls.erase(net.calls.begin() + at);
  net.calls.insert(net.calls.begin() + at, calls.begin(), calls.end());
  net.calls.insert(net.calls.begin(), create);
  rebind(out, 0, filter);
  for (size_t k = 0; k < parts.size(); ++k)
    rebind(out, static_cast<int>(at) + 1 + static_cast<int>(k), parts[k]);
  drop_unused(out);
  return out;
}

const Registered<Transformation> winograd{
    {.name = "winograd",
     .kind = Kind::algebraic,
     .parameters = {{Parameter::integer, "call", "call of a 3x3 convolution"},
                    {Parameter::integer, "m", "outputs per tile and dimension: 2, 3 or 4"},
                    {Parameter::integer, "block", "rows of tiles that go through all steps at a time", false},
                    {Parameter::integer, "lanes", "channels that V and P have side by side, with block; all when absent", false},
                    {Parameter::integers, "pads", "of blocks of channels and of tiles, of V and then of P, with block", false}},
     .doc = "Compute a 3x3 convolution by Winograd's algorithm F(m x m, 3x3).",
     .refusals = {"no-such-call", "bad-size", "bad-block", "symbolic-extent", "not-convolution", "not-3x3",
                  "strided", "not-f32", "not-constant", "not-pointwise"},
     .on_kernel = nullptr,
     .on_module = apply_winograd,
     .choices = nullptr}};

} // namespace
} // namespace nasc
