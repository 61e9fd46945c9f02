// The loops of Programs in blocks, as Winograd convolutions in blocks of tiles and overlapped bands: those of their parts,
// planned for one block, under one loop over the blocks.
#include <algorithm>

#include "ir/joined.h"
#include "polyhedral/block_loop.h"
#include "polyhedral/cost/contraction.h"
#include "polyhedral/module_edit.h"
#include "polyhedral/scheduler_parts.h"
#include "polyhedral/transforms/part_of.h"

namespace nasc {
namespace {

using Names = std::vector<std::string>;

// Statements of different shapes that have all but their innermost loops in common.
bool plan_border(Planner& planner, int program) {
  const Program& p = *planner.module.network.programs[program];
  std::vector<std::string> loops = p.statements[0].iterators;
  loops.resize(loops.size() - 2);
  int64_t lanes = planner.module.target.lanes(4);
  Step step{"nest", {{"loops", loops}, {"serial", int64_t{1}}}};
  if (lanes > 1 && iterator_extent(p.statements[0], loops.back()).value_or(1) % lanes == 0)
    step.args["vector"] = loops.back(), step.args["lanes"] = lanes;
  return planner.kernel_step(program, step);
}

// Windows over vectors of channels, their taps unrolled.
bool plan_windows(Planner& planner, int program) {
  constexpr int64_t kMostTaps = 25;
  const Program& p = *planner.module.network.programs[program];
  int64_t lanes = planner.module.target.lanes(4);
  Names common = common_iterators(p);
  constexpr size_t kChannel = 2; // block, n, m, ..
  if (common.size() <= kChannel || lanes < 2 || iterator_extent(p.statements[0], common[kChannel]).value_or(1) % lanes)
    return false;
  for (const Statement& s : p.statements) {
    int64_t taps = 1;
    for (size_t k = common.size(); k < s.iterators.size(); ++k)
      taps *= iterator_extent(s, s.iterators[k]).value_or(kMostTaps + 1);
    if (taps > kMostTaps)
      return false;
  }
  std::rotate(common.begin() + 1, common.begin() + kChannel, common.begin() + kChannel + 1);
  return planner.kernel_step(program, {"nest", {{"loops", common}, {"vector", common[1]}, {"lanes", lanes}}});
}

// The loops over blocks, and over images in each, that all statements begin with.
struct Blocks {
  Names loops;
  std::vector<Names> parts; // the steps of a block, by statements
};

// The one step that plans these statements in the first block alone.
std::optional<Step> planned_alone(const Planner& planner, const Program& p, const Names& loops, const Names& statements) {
  auto part = part_of(p, statements);
  if (!part)
    return std::nullopt;
  Program one = *part;
  if (statements[0].starts_with(kBorder)) // some blocks have none
    return step_alone(planner, std::move(one), {}, [](Planner& alone) { return plan_border(alone, 0); });
  int64_t blocks = iterator_extent(one.statements[0], kBlockLoop).value_or(1);
  for (Statement& s : one.statements)
    for (const std::string& loop : loops) {
      isl::set first(isl_context(), "{ " + s.name + "[" + joined(s.iterators) + "] : " + loop + " = 0 }");
      s.domain = s.domain.intersect(first);
      s.box = s.box.intersect(first);
    }
  return step_alone(planner, std::move(one), {}, [&](Planner& alone) {
    return plan_contraction(alone, 0, blocks) || plan_winograd_loops(alone, 0) || plan_windows(alone, 0);
  });
}

// The step for all blocks: their loops outermost, the first divided among threads.
std::optional<Step> over_blocks(Step step, const Names& loops, const Names& statements) {
  if (step.args.count("outer"))
    return std::nullopt;
  for (auto loop = loops.rbegin(); loop != loops.rend(); ++loop)
    if (!put_outermost(step, *loop, statements))
      return std::nullopt;
  if (step.args.count(
          "sum")) // the loops around short sums are too short for the prefetches in them
    step.args.erase("prefetch");
  return step;
}

// The leading dimensions of which a tensor has one place.
size_t one_place(const Tensor& t) {
  if (t.role != Role::temp || !t.layout)
    return 0;
  size_t k = 0;
  while (k < t.layout->dims.size() && t.layout->dims[k] == LayoutDim{static_cast<int>(k), 1, 1})
    ++k;
  return k;
}

// Each step but the last ends with the last write to what is local to a block; what surrounds results is apart.
Blocks blocks_of(const Program& p) {
  Blocks out;
  Names between; // in the order of their last writes
  size_t shared = 0;
  for (auto s = p.statements.rbegin(); s != p.statements.rend(); ++s) {
    const Tensor& t = p.tensor(s->write.tensor);
    size_t places = one_place(t);
    if (!places || std::count(between.begin(), between.end(), t.name))
      continue;
    shared = between.empty() ? places : std::min(shared, places);
    between.insert(between.begin(), t.name);
  }
  if (between.empty())
    return {};
  for (size_t k = 0; k < shared; ++k) {
    const std::string& loop = p.statements[0].iterators[k];
    if (std::any_of(p.statements.begin(), p.statements.end(), [&](const Statement& s) { return s.iterator(loop) != static_cast<int>(k); }))
      break;
    out.loops.push_back(loop);
  }
  if (out.loops.size() < shared || out.loops[0] != kBlockLoop)
    return {};
  for (Names& part : parts_through(p, between)) {
    auto inside = std::find_if(part.begin(), part.end(), [](const std::string& name) { return !name.starts_with(kBorder); });
    if (inside != part.begin())
      out.parts.emplace_back(part.begin(), inside);
    out.parts.emplace_back(inside, part.end());
  }
  return out;
}
} // namespace

bool plan_blocks(Planner& planner, int program) {
  const Program p = *planner.module.network.programs[program];
  const auto [loops, parts] = analysed([&] { return blocks_of(p); }, Blocks{});
  std::vector<Step> steps;
  for (const Names& statements : parts) {
    std::optional<Step> step = planned_alone(planner, p, loops, statements);
    if (step)
      step = over_blocks(*step, loops, statements);
    if (!step)
      return false;
    steps.push_back(*step);
  }
  if (steps.size() < 2)
    return false;
  for (size_t k = 1; k < parts.size(); ++k) {
    Step fuse{"fuse_loops", {{"first", parts[0][0] + "." + kBlockLoop}, {"second", parts[k][0] + "." + kBlockLoop}}};
    if (loops.size() > 1)
      fuse.args["levels"] = static_cast<int64_t>(loops.size());
    steps.push_back(fuse);
  }
  return kernel_steps(planner, program, steps);
}

} // namespace nasc
