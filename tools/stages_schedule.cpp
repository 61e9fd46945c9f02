// From a Network to judged schedules.
#include "ir/isl.h"
#include "legality/order.h"
#include "legality/storage.h"
#include "nasc_version.h"
#include "polyhedral/scheduler.h"
#include "polyhedral/transformation.h"
#include "tools/stages.h"

namespace nasc {
namespace {

std::string where_in_plan(const Compilation& c, const std::string& section, const Step& step) {
  return text(c.options.plan_file, ":", section, ": ", text(step));
}

void verify_all(const Module& m) {
  verify(m.network);
  for (size_t k = 0; k < m.schedules.size(); ++k)
    verify(*m.network.programs[k], m.schedules[k]);
}

void judge_or_throw(const Kernel& kernel, const std::string& where) {
  Verdict v = judge_order(kernel);
  if (!v.allowed())
    throw UserError(code::bad_plan, where, text(v));
}

// Step by step, so that the refusal or the illegal order is named with its step.
Module replay_named(const Compilation& c, Module module) {
  auto taken = [&](Expected<Module> next, const std::string& section, const Step& step) {
    if (!next)
      throw UserError(code::bad_plan, where_in_plan(c, section, step),
                      text(next.error().code, ": ", next.error().text));
    if (c.options.verify_each)
      verify_all(*next);
    return std::move(*next);
  };
  for (const Step& step : c.plan.network)
    module = taken(apply(module, step), "network", step);
  for (const auto& [program, steps] : c.plan.kernels)
    for (const Step& step : steps) {
      module = taken(apply(module, program, step), program, step);
      if (!c.options.verify_each)
        continue;
      for (size_t k = 0; k < module.network.programs.size(); ++k)
        if (module.network.programs[k]->name == program)
          judge_or_throw(kernel(module, static_cast<int>(k)), where_in_plan(c, program, step));
    }
  return module;
}

// By measuring, by the records of earlier measurements, or not at all.
Decide deciding(Compilation& c, const Module& module, const ScheduleOptions& how,
                const std::shared_ptr<size_t>& used) {
  const CompileOptions& o = c.options;
  if (o.level < 2 || (!o.tune.on && o.tune.database.empty()))
    return {};
  if (!o.tune.on)
    return decide_by(o.tune.database, tune_context(o), used);
  TuneResult r = tuned(c, module, how, o.tune);
  c.remarks.push_back(text("tuning: ", r.units, " kernels, ", r.trials, " measurements, ",
                           r.resumed, " known from ", o.tune.journal, ", ", r.failed, " failed, ",
                           r.improved, " kernels improved"));
  c.remarks.insert(c.remarks.end(), r.remarks.begin(), r.remarks.end());
  return r.decide;
}

} // namespace

TuneContext tune_context(const CompileOptions& o) {
  return {o.target.text(), kVersion, o.threads > 0 ? o.threads : o.target.cores};
}

TuneResult tuned(const Compilation& c, const Module& module, const ScheduleOptions& how,
                 const TuneOptions& options) {
  return tune(module, how, options, tune_context(c.options), [&](const TuneProgress& p) {
    std::string name = text("tune ", p.kernel, " ", p.choice);
    c.progress({.name = name.c_str(), .done = p.done, .total = p.total});
  });
}

void schedule_stage(Compilation& c) {
  const CompileOptions& o = c.options;
  Module module = textual_module(c.network, o.target);
  // A plan of neural steps alone says what to compute, and the scheduler how.
  bool complete = c.neural_steps.empty() || !c.plan.network.empty() || !c.plan.kernels.empty();
  if (!o.plan_file.empty() && complete) {
    c.module = replay_named(c, std::move(module));
    restore_neural_steps(c);
    return;
  }
  if (o.level == 0) {
    c.module = std::move(module);
  } else {
    constexpr unsigned long kPatience = 10; // of -O3
    const unsigned long of_steps = isl_quota(IslEntry::transformation),
                        of_analyses = isl_quota(IslEntry::analysis);
    if (o.level >= 3) {
      set_isl_quota(IslEntry::transformation, of_steps * kPatience);
      set_isl_quota(IslEntry::analysis, of_analyses * kPatience);
    }
    ScheduleOptions how{.level = o.level, .winograd = o.winograd};
    auto used = std::make_shared<size_t>(0);
    if (!c.decide)
      c.decide = deciding(c, module, how, used);
    how.decide = c.decide;
    Scheduled s = schedule_module(std::move(module), how);
    if (*used > 0)
      c.remarks.push_back(text(*used, " choices from ", o.tune.database));
    set_isl_quota(IslEntry::transformation, of_steps);
    set_isl_quota(IslEntry::analysis, of_analyses);
    c.module = std::move(s.module);
    c.plan = std::move(s.plan);
  }
  c.plan.header.model_hash = structure_hash(c.lowered);
  c.plan.header.target = o.target.text();
  c.plan.header.flags = text("-O", o.level);
  c.plan.header.version = kVersion;
  c.plan.header.threads = std::max(1, o.threads);
  restore_neural_steps(c);
}

void judge_stage(Compilation& c) {
  if (c.options.verify_each)
    verify_all(c.module);
  const size_t n = c.module.schedules.size();
  std::vector<Verdict> verdicts(n, yes_verdict());
  std::vector<size_t> open; // what this thread has no quick answer for
  std::vector<KernelText> work;
  for (size_t k = 0; k < n; ++k)
    if (!surely_ordered(kernel(c.module, static_cast<int>(k)))) {
      open.push_back(k);
      work.push_back(kernel_text(c.module, k));
    }
  size_t finished = n - open.size();
  auto judge = [&](size_t i) {
    const Kernel& kernel = parsed(work[i]);
    bool textual = text(textual_schedule(kernel.program)) == work[i].schedule;
    verdicts[open[i]] =
        textual ? judge_storage(kernel) : judge_order(kernel); // the order that it means
  };
  auto done = [&](size_t i) {
    c.progress({.name = work[i].name.c_str(), .done = ++finished, .total = n});
  };
  if (!open.empty())
    workers(c).run(open.size(), judge, done);
  for (size_t k = 0; k < n; ++k) {
    const Program& program = *c.module.network.programs[k];
    const Verdict& v = verdicts[k];
    if (v.allowed())
      continue;
    if (!c.options.plan_file.empty() && v.answer == Verdict::no)
      throw UserError(code::bad_plan, c.options.plan_file + ":" + program.name, text(v));
    c.remarks.push_back(text(program.name, ": textual order, since its schedule is ", text(v)));
    std::erase_if(c.plan.kernels,
                  [&](const auto& section) { return section.first == program.name; });
    Kernel textual = textual_kernel(program);
    c.module.network.programs[k] = std::make_shared<const Program>(std::move(textual.program));
    c.module.schedules[k] = std::move(textual.schedule);
  }
}

} // namespace nasc
