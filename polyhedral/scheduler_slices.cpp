// The loops of Programs over any number of images: those that one image has, in a loop over images.
#include <algorithm>

#include "polyhedral/cost/contraction.h"
#include "polyhedral/scheduler_parts.h"
#include "polyhedral/slices.h"

namespace nasc {
namespace {

using Names = std::vector<std::string>;

// The loop of which one slice has one iteration, and the program any number; empty: there is none.
std::string slice_loop(const Program& p, const Program& one, const Step& step) {
  auto loops = step.args.find("loops");
  if (loops == step.args.end() || p.statements.empty()) return "";
  const Statement &all = p.statements[0], &first = one.statements[0];
  for (const std::string& name : std::get<Names>(loops->second))
    if (all.iterator(name) >= 0 && !iterator_extent(all, name) && iterator_extent(first, name) == 1) return name;
  return "";
}

// The loop over slices outermost, and divided among threads along with those that were.
void around(Step& step, const std::string& slices) {
  if (slices.empty() || !to_front(step, slices)) return;
  Names divided;
  for (const char* key : {"parallel", "collapse"})
    if (auto given = step.args.find(key); given != step.args.end()) divided.push_back(std::get<std::string>(given->second));
  step.args["parallel"] = slices;
  step.args.erase("collapse");
  if (divided.size() == 1) step.args["collapse"] = divided[0];
  if (divided.size() > 1) step.args["collapse"] = divided;
  if (auto outer = step.args.find("outer"); outer != step.args.end()) std::get<std::vector<int64_t>>(outer->second)[0] = 1;
}
}  // namespace

bool plan_slices(Planner& planner, int program, const ScheduleOptions& options) {
  const ProgramRef all = planner.module.network.programs[program], one = one_slice(all);
  if (one == all) return false;
  Network n;
  n.programs = {one};
  Planner alone{textual_module(std::move(n), planner.module.target), {}, planner.decide};
  plan_loops(alone, 0, options);
  if (alone.plan.kernels.size() != 1) return false;
  const std::vector<Step>& steps = alone.plan.kernels[0].second;
  if (steps.size() > 1) return kernel_steps(planner, program, steps);  // in blocks, which have a loop over images
  Step step = steps[0];
  around(step, slice_loop(*all, *one, step));
  return planner.kernel_step(program, step) || planner.kernel_step(program, steps[0]);
}

}  // namespace nasc
