// Programs of some statements, planned apart and put together.
#include "polyhedral/scheduler_parts.h"

#include <algorithm>

#include "polyhedral/module_edit.h"

namespace nasc {

using Names = std::vector<std::string>;

std::vector<Names> parts_through(const Program& p, const Names& tensors) {
  std::vector<Names> out;
  auto next = p.statements.begin();
  for (size_t k = 0; k <= tensors.size(); ++k) {
    auto end = p.statements.end();
    if (k < tensors.size())
      end = std::find_if(p.statements.rbegin(), p.statements.rend(), [&](const Statement& s) {
              return s.write.tensor == tensors[k];
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

std::optional<Step> step_alone(const Planner& planner, Program p, const Decide& decide,
                               const std::function<bool(Planner&)>& plan) {
  Network n;
  n.programs = {std::make_shared<const Program>(std::move(p))};
  Planner one{textual_module(std::move(n), planner.module.target), {}, decide};
  if (!plan(one) || one.plan.kernels.size() != 1 || one.plan.kernels[0].second.size() != 1)
    return std::nullopt;
  return one.plan.kernels[0].second[0];
}

bool to_front(Step& step, const std::string& loop) {
  auto given = step.args.find("loops");
  auto* loops = given == step.args.end() ? nullptr : std::get_if<Names>(&given->second);
  if (!loops)
    return false;
  auto at = std::find(loops->begin(), loops->end(), loop);
  if (at == loops->end())
    return false;
  auto place = at - loops->begin();
  std::rotate(loops->begin(), at, at + 1);
  for (const char* of_each : {"sizes", "outer"})
    if (auto s = step.args.find(of_each); s != step.args.end()) {
      auto& values = std::get<std::vector<int64_t>>(s->second);
      std::rotate(values.begin(), values.begin() + place, values.begin() + place + 1);
    }
  return true;
}

bool put_outermost(Step& step, const std::string& loop, const Names& statements) {
  if (!to_front(step, loop))
    return false;
  step.args["parallel"] = loop;
  step.args["of"] = statements;
  step.args.erase("collapse");
  return true;
}

bool kernel_steps(Planner& planner, int program, const std::vector<Step>& steps) {
  Planner trial = planner;
  for (const Step& s : steps)
    if (!trial.kernel_step(program, s))
      return false;
  planner = std::move(trial);
  return true;
}

} // namespace nasc
