// Kernels to machine code, each in a worker that has an isl context of its own.
#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <thread>

#include "ir/text.h"
#include "tools/stages.h"

namespace nasc {
namespace {

// What a worker gets: text, because isl values belong to the thread that made them. A single thread
// gets text, too, so that the number of workers makes no difference to the result.
struct Work {
  std::string program, schedule, symbol, name;
};

struct Made {
  KernelObject object;
  std::vector<std::string> remarks;
};

Made emit_one(const Work& work, const Target& target, const EmitOptions& options) {
  Made made;
  Program program = parse_program(work.program, work.name);
  Schedule textual = textual_schedule(program);
  auto tried = [&](const Schedule& schedule, const EmitOptions& how, const char* instead) {
    Expected<KernelObject> object = emit_kernel({program, schedule}, target, work.symbol, how);
    if (!object)
      made.remarks.push_back(
          text(work.name, ": ", object.error().code, ": ", object.error().text, instead));
    else
      made.object = std::move(*object);
    return object.has_value();
  };
  Expected<Schedule> schedule = parse(program, work.schedule);
  NASC_CHECK(schedule) << work.name << ": " << schedule.error().text;
  bool is_textual = text(*schedule) == text(textual);
  if (!is_textual && tried(*schedule, options, "; in textual order instead"))
    return made;
  if (tried(textual, options, "; in plain loops instead"))
    return made;
  EmitOptions plain = options;
  plain.nest = plain_nest(program);
  NASC_CHECK(tried(textual, plain, "")) << made.remarks.back();
  return made;
}

} // namespace

int effective_jobs(const CompileOptions& o, size_t items) {
  int jobs =
      o.jobs > 0 ? o.jobs : static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  return static_cast<int>(std::min<size_t>(static_cast<size_t>(jobs), std::max<size_t>(items, 1)));
}

void in_parallel(size_t n, int jobs, const std::function<void(size_t)>& work,
                 const std::function<void(size_t)>& done) {
  std::atomic<size_t> next{0};
  std::mutex mutex;
  std::exception_ptr error;
  auto loop = [&] {
    for (size_t k; (k = next++) < n;) {
      try {
        work(k);
        std::lock_guard hold(mutex);
        done(k);
      } catch (...) {
        next = n;
        std::lock_guard hold(mutex);
        if (!error)
          error = std::current_exception();
      }
    }
  };
  std::vector<std::thread> team;
  for (int t = 1; t < jobs; ++t)
    team.emplace_back(loop);
  loop();
  for (auto& t : team)
    t.join();
  if (error)
    std::rethrow_exception(error);
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

  std::vector<Work> work;
  for (size_t k = 0; k < m.schedules.size(); ++k) {
    const Program& p = *m.network.programs[k];
    work.push_back({print(p), text(m.schedules[k]), text("k", k, "_", identifier(p.name)), p.name});
  }
  std::vector<Made> made(work.size());
  size_t finished = 0;
  in_parallel(
      work.size(), effective_jobs(c.options, work.size()),
      [&](size_t k) { made[k] = emit_one(work[k], m.target, options); },
      [&](size_t k) {
        c.progress({.name = work[k].name.c_str(), .done = ++finished, .total = work.size()});
      });
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
