// The loops of Winograd convolutions in blocks of tiles: those of their three parts, planned for
// one block, under one loop over the blocks.
#include <algorithm>

#include "polyhedral/cost/contraction.h"
#include "polyhedral/module_edit.h"
#include "polyhedral/scheduler.h"
#include "polyhedral/transforms/part_of.h"
#include "polyhedral/transforms/winograd_programs.h"

namespace nasc {
namespace {

using Names = std::vector<std::string>;

// The statements that end with the last one which writes V, with the last one which writes P, and
// the rest.
std::vector<Names> parts_of_blocks(const Program& p) {
  std::vector<Names> out;
  auto next = p.statements.begin();
  for (const char* tensor : {kTransformed, kProducts, ""}) {
    auto end = p.statements.end();
    if (*tensor)
      end = std::find_if(p.statements.rbegin(), p.statements.rend(), [&](const Statement& s) {
              return s.write.tensor == tensor;
            }).base();
    if (end <= next)
      return {};
    Names names;
    for (; next != end; ++next)
      names.push_back(next->name);
    out.push_back(std::move(names));
  }
  return out;
}

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
    std::string it;
    for (const std::string& name : s.iterators)
      it += (it.empty() ? "" : ", ") + name;
    isl::set first(isl_context(), "{ " + s.name + "[" + it + "] : " + kBlockLoop + " = 0 }");
    s.domain = s.domain.intersect(first);
    s.box = s.box.intersect(first);
  }
  Network n;
  n.programs = {std::make_shared<const Program>(one)};
  Planner alone{textual_module(std::move(n), planner.module.target), {}, {}};
  if (!plan_contraction(alone, 0, blocks) && !plan_winograd_loops(alone, 0))
    return std::nullopt;
  if (alone.plan.kernels.size() != 1 || alone.plan.kernels[0].second.size() != 1)
    return std::nullopt;
  return alone.plan.kernels[0].second[0];
}

// The step for all blocks: their loop outermost, divided among threads.
std::optional<Step> over_blocks(Step step, const Names& statements) {
  auto* loops = std::get_if<Names>(&step.args["loops"]);
  if (!loops || step.args.count("outer"))
    return std::nullopt;
  auto at = std::find(loops->begin(), loops->end(), kBlockLoop);
  if (at == loops->end())
    return std::nullopt;
  auto place = at - loops->begin();
  std::rotate(loops->begin(), at, at + 1);
  if (auto* sizes = std::get_if<std::vector<int64_t>>(&step.args["sizes"]))
    std::rotate(sizes->begin(), sizes->begin() + place, sizes->begin() + place + 1);
  else
    step.args.erase("sizes");
  step.args["parallel"] = std::string(kBlockLoop);
  step.args.erase("collapse");
  step.args["of"] = statements;
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
  std::vector<Names> parts = analysed([&] { return parts_of_blocks(p); }, std::vector<Names>{});
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
  Planner trial = planner;
  for (const Step& s : steps)
    if (!trial.kernel_step(program, s))
      return false;
  planner = std::move(trial);
  return true;
}

} // namespace nasc
