// Kernels to machine code: nests and LLVM IR as far as this thread's isl values give them cheaply,
// all else in worker threads, with isl contexts of their own.
#include <algorithm>
#include <map>
#include <mutex>
#include <thread>

#include "ir/text.h"
#include "tools/in_some_order.h"
#include "tools/jobs.h"
#include "tools/scalar_values.h"
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
  made.object = emit_in_some_order(parsed(work), target, symbol, options, made.remarks);
  return made;
}

// Nest and IR by this thread, for schedules of tiles over boxes, whose nests are the same however
// isl stores them. nullopt for others and for what the emitter refuses.
std::optional<KernelDraft> quick_draft(const Kernel& kernel, const std::string& symbol,
                                       const Target& target, EmitOptions options) {
  auto nest = with_quota(
      IslEntry::ast, [&]() -> Expected<std::optional<NestRef>> { return nest_of_digits(kernel); });
  if (!nest || !*nest)
    return std::nullopt;
  options.nest = **nest;
  auto draft = draft_kernel(kernel, target, symbol, options);
  return draft ? std::optional(std::move(*draft)) : std::nullopt;
}

} // namespace

KernelText kernel_text(const Module& m, size_t k) {
  const Program& p = *m.network.programs[k];
  KernelText out{print(p), text(m.schedules[k]), p.name, {}};
  for (const Tensor& t : p.tensors)
    if (t.payload)
      out.values.emplace(t.name, t.payload);
  out.values.merge(scalar_values(m.network, k));
  return out;
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
  for (const auto& [tensor, payload] : work.values)
    program.tensor(tensor).payload = payload;
  Expected<Schedule> schedule = parse(program, work.schedule);
  NASC_CHECK(schedule) << work.name << ": " << schedule.error().text;
  return kept.emplace(key, Kernel{std::move(program), std::move(*schedule)}).first->second;
}

void forget_parsed() { kernels_of_thread().clear(); }

int compiler_threads(const CompileOptions& options) {
  return options.jobs > 0 ? options.jobs
                          : static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
}

int worker_threads(const Compilation& c) {
  size_t items = std::max<size_t>(c.module.schedules.size(), 1);
  return static_cast<int>(
      std::min<size_t>(static_cast<size_t>(compiler_threads(c.options)), items));
}

Workers& workers(Compilation& c) {
  if (!c.workers)
    c.workers = std::make_shared<Workers>(worker_threads(c));
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

  const size_t n = m.schedules.size();
  std::vector<Made> made(n);
  std::mutex mutex; // of progress
  size_t done = 0;
  Jobs jobs(worker_threads(c));
  if (!c.library_directory.empty()) {
    jobs.add([&, how = library_options(c)] {
      c.weights = write_weights(m.network, m.target, how, c.library_directory);
    });
  }
  for (size_t k = 0; k < n; ++k) {
    const std::string& name = m.network.programs[k]->name;
    std::string symbol = text("k", k, "_", identifier(name));
    auto end = [&, k](Made result) {
      made[k] = std::move(result);
      std::lock_guard hold(mutex);
      c.progress({.name = m.network.programs[k]->name.c_str(), .done = ++done, .total = n});
    };
    Kernel known = kernel(m, static_cast<int>(k));
    for (const auto& [tensor, payload] : scalar_values(m.network, k))
      known.program.tensor(tensor).payload = payload;
    if (auto draft = quick_draft(known, symbol, m.target, options))
      jobs.add(
          [&, end, draft = std::move(*draft)] { end({finished(draft, m.target, options), {}}); });
    else
      jobs.add([&, end, symbol, work = kernel_text(m, k)] {
        end(emit_one(work, symbol, m.target, options));
      });
  }
  jobs.finish();
  c.workers.reset();
  forget_parsed();
  c.kernels.clear();
  for (size_t k = 0; k < n; ++k) {
    for (auto& r : made[k].remarks)
      c.remarks.push_back(std::move(r));
    for (const auto& note : made[k].object.notes)
      c.remarks.push_back(text(m.network.programs[k]->name, ": ", note));
    c.kernels.push_back(std::move(made[k].object));
  }
}

} // namespace nasc
