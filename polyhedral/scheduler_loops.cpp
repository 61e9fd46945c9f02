// The analytic scheduler: the loop nests of single Programs.
#include "polyhedral/scheduler.h"

#include <algorithm>

#include "ir/isl_box.h"
#include "ir/selection.h"
#include "polyhedral/cost/contraction.h"
#include "polyhedral/cost/register_tile.h"
#include "polyhedral/cost/short_sums.h"
#include "polyhedral/cost/streaming.h"
#include "polyhedral/scheduler_parts.h"

namespace nasc {
namespace {

// Group dimension along which neighbouring points lie side by side in the memory of the group's last output, and
// whether the layout interleaves it in blocks.
int contiguous_dimension(const Program& p, const Group& g) {
  for (size_t k = p.statements.size(); k-- > 0;) {
    const Tensor& t = p.tensor(p.statements[k].write.tensor);
    if (t.role == Role::temp) continue;
    Layout l = layout_of(t);
    return l.dims.empty() ? -1 : l.dims.back().dim;
  }
  return static_cast<int>(g.names.size()) - 1;
}

struct TileArguments {
  std::vector<int> order;      // group dimensions, outermost first
  std::vector<int64_t> sizes;  // by group dimension
  int vector = -1;
  int64_t lanes = 0;
  int parallel = -1, collapse = -1;
  std::vector<std::string> reduce;
  std::vector<int64_t> chunks;
  int64_t step = 1;
  std::vector<std::string> unroll;
  int64_t block = 0, sum = 0;
  std::vector<int64_t> outer;  // by group dimension; empty: none
  std::string prefetch;
};

Step tile_step(const Group& g, const TileArguments& t) {
  Step step{"tile", {}};
  std::vector<std::string> loops;
  std::vector<int64_t> sizes, outer;
  for (int d : t.order) {
    loops.push_back(g.names[d]);
    sizes.push_back(t.sizes[d]);
    if (!t.outer.empty()) outer.push_back(t.outer[d]);
  }
  if (!outer.empty()) step.args["outer"] = outer;
  step.args["loops"] = loops;
  step.args["sizes"] = sizes;
  if (t.vector >= 0) {
    step.args["vector"] = g.names[t.vector];
    step.args["lanes"] = t.lanes;
  }
  if (t.parallel >= 0) step.args["parallel"] = g.names[t.parallel];
  auto place = [&](int d) { return std::find(t.order.begin(), t.order.end(), d); };
  bool inside_block = t.block && place(t.collapse) > place(t.vector);
  if (t.collapse >= 0 && !inside_block) step.args["collapse"] = g.names[t.collapse];
  if (!t.reduce.empty()) {
    step.args["reduce"] = t.reduce;
    step.args["chunks"] = t.chunks;
    if (t.step > 1) step.args["step"] = t.step;
    if (!t.unroll.empty()) step.args["unroll"] = t.unroll;
    if (t.block) step.args["block"] = t.block;
    if (t.sum) step.args["sum"] = t.sum;
    if (!t.prefetch.empty()) step.args["prefetch"] = t.prefetch;
  }
  return step;
}

bool is_one(const Extent& e) { return e.is(1); }
constexpr int64_t kFewParts = 32;  // tiles whose division leaves some of a few threads without work for long

// Puts the first dimension worth dividing among threads outermost. When its tiles are few, those of the next one are
// divided along with it.
void choose_parallel(const Group& g, TileArguments& t, const std::vector<int>& preferred) {
  for (int d : preferred) {
    const Extent& e = g.extents[d];
    int64_t trips = e.is_constant() ? (e.constant() + t.sizes[d] - 1) / t.sizes[d] : 2;
    if (trips < 2) continue;
    t.parallel = d;
    t.order.erase(std::find(t.order.begin(), t.order.end(), d));
    t.order.insert(t.order.begin(), d);
    for (size_t k = 1; trips < kFewParts && k < t.order.size() && t.collapse < 0; ++k) {
      const Extent& inside = g.extents[t.order[k]];
      if (is_one(inside)) continue;
      if (!inside.is_constant() || inside.constant() % t.sizes[t.order[k]]) break;
      if (inside.constant() > t.sizes[t.order[k]]) t.collapse = t.order[k];
    }
    return;
  }
}

}  // namespace

bool plan_contraction(Planner& planner, int program, int64_t blocks) {
  const Program& p = *planner.module.network.programs[program];
  std::optional<Contraction> found = find_contraction(p);
  if (!found) return false;
  const Contraction& c = *found;
  const Target& target = planner.module.target;
  int lanes = target.lanes(element_bytes(p));
  const Statement& s = p.statement(c.statement);
  std::optional<TileChoice> choice = decided_tile(planner, program, p, c);
  if (!choice) return false;
  TileArguments t;
  int rank = static_cast<int>(c.group.names.size());
  t.sizes.assign(rank, 1);
  t.vector = c.vector;
  t.lanes = lanes;
  t.sizes[c.vector] = choice->vectors * lanes;
  if (c.row >= 0) t.sizes[c.row] = choice->rows;
  if (c.line >= 0) t.sizes[c.line] = choice->lines;
  std::vector<int> others;
  for (int d = 0; d < rank; ++d)
    if (d != c.vector && d != c.row) others.push_back(d);
  t.order = others;
  if (choice->matrix_outer) t.order.insert(t.order.begin(), c.vector);
  else t.order.push_back(c.vector);
  if (c.row >= 0) t.order.push_back(c.row);
  // Independent products one after the other: each reads its own part of both operands.
  std::vector<int> products = shared_dimensions(c, s);
  std::stable_partition(t.order.begin(), t.order.end(), [&](int d) { return std::count(products.begin(), products.end(), d) > 0; });
  bool winograd = products.size() > 1;  // whose output transform amplifies errors
  if (products.size() > 1) {  // and each product fits the caches: weights outermost, then rows
    t.order.erase(std::find(t.order.begin(), t.order.end(), c.vector));
    t.order.insert(t.order.end() - (c.row >= 0), c.vector);
  }
  std::vector<int> preferred = t.order;
  if (choice->parallel >= 0) preferred.insert(preferred.begin(), choice->parallel);
  // Loops that isl makes of the taps of a row have their partial tile apart, which is not divided with the others.
  if (c.period > 1) std::erase_if(preferred, [&](int d) { return !c.group.extents[d].is_constant() || c.group.extents[d].constant() % t.sizes[d]; });
  if (!choice->serial) choose_parallel(c.group, t, preferred);

  t.reduce = c.reduction;
  for (const auto& name : t.reduce) {
    auto e = iterator_extent(s, name);
    // The longest reduction is cut into chunks whose inner part runs innermost, its steps unrolled.
    t.chunks.push_back(e && *e % choice->chunk == 0 && *e > choice->chunk ? choice->chunk : 0);
  }
  if (std::count(t.chunks.begin(), t.chunks.end(), choice->chunk) > 1)
    for (size_t k = 1; k < t.chunks.size(); ++k) t.chunks[k] = 0;
  if (!t.chunks.empty() && std::count(t.chunks.begin(), t.chunks.end(), choice->chunk) == 1) t.step = choice->step;
  t.unroll = c.taps;
  size_t inner = static_cast<size_t>(std::find(t.order.begin(), t.order.end(), c.vector) - t.order.begin()) + 1;
  auto inside = [&](bool partial) {  // tiles of the loops inside of the vector dimension's, or the points of these tiles
    double out = 1;
    for (size_t k = inner; k < t.order.size(); ++k)
      if (const Extent& e = c.group.extents[t.order[k]]; e.is_constant()) {
        int64_t size = t.sizes[t.order[k]], tiles = (e.constant() + size - 1) / size;
        out *= static_cast<double>(partial ? tiles * size : tiles);
      }
    return out;
  };
  const Extent& columns = c.group.extents[c.vector];
  ShortSums sums = short_sums(c, p, target, *choice, inside(false) * static_cast<double>(blocks), winograd);
  double passes = 0, points = 0;
  auto stream_of = [&] {
    passes = inside(false), points = static_cast<double>(t.sizes[c.vector]) * inside(true);
    bool whole = winograd && !sums.block;
    return columns.is_constant() && choice->lines == 1 ? streaming(c, p, target, *choice, passes, points, winograd, whole) : Streaming{};
  };
  Streaming stream = stream_of();
  if (!stream.block && !choice->together() && sums.rows % c.period == 0 && sums.rows != choice->rows) {
    t.sizes[c.row] = choice->rows = sums.rows;
    stream = stream_of();
  }
  t.block = stream.block;
  if (choice->together() && columns.is_constant()) {
    TileArguments together = t;
    together.outer.assign(rank, 0);
    together.outer[c.vector] = choice->column_tiles;
    if (c.line >= 0) together.outer[c.line] = choice->line_tiles;
    together.parallel = choice->column_tiles ? c.vector : c.line;
    together.collapse = choice->column_tiles && choice->line_tiles ? c.line : -1;
    together.order = {c.vector};
    for (int d : t.order)
      if (d != c.vector && d != c.row) together.order.push_back(d);
    if (c.row >= 0) together.order.push_back(c.row);
    together.block = choice->block;
    int64_t groups = choice->line_tiles ? c.group.extents[c.line].constant() / choice->line_tiles : 1;  // of lines
    bool ahead = streaming(c, p, target, *choice, passes / static_cast<double>(groups), points, winograd, false).prefetch;
    if (ahead) together.prefetch = c.matrix_tensor;
    if (planner.kernel_step(program, tile_step(c.group, together))) return true;
  }
  if (!t.block) t.sum = sums.block;
  if (stream.prefetch) t.prefetch = c.matrix_tensor;
  else if (!t.block && far_rows(c, p, target, *choice)) t.prefetch = c.rows_tensor;
  if (choice->serial && !t.block) choose_parallel(c.group, t, preferred);
  bool plain = !t.block && !t.sum && t.prefetch.empty();
  if (!plain && planner.kernel_step(program, tile_step(c.group, t))) return true;
  if (t.prefetch == c.rows_tensor && t.sum) {  // these rows are not fetched
    t.prefetch.clear();
    if (planner.kernel_step(program, tile_step(c.group, t))) return true;
  }
  t.block = t.sum = 0;
  t.prefetch.clear();
  if (t.parallel < 0) choose_parallel(c.group, t, preferred);
  return planner.kernel_step(program, tile_step(c.group, t));
}

namespace {
// Depthwise windows and pools: one accumulator would wait for itself, several rows along the last dimension do not. Only
// where no point was dropped: conditions per row cost more than they save.
void tile_window_rows(const Target& target, const Program& p, const Group& g, TileArguments& t) {
  const GroupMember* m = g.reduction();
  if (!m) return;
  const Statement& s = p.statement(m->statement);
  if (selection(s)) return;
  int row = static_cast<int>(g.names.size()) - 1;
  if (row == t.vector) --row;
  if (row < 0 || !g.extents[row].is_constant() || 
      !analysed([&]() -> bool { return same(s.domain, s.box); }, false))
    return;
  t.reduce = m->reduction;
  t.chunks.assign(t.reduce.size(), 0);
  constexpr int64_t kShort = 8;
  int64_t taps = iterator_extent(s, t.reduce.back()).value_or(kShort + 1);
  if (taps <= kShort) t.unroll = {t.reduce.back()};
  else if (t.reduce.size() > 1) t.sum = 1;  // one sum of 13x13 values made half of SqueezeNet's error
  t.sizes[row] = window_rows(target, g.extents[row].constant(), taps <= kShort ? taps : 1);
}

// A statement picks the element to sum by an index that varies along this dimension.
bool selects_by(const Program& p, const Group& g, int dimension) {
  for (const GroupMember& m : g.members) {
    const Statement& s = p.statement(m.statement);
    std::optional<Selection> picked = selection(s);
    if (!picked) continue;
    auto write = iterators_used(s, s.write)[dimension];
    bool varies = false;
    visit(picked->key, [&](const Expr& e) {
      if (e.fn == Fn::iterator) varies |= std::count(write.begin(), write.end(), e.index) > 0;
      if (e.fn != Fn::read) return;
      for (const auto& used : iterators_used(s, s.reads[e.index]))
        for (int i : used) varies |= std::count(write.begin(), write.end(), i) > 0;
    });
    if (varies) return true;
  }
  return false;
}

// A reduction whose terms lie side by side.
bool sums_rows(const Program& p, const Group& g) {
  const GroupMember* m = g.reduction();
  if (!m || selection(p.statement(m->statement))) return false;
  const Statement& s = p.statement(m->statement);
  int last = s.iterator(m->reduction.back());
  return std::any_of(s.reads.begin(), s.reads.end(), [&](const Access& r) { return walks_memory(p, r, last); });
}

// The dimension that walks the memory of what is summed, as channels do in blocks of a vector; -1: none.
int summed_dimension(const Program& p, const Group& g) {
  const GroupMember* m = g.reduction();
  if (!m) return -1;
  const Statement& s = p.statement(m->statement);
  for (const Access& r : s.reads)
    for (int d = 0; d < static_cast<int>(g.names.size()); ++d)
      if (walks_memory(p, r, s.iterator(m->index[d]))) return d;
  return -1;
}

// Lanes that are gathered: dimensions along which the memory that they come from is side by side are tiled, so that its lines
// are used while the first cache has them (128x64 transposed: 0.11 -> 0.04 ms).
void tile_gathered(const Program& p, const Group& g, TileArguments& t) {
  constexpr int64_t kSide = 8;
  for (const GroupMember& m : g.members) {
    const Statement& s = p.statement(m.statement);
    int vector = s.iterator(m.index[t.vector]);
    for (const Access& r : s.reads) {
      auto used = iterators_used(s, r);
      bool varies = std::any_of(used.begin(), used.end(), [&](const auto& dim) { return std::count(dim.begin(), dim.end(), vector) > 0; });
      if (!varies || p.tensor(r.tensor).role == Role::temp || walks_memory(p, r, vector)) continue;
      for (int d = 0; d < static_cast<int>(g.names.size()); ++d)
        if (t.sizes[d] == 1 && g.extents[d].is_constant() && walks_memory(p, r, s.iterator(m.index[d])))
          t.sizes[d] = std::min(kSide, g.extents[d].constant());
    }
  }
}

bool plan_group(Planner& planner, int program) {
  const Program& p = *planner.module.network.programs[program];
  auto g = group_of(p);
  if (!g && sums_in_lanes(p, planner.module.target.lanes(element_bytes(p))) && plan_common_loops(planner, program)) return true;
  if (!g || g->names.empty()) return plan_rows(planner, program);
  TileArguments t;
  int rank = static_cast<int>(g->names.size());
  t.sizes.assign(rank, 1);
  int contiguous = contiguous_dimension(p, *g);
  if (contiguous >= 0 && is_one(g->extents[contiguous]) && !sums_rows(p, *g)) contiguous = summed_dimension(p, *g);
  int lanes = planner.module.target.lanes(element_bytes(p));
  const Extent* e = contiguous >= 0 ? &g->extents[contiguous] : nullptr;
  if (e && lanes >= 2 && (!e->is_constant() || e->constant() >= lanes)) {
    t.vector = contiguous;
    t.lanes = lanes;
    t.sizes[contiguous] = lanes;
  }
  if (t.vector >= 0 && selects_by(p, *g, t.vector)) {  // one element per lane: none is picked for all
    t.vector = -1;
    t.lanes = 0;
    t.sizes.assign(rank, 1);
  }
  if (t.vector < 0 && lanes >= 2 && sums_rows(p, *g) && plan_rows(planner, program)) return true;
  if (t.vector >= 0) tile_window_rows(planner.module.target, p, *g, t);
  if (t.vector >= 0 && !g->reduction()) tile_gathered(p, *g, t);
  for (int d = 0; d < rank; ++d) t.order.push_back(d);
  std::vector<int> preferred;
  for (int d : t.order)
    if (!is_one(g->extents[d])) preferred.push_back(d);
  choose_parallel(*g, t, preferred);
  if (planner.kernel_step(program, tile_step(*g, t))) return true;
  if (t.vector < 0) return false;
  t.vector = -1;
  t.sizes.assign(rank, 1);
  return planner.kernel_step(program, tile_step(*g, t));
}
}  // namespace

void plan_loops(Planner& planner, int program, const ScheduleOptions& options) {
  if (plan_slices(planner, program, options)) return;
  bool (*const contraction)(Planner&, int) = [](Planner& p, int k) { return plan_contraction(p, k); };
  if (options.level >= 2)
    for (auto plan : {plan_blocks, plan_prologue, contraction, plan_winograd_loops})
      if (plan(planner, program)) return;
  if (!plan_group(planner, program)) plan_common_loops(planner, program);
}

}  // namespace nasc
