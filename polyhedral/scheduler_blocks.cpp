// The loops of Winograd convolutions in blocks of tiles: those of their three parts, planned for
// one block, under one loop over the blocks.
#include <algorithm>

#include "ir/joined.h"
#include "polyhedral/cost/contraction.h"
#include "polyhedral/module_edit.h"
#include "polyhedral/scheduler_parts.h"
#include "polyhedral/transforms/part_of.h"
#include "polyhedral/transforms/winograd_programs.h"

namespace nasc {
namespace {

using Names = std::vector<std::string>;

// The one step that plans these statements in the first block alone.
std::optional<Step> planned_alone(const Planner& planner, const Program& p,
                                  const Names& statements) {
  auto part = part_of(p, statements);
  if (!part)
    return std::nullopt;
  Program one = *part;
  int64_t blocks = iterator_extent(one.statements[0], kBlockLoop).value_or(1);
  for (Statement& s : one.statements) {
    int block = s.iterator(kBlockLoop);
    if (block < 0)
      return std::nullopt;
    isl::set first(isl_context(), "{ " + s.name + "[" + joined(s.iterators) + "] : " + kBlockLoop + " = 0 }");
    s.domain = s.domain.intersect(first);
    s.box = s.box.intersect(first);
  }
  return step_alone(planner, std::move(one), {}, [&](Planner& alone) {
    return plan_contraction(alone, 0, blocks) || plan_winograd_loops(alone, 0);
  });
}

// The step for all blocks: their loop outermost, divided among threads.
std::optional<Step> over_blocks(Step step, const Names& statements) {
  if (step.args.count("outer") || !put_outermost(step, kBlockLoop, statements))
    return std::nullopt;
  if (step.args.count(
          "sum")) // the loops around short sums are too short for the prefetches in them
    step.args.erase("prefetch");
  return step;
}
} // namespace

bool plan_winograd_blocks(Planner& planner, int program) {
  const Program p = *planner.module.network.programs[program];
  const Tensor* v = p.find_tensor(kTransformed);
  if (!v || v->role != Role::temp)
    return false;
  std::vector<Names> parts = analysed([&] { return parts_through(p, {kTransformed, kProducts}); }, std::vector<Names>{});
  std::vector<Step> steps;
  for (const Names& statements : parts) {
    std::optional<Step> step = planned_alone(planner, p, statements);
    if (step)
      step = over_blocks(*step, statements);
    if (!step)
      return false;
    steps.push_back(*step);
  }
  if (steps.size() != 3)
    return false;
  for (size_t k = 1; k < parts.size(); ++k)
    steps.push_back(
        {"fuse_loops",
         {{"first", parts[0][0] + "." + kBlockLoop}, {"second", parts[k][0] + "." + kBlockLoop}}});
  return kernel_steps(planner, program, steps);
}

} // namespace nasc
