// Kernels taken out of the scheduled Module, measured one by one, beside what the cost model says.
#include "tools/explain.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "polyhedral/cost/work.h"
#include "tools/tune/bench.h"
#include "tools/tune/forked.h"
#include "tools/tune/peak.h"
#include "tools/tune/unit.h"

namespace nasc {
namespace {
constexpr double kTimeOut = 30;
constexpr size_t kMostPool = 192 << 20;

struct Machine {
  double peak = 0;  // operations per second of one core; 0: not this machine
  double clock = 0; // cycles per second: the model counts two vector multiply-adds per cycle
};

Machine machine_of(const Target& target) {
  Forked ran = run_forked([&] { return fmt::format("{}", measured_peak(target)); }, kTimeOut);
  if (!ran.ok)
    return {};
  double peak = std::stod(ran.text);
  return {peak, peak / (4.0 * std::max(1, target.lanes(4)))};
}

size_t pool_bytes(const Network& n) {
  size_t all = 0, most = 0;
  for (const Buffer& b : n.buffers)
    if (b.alias_of < 0 && storage_bytes(b).is_constant()) {
      auto bytes = static_cast<size_t>(storage_bytes(b).constant());
      all += b.role == Role::weight ? bytes : 0;
      most = std::max(most, bytes);
    }
  return std::max(std::min(all, kMostPool), 2 * most);
}

struct Measured {
  double seconds = 0;
  std::string problem;
};

Measured measured(const Module& m, size_t pool) {
  for (const auto& p : m.network.programs)
    for (const auto& [name, extent] : p->parameters())
      if (!extent.is_constant())
        return {0, "extents are not constant"};
  Forked ran = run_forked(
      [&] {
        WeightPool weights(pool);
        LoadedModule loaded(m, weights);
        Team team(1);
        loaded.seconds(1, team);
        int calls = static_cast<int>(std::clamp(200e-6 / loaded.seconds(1, team), 1.0, 1000.0));
        std::vector<double> samples;
        double all = 0;
        while (samples.size() < 7 || (all < 0.05 && samples.size() < 1000)) {
          samples.push_back(loaded.seconds(calls, team) / calls);
          all += samples.back() * calls;
        }
        std::nth_element(samples.begin(), samples.begin() + static_cast<long>(samples.size() / 2), samples.end());
        return fmt::format("{}", samples[samples.size() / 2]);
      },
      kTimeOut);
  if (!ran.ok)
    return {0, ran.text};
  return {std::stod(ran.text), ""};
}

double predicted_cycles(const Program& p, const Target& target) {
  if (auto c = find_contraction(p)) {
    auto choices = tile_choices(*c, p, target, 0);
    if (!choices.empty())
      return choices[0].cycles;
  }
  constexpr double kBytesPerCycle = 12;
  Work w = work_of(p);
  return std::max(w.operations / std::max(1, 2 * target.lanes(4)), w.bytes() / kBytesPerCycle);
}

std::string times(const Program& p, const Measured& m, double cycles, const Machine& machine) {
  Work w = work_of(p);
  std::string out = fmt::format("{:.4g} MFLOP, {:.4g} KiB read, {:.4g} KiB written\n", w.operations / 1e6,
                                w.read_bytes / 1024, w.write_bytes / 1024);
  if (machine.clock > 0)
    out += fmt::format("predicted {:.1f} us (one core, {:.2f} GHz)\n", cycles / machine.clock * 1e6, machine.clock / 1e9);
  if (!m.problem.empty())
    return out + "measured: " + m.problem + "\n";
  return out + fmt::format("measured {:.1f} us (one thread): {:.1f} GFLOP/s, {:.1f} % of the peak of {:.1f}; {:.1f} GB/s\n",
                           m.seconds * 1e6, w.operations / m.seconds / 1e9, 100 * w.operations / m.seconds / machine.peak,
                           machine.peak / 1e9, w.bytes() / m.seconds / 1e9);
}

size_t calls_of_program(const Network& n, size_t k) {
  return static_cast<size_t>(
      std::count_if(n.calls.begin(), n.calls.end(), [&](const Call& c) { return c.program == static_cast<int>(k); }));
}

std::string steps_of(const Plan& plan, const std::string& name) {
  std::string out;
  for (const auto& [kernel, steps] : plan.kernels)
    for (const Step& s : steps)
      if (kernel == name)
        out += "  " + text(s) + "\n";
  return out.empty() ? "  textual order\n" : out;
}

std::string one_kernel(const Compilation& c, size_t k, const Machine& machine) {
  const Program& p = *c.module.network.programs[k];
  std::string out = text("kernel ", p.name, ": ", p.origin, ", called ", calls_of_program(c.module.network, k), " times\nplan\n",
                         steps_of(c.plan, p.name));
  for (const Tensor& t : p.tensors)
    if (t.role != Role::temp && !is_row_major(t))
      out += text("  ", t.name, " ", text(t.shape), " lies as ", text(layout_of(t)), "\n");
  Measured m = measured(cut_out(c.module, static_cast<int>(k)), pool_bytes(c.module.network));
  return out + times(p, m, predicted_cycles(p, c.module.target), machine);
}

std::string one_decision(const Unit& unit, const Machine& machine) {
  std::string out = text("alternatives (", unit.decision.kind, "), predicted\n");
  for (size_t k = 0; k < unit.decision.alternatives.size(); ++k) {
    const Alternative& a = unit.decision.alternatives[k];
    out += machine.clock > 0
               ? fmt::format("  {:9.1f} us  {}{}\n", a.cycles / machine.clock * 1e6, a.text, k ? "" : "  (the analytic choice)")
               : fmt::format("  {:9.4g} cycles  {}{}\n", a.cycles, a.text, k ? "" : "  (the analytic choice)");
  }
  return out;
}

std::string all_kernels(const Compilation& c, const Machine& machine) {
  const Network& n = c.module.network;
  std::string out = fmt::format("{:>5} {:>10} {:>10} {:>9} {:>6} {:>10}  kernel\n", "calls", "predicted", "measured",
                                "GFLOP/s", "peak", "KiB moved");
  double total = 0, bytes = 0;
  for (size_t k = 0; k < n.programs.size(); ++k) {
    const Program& p = *n.programs[k];
    if (p.phase != Phase::run)
      continue;
    auto calls = static_cast<double>(calls_of_program(n, k));
    Work w = work_of(p);
    Measured m = measured(cut_out(c.module, static_cast<int>(k)), pool_bytes(n));
    double share = m.seconds > 0 ? w.operations / m.seconds : 0;
    out += fmt::format("{:5} {:>7.1f} us {:>7.1f} us {:>9.1f} {:>4.0f} % {:>10.0f}  {}{}\n", calls,
                       predicted_cycles(p, c.module.target) / machine.clock * 1e6, m.seconds * 1e6, share / 1e9,
                       100 * share / machine.peak, w.bytes() / 1024, p.name, m.problem.empty() ? "" : ": " + m.problem);
    total += calls * m.seconds;
    bytes += calls * w.bytes();
  }
  return out + fmt::format("sum {:.3f} ms, {:.1f} MiB moved, peak {:.1f} GFLOP/s\n", total * 1e3, bytes / 1048576,
                           machine.peak / 1e9);
}

} // namespace

std::string explain(const Compilation& c, const std::string& name) {
  Machine machine = machine_of(c.module.target);
  if (name == "all")
    return all_kernels(c, machine);
  const Network& n = c.module.network;
  std::string out;
  std::vector<std::string> names;
  for (size_t k = 0; k < n.programs.size(); ++k) {
    names.push_back(n.programs[k]->name);
    if (n.programs[k]->name == name)
      out += one_kernel(c, k, machine);
  }
  ScheduleOptions how{.level = c.options.level, .winograd = c.options.winograd};
  for (const char* kind : {"winograd", "tile"})
    for (const Unit& u : find_units(textual_module(c.network, c.module.target), how, kind, {})) {
      names.push_back(u.decision.kernel);
      if (u.decision.kernel == name)
        out += one_decision(u, machine);
    }
  if (!out.empty())
    return out;
  std::string near = nearest(name, names), all;
  for (const auto& k : names)
    all += " " + k;
  throw UserError(code::usage, "--explain",
                  text("no kernel ", escaped(name), near.empty() ? "" : "; did you mean " + near + "?", "; there are:", all));
}

} // namespace nasc
