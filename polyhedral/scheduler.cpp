// The driver of the analytic scheduler.
#include "polyhedral/scheduler.h"

namespace nasc {

bool Planner::network_step(const Step& step) {
  auto next = apply(module, step);
  if (!next) return false;
  module = std::move(*next);
  plan.network.push_back(step);
  return true;
}

bool Planner::kernel_step(int program, const Step& step) {
  const std::string name = module.network.programs[program]->name;
  auto next = apply(module, name, step);
  if (!next) return false;
  module = std::move(*next);
  if (plan.kernels.empty() || plan.kernels.back().first != name) plan.kernels.push_back({name, {}});
  plan.kernels.back().second.push_back(step);
  return true;
}

Scheduled schedule_module(Module module, const ScheduleOptions& options) {
  Planner planner{std::move(module), {}, options.decide};
  planner.plan.header.model_hash = planner.module.network.model_hash;
  planner.plan.header.target = planner.module.target.text();
  if (options.level >= 1) plan_pieces(planner);
  if (options.level >= 2) {
    plan_transposes(planner);
    plan_fusion(planner);
    plan_joins(planner);
    plan_winograd(planner, options.winograd);
    plan_layouts(planner);
    plan_prologues(planner);
    plan_overlaps(planner);
  }
  if (options.level >= 1)
    for (size_t k = 0; k < planner.module.network.programs.size(); ++k) plan_loops(planner, static_cast<int>(k), options);
  return {std::move(planner.module), std::move(planner.plan)};
}

}  // namespace nasc
