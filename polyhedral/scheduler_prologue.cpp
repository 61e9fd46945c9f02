// Pointwise Programs that run inside of the loops of the contraction that alone reads them: some
// rows at a time, which stay in a cache and are computed once for all outputs.
#include <algorithm>
#include <map>

#include "ir/isl_box.h"
#include "polyhedral/cost/contraction.h"
#include "polyhedral/cost/register_tile.h"
#include "polyhedral/module_edit.h"
#include "polyhedral/scheduler_parts.h"
#include "polyhedral/transforms/part_of.h"

namespace nasc {
namespace {

using Names = std::vector<std::string>;
using Integers = std::vector<int64_t>;
constexpr int64_t kMostRows = 16;   // side by side in the producer's vector loops
constexpr int64_t kMostPixels = 64; // at a time, of which nothing leaves the caches
constexpr int64_t kParts = 3;       // per thread, at least

// A local tensor of which only some rows are kept, the statements that make it, and those that read
// it.
struct Prologue {
  std::string tensor;
  int dim = -1; // the rows
  Names producer, consumer;
};

std::optional<Prologue> prologue_of(const Program& p) {
  Prologue out;
  for (const Tensor& t : p.tensors) {
    if (t.role != Role::temp || !t.layout)
      continue;
    int kept = -1;
    for (const LayoutDim& d : t.layout->dims)
      if (d.mod > 0 && d.div == 1 &&
          std::count_if(t.layout->dims.begin(), t.layout->dims.end(),
                        [&](const LayoutDim& o) { return o.dim == d.dim; }) == 1)
        kept = d.dim;
    if (kept < 0)
      continue;
    if (!out.tensor.empty())
      return std::nullopt;
    out.tensor = t.name, out.dim = kept;
  }
  if (out.tensor.empty())
    return std::nullopt;
  std::vector<Names> parts = parts_through(p, {out.tensor});
  if (parts.empty())
    return std::nullopt;
  out.producer = parts[0], out.consumer = parts[1];
  return out;
}

// The statements as a Program of their own, all of the tensor in memory.
std::optional<Program> alone(const Program& p, const Names& statements, const std::string& tensor) {
  auto part = part_of(p, statements);
  if (!part)
    return std::nullopt;
  Program out = *part;
  for (LayoutDim& d : out.tensor(tensor).layout->dims)
    if (d.div == 1 && std::count_if(out.tensor(tensor).layout->dims.begin(),
                                    out.tensor(tensor).layout->dims.end(),
                                    [&](const LayoutDim& o) { return o.dim == d.dim; }) == 1)
      d.mod = 0;
  return out;
}

// The one step that plans a Program, a tile.
std::optional<Step> tile_alone(const Planner& planner, const Program& p, const Decide& decide,
                               const std::function<bool(Planner&)>& plan) {
  auto step = step_alone(planner, p, decide, plan);
  return step && step->transformation == "tile" ? step : std::nullopt;
}

struct Rows {
  std::string iterator; // of the contraction's outputs; one row of the operand for each
  int64_t extent = 0, at_once = 0, weights = 0; // bytes that the contraction reads for each rows at once
  Step step; // of the contraction: its outermost loop goes over these rows
  std::string loop;
};

// The group dimension whose rows read the same rows of dimension `dim` of the tensor.
std::optional<std::pair<std::string, int64_t>> rows_of(const Program& p, const Contraction& c,
                                                       const std::string& tensor, int dim) {
  const Statement& s = p.statement(c.statement);
  auto box = plain_box(s.box);
  if (!box)
    return std::nullopt;
  for (const Access& r : s.reads) {
    if (r.tensor != tensor)
      continue;
    std::optional<LinearAff> index = linear(r.map.at(dim));
    if (!index || index->denominator != 1 || index->constant || !index->parameters.empty())
      return std::nullopt;
    int at = -1;
    for (size_t i = 0; i < index->coefficients.size(); ++i) {
      if (!index->coefficients[i] || (*box)[i] == std::pair<int64_t, int64_t>(0, 0))
        continue;
      if (at >= 0 || index->coefficients[i] != 1)
        return std::nullopt;
      at = static_cast<int>(i);
    }
    if (at < 0)
      return std::nullopt;
    const std::string& name = s.iterators[static_cast<size_t>(at)];
    auto place = std::find(c.group.names.begin(), c.group.names.end(), name);
    const Extent& rows = p.tensor(tensor).shape[static_cast<size_t>(dim)];
    if (place == c.group.names.end() || !rows.is_constant() ||
        !rows.is((*box)[static_cast<size_t>(at)].second + 1))
      return std::nullopt;
    return std::pair{name, rows.constant()};
  }
  return std::nullopt;
}

// The contraction over some rows at a time, outermost: their operand is in a cache, so that whole
// sums stay in registers.
std::optional<Rows> rows_of_plan(const Planner& planner, const Program& p,
                                 const std::string& tensor, int dim) {
  std::optional<Contraction> c = find_contraction(p);
  if (!c || c->rows_tensor != tensor || c->row < 0)
    return std::nullopt;
  auto rows = rows_of(p, *c, tensor, dim);
  const Target& target = planner.module.target;
  const std::string line = c->group.names[static_cast<size_t>(c->row)];
  const Extent &pixels = c->group.extents[static_cast<size_t>(c->row)],
               weights = storage_bytes(p.tensor(c->matrix_tensor));
  if (!rows || line == rows->first || !pixels.is_constant() || !weights.is_constant() ||
      weights.constant() > target.l2_bytes)
    return std::nullopt;
  Rows out{rows->first, rows->second, 1, weights.constant(), {}, rows->first + ".o"};
  for (int64_t r = 2; r <= kMostRows && r * pixels.constant() <= kMostPixels; ++r)
    if (out.extent % r == 0)
      out.at_once = r;
  if (out.extent / out.at_once < kParts * target.cores)
    return std::nullopt;
  auto step =
      tile_alone(planner, p, planner.decide, [](Planner& one) { return plan_contraction(one, 0); });
  if (!step)
    return std::nullopt;
  out.step = std::move(*step);
  auto& args = out.step.args;
  auto& loops = std::get<Names>(args.at("loops"));
  auto& sizes = std::get<Integers>(args.at("sizes"));
  std::map<std::string, int64_t> size;
  for (size_t k = 0; k < loops.size(); ++k)
    size[loops[k]] = sizes[k];
  if (size.at(out.iterator) != 1)
    return std::nullopt;
  const std::string& vector = c->group.names[static_cast<size_t>(c->vector)];
  Names order = {vector};
  for (const std::string& name : c->group.names)
    if (name != vector && name != out.iterator && name != line)
      order.push_back(name);
  order.push_back(out.iterator), order.push_back(line);
  Integers outer(order.size());
  outer[order.size() - 2] = out.at_once;
  loops = order;
  for (size_t k = 0; k < order.size(); ++k)
    sizes[k] = size.at(order[k]);
  for (const char* name : {"collapse", "block", "sum", "prefetch"})
    args.erase(name);
  args["outer"] = outer, args["parallel"] = out.iterator;
  return out;
}

// The producer in the same rows: their loop outermost, the rows of one iteration side by side.
std::optional<Step> in_rows(const Planner& planner, const Program& p, int dim, int64_t at_once,
                            const Names& statements, std::string& loop) {
  auto group = group_of(p);
  if (!group)
    return std::nullopt;
  const std::string& row = group->names[static_cast<size_t>(dim)];
  auto step = tile_alone(planner, p, {}, [](Planner& one) {
    plan_loops(one, 0, {.level = 1});
    return true;
  });
  if (!step)
    return std::nullopt;
  if (!put_outermost(*step, row, statements))
    return std::nullopt;
  int64_t& size = std::get<Integers>(step->args.at("sizes"))[0];
  if (size != 1)
    return std::nullopt;
  size = at_once;
  loop = row + (at_once > 1 ? ".t" : "");
  return step;
}

// Nothing is summed: each element is made by itself.
bool is_pointwise(const Program& p) {
  return p.phase == Phase::run && std::none_of(p.statements.begin(), p.statements.end(),
                                               [](const Statement& s) { return s.is_reduction(); });
}

// A result of so many bytes that is written and read again costs more than weights that are read for some rows at a time: the
// first time from memory, not fetched ahead, as they are where they are read once.
bool pays(const Rows& rows, double bytes, const Target& t) {
  double weights = static_cast<double>(rows.weights), again = static_cast<double>(rows.extent / rows.at_once - 1);
  return 2 * bytes / t.read_rate(bytes) > weights / t.memory_rate + kSeenShare * again * weights / t.read_rate(weights);
}

// Rows of this buffer that the contraction takes at a time, when the producer pays there: its
// result is too large for the cache that holds such rows.
std::optional<Integers> kept_rows(const Planner& planner, const Call& consumer, int buffer) {
  const Network& n = planner.module.network;
  const Program& q = *n.programs[consumer.program];
  const Buffer& b = n.buffers[buffer];
  std::vector<int> bound = Network::bound(q);
  const Target& target = planner.module.target;
  Extent size = storage_bytes(b);
  if (!size.is_constant() || size.constant() <= target.l2_bytes / 2)
    return std::nullopt;
  for (size_t k = 0; k < bound.size(); ++k) {
    if (consumer.args[k] != buffer)
      continue;
    for (int dim = 1; dim < b.rank(); ++dim) {
      auto rows = rows_of_plan(planner, q, q.tensors[bound[k]].name, dim);
      if (!rows || rows->at_once == rows->extent)
        continue;
      if (size.constant() / rows->extent * rows->at_once > target.l2_bytes / 2 ||
          !pays(*rows, static_cast<double>(size.constant()), target))
        return std::nullopt;
      Integers keep(static_cast<size_t>(b.rank()));
      keep[static_cast<size_t>(dim)] = rows->at_once;
      return keep;
    }
  }
  return std::nullopt;
}
} // namespace

bool plan_prologue(Planner& planner, int program) {
  const Program p = *planner.module.network.programs[program];
  auto found = prologue_of(p);
  if (!found)
    return false;
  auto first = alone(p, found->producer, found->tensor),
       second = alone(p, found->consumer, found->tensor);
  if (!first || !second)
    return false;
  auto rows = analysed([&] { return rows_of_plan(planner, *second, found->tensor, found->dim); },
                       std::nullopt);
  if (!rows)
    return false;
  std::string loop;
  auto before = in_rows(planner, *first, found->dim, rows->at_once, found->producer, loop);
  if (!before)
    return false;
  rows->step.args["of"] = found->consumer;
  Step joined{"fuse_loops",
              {{"first", found->producer[0] + "." + loop},
               {"second", found->consumer[0] + "." + rows->loop}}};
  return kernel_steps(planner, program, {*before, rows->step, joined});
}

void plan_prologues(Planner& planner) {
  for (int c = 0; c < static_cast<int>(planner.module.network.calls.size()); ++c) {
    const Network& n = planner.module.network;
    const Call consumer = n.calls[c];
    if (!find_contraction(*n.programs[consumer.program]))
      continue;
    for (int buffer : consumer.args) {
      int producer = producer_of(n, buffer, c);
      if (producer < 0 || !is_pointwise(*n.programs[n.calls[producer].program]))
        continue;
      auto keep = analysed([&] { return kept_rows(planner, consumer, buffer); }, std::nullopt);
      if (!keep)
        continue;
      Planner trial = planner;
      if (!trial.network_step(
              {"fuse", {{"first", int64_t{producer}}, {"second", int64_t{c}}, {"keep", *keep}}}))
        continue;
      Planner made = trial;
      if (!plan_prologue(made, made.module.network.calls[c - 1].program))
        continue;
      planner = std::move(trial);
      --c;
      break;
    }
  }
}

} // namespace nasc
