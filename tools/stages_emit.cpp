// Kernels to machine code, each in a worker that has an isl context of its own.
#include <algorithm>
#include <map>
#include <thread>

#include "ir/text.h"
#include "legality/storage.h"
#include "tools/stages.h"

namespace nasc {
namespace {

struct Made {
  KernelObject object;
  std::vector<std::string> remarks;
};

Made emit_one(const KernelText& work, const std::string& symbol, const Target& target,
              const EmitOptions& options) {
  Made made;
  const Kernel& kernel = parsed(work);
  const Kernel textual{unfolded(kernel.program), textual_schedule(kernel.program)};
  auto tried = [&](const Kernel& one, const EmitOptions& how, const char* instead) {
    Expected<KernelObject> object = emit_kernel(one, target, symbol, how);
    if (!object)
      made.remarks.push_back(
          text(work.name, ": ", object.error().code, ": ", object.error().text, instead));
    else
      made.object = std::move(*object);
    return object.has_value();
  };
  bool is_textual = work.schedule == text(textual.schedule);
  if (!is_textual && tried(kernel, options, "; in textual order instead"))
    return made;
  if (tried(textual, options, "; in plain loops instead"))
    return made;
  EmitOptions plain = options;
  plain.nest = plain_nest(textual.program);
  NASC_CHECK(tried(textual, plain, "")) << made.remarks.back();
  return made;
}

} // namespace

KernelText kernel_text(const Module& m, size_t k) {
  return {print(*m.network.programs[k]), text(m.schedules[k]), m.network.programs[k]->name};
}

namespace {
std::map<std::string, Kernel>& kernels_of_thread() {
  static thread_local std::map<std::string, Kernel> kept;
  return kept;
}
} // namespace

const Kernel& parsed(const KernelText& work) {
  auto& kept = kernels_of_thread();
  std::string key = work.program + work.schedule;
  auto it = kept.find(key);
  if (it != kept.end())
    return it->second;
  Program program = parse_program(work.program, work.name);
  Expected<Schedule> schedule = parse(program, work.schedule);
  NASC_CHECK(schedule) << work.name << ": " << schedule.error().text;
  return kept.emplace(key, Kernel{std::move(program), std::move(*schedule)}).first->second;
}

void forget_parsed() { kernels_of_thread().clear(); }

Workers& workers(Compilation& c) {
  if (!c.workers) {
    int jobs = c.options.jobs > 0
                   ? c.options.jobs
                   : static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
    size_t items = std::max<size_t>(c.module.schedules.size(), 1);
    c.workers = std::make_shared<Workers>(
        static_cast<int>(std::min<size_t>(static_cast<size_t>(jobs), items)));
  }
  return *c.workers;
}

void emit_stage(Compilation& c) {
  const Module& m = c.module;
  c.values = std::make_unique<ValueTable>(m.network);
  EmitOptions options;
  options.scratch = true;
  options.assembly = c.options.want_assembly;
  options.llvm_ir = c.options.want_llvm;
  for (const auto& program : m.network.programs)
    for (const auto& [unused, extent] : program->parameters())
      if (!extent.is_constant())
        c.values->add(extent);
  options.values = c.values->index();

  std::vector<KernelText> work;
  for (size_t k = 0; k < m.schedules.size(); ++k)
    work.push_back(kernel_text(m, k));
  std::vector<Made> made(work.size());
  size_t finished = 0;
  workers(c).run(
      work.size(),
      [&](size_t k) {
        std::string symbol = text("k", k, "_", identifier(work[k].name));
        made[k] = emit_one(work[k], symbol, m.target, options);
      },
      [&](size_t k) {
        c.progress({.name = work[k].name.c_str(), .done = ++finished, .total = work.size()});
      });
  c.workers.reset();
  forget_parsed();
  c.kernels.clear();
  for (size_t k = 0; k < made.size(); ++k) {
    for (auto& r : made[k].remarks)
      c.remarks.push_back(std::move(r));
    for (const auto& n : made[k].object.notes)
      c.remarks.push_back(text(work[k].name, ": ", n));
    c.kernels.push_back(std::move(made[k].object));
  }
}

} // namespace nasc
