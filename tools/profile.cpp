// nasc-run profile: where the time of a run goes, beside what this machine could do.
#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

#include "ir/diag.h"
#include "ir/extent.h"
#include "tools/probe.h"
#include "tools/run_verbs.h"
#include "tools/staging.h"

namespace nasc {
namespace {
using Clock = std::chrono::steady_clock;
double seconds_since(Clock::time_point t) {
  return std::chrono::duration<double>(Clock::now() - t).count();
}

struct StepCost {
  std::string kernel;
  double flops = 0, bytes = 0;
};
std::vector<StepCost> costs_of(const nasc_info& info, const std::map<std::string, int64_t>& parameters) {
  std::vector<StepCost> out;
  auto value = [&](const std::string& extent) {
    auto given = [&](const std::string& name) {
      auto found = parameters.find(name);
      return found == parameters.end() ? 0 : found->second;  // what only a run finds out counts as nothing
    };
    return static_cast<double>(Extent::parse(extent).evaluate(given));
  };
  std::istringstream in(info.costs ? info.costs : "");
  StepCost c;
  for (std::string flops, bytes; in >> c.kernel && std::getline(in, flops, ';') && std::getline(in, bytes);) {
    c.flops = value(flops), c.bytes = value(bytes);
    out.push_back(c);
  }
  return out;
}

// What the extents of these inputs give for the names in the model's shapes.
std::map<std::string, int64_t> parameters_of(const nasc_info& info, const std::vector<HostTensor>& inputs) {
  std::map<std::string, int64_t> out;
  for (int32_t k = 0; k < info.n_inputs; ++k)
    for (int32_t d = 0; d < info.inputs[k].rank; ++d)
      if (const char* name = info.inputs[k].dims[d].symbol)
        out[name] = inputs[static_cast<size_t>(k)].shape[static_cast<size_t>(d)];
  return out;
}

struct StepTimes {
  std::string name;
  std::vector<double> seconds;
};
} // namespace

int profile_verb(const RunOptions& o) {
  std::vector<StepTimes> steps;
  Runner runner(Model(o.library),
                {.threads = o.threads, .trace = [&](int step, const char* name, double seconds) {
                   if (static_cast<std::size_t>(step) >= steps.size())
                     steps.resize(static_cast<std::size_t>(step) + 1);
                   steps[static_cast<std::size_t>(step)].name = name;
                   steps[static_cast<std::size_t>(step)].seconds.push_back(seconds);
                 }});
  const nasc_info& info = runner.model().info();
  std::vector<HostTensor> inputs = make_inputs(info, o.inputs, o.library);
  std::vector<HostTensor> outputs = runner.make_outputs(inputs);
  for (int k = 0; k < o.warmup; ++k)
    runner.run_into(inputs, outputs);
  steps.clear();
  auto start = Clock::now();
  int runs = 0;
  for (; runs < o.repeat || seconds_since(start) < o.min_seconds; ++runs)
    runner.run_into(inputs, outputs);

  int threads = std::max(1, o.threads);
  double peak = peak_flops() * threads, reading = reading_flops() * threads, bandwidth = peak_bytes();
  std::vector<StepCost> costs = costs_of(info, parameters_of(info, inputs));
  costs.resize(steps.size());
  double total = 0, flops = 0, bytes = 0;
  std::vector<double> least(steps.size());
  for (std::size_t k = 0; k < steps.size(); ++k) {
    if (steps[k].seconds.empty())
      continue;
    double rounds = static_cast<double>(steps[k].seconds.size()) / runs;
    least[k] = rounds * *std::min_element(steps[k].seconds.begin(), steps[k].seconds.end());
    total += least[k], flops += costs[k].flops, bytes += costs[k].bytes;
  }
  auto row = [&](double time, double f, double b, int calls, const std::string& label) {
    double bound = std::max(f / peak, b / bandwidth);
    fmt::print("{:10.4f} {:5.1f} {:9.2f} {:6.1f} {:9.1f} {:8.3f} {:6.1f} {:5d}  {}\n", time * 1e3,
               100 * time / total, f / time / 1e9, 100 * f / time / peak, b / time / 1e9, b / 1e6,
               100 * bound / time, calls, label);
  };
  std::string with_reads = reading > 0 ? fmt::format(" ({:.1f} with operands read)", reading / 1e9) : "";
  fmt::print("{} thread(s); multiply-add peak {:.1f} GFLOP/s{}, memory {:.1f} GB/s, least of {} runs\n"
             "        ms     %   GFLOP/s  %peak      GB/s       MB  %roof calls  kernel\n",
             threads, peak / 1e9, with_reads, bandwidth / 1e9, steps.empty() ? 0 : steps[0].seconds.size());
  struct Sum {
    double time = 0, flops = 0, bytes = 0;
    int calls = 0;
  };
  std::map<std::string, Sum> kernels;
  for (std::size_t k = 0; k < steps.size(); ++k) {
    Sum& s = kernels[costs[k].kernel.empty() ? steps[k].name : costs[k].kernel];
    s.time += least[k], s.flops += costs[k].flops, s.bytes += costs[k].bytes, ++s.calls;
  }
  std::vector<std::pair<std::string, Sum>> sorted(kernels.begin(), kernels.end());
  std::sort(sorted.begin(), sorted.end(),
            [](const auto& a, const auto& b) { return a.second.time > b.second.time; });
  for (const auto& [name, s] : sorted)
    if (s.time > 0)
      row(s.time, s.flops, s.bytes, s.calls, escaped(name));
  if (o.verbose)
    for (std::size_t k = 0; k < steps.size(); ++k)
      if (least[k] > 0)
        row(least[k], costs[k].flops, costs[k].bytes, 1,
            text("step ", k, " ", escaped(costs[k].kernel), " ", escaped(steps[k].name)));
  if (total > 0)
    row(total, flops, bytes, static_cast<int>(steps.size()), "all");
  if (!o.json.empty()) { // Chrome's trace viewer: one event per step, its least time
    nlohmann::ordered_json events = nlohmann::ordered_json::array();
    double at = 0;
    for (std::size_t k = 0; k < steps.size(); ++k) {
      events.push_back({{"name", steps[k].name},
                        {"cat", costs[k].kernel},
                        {"ph", "X"},
                        {"ts", at * 1e6},
                        {"dur", least[k] * 1e6},
                        {"pid", 0},
                        {"tid", 0},
                        {"args", {{"flops", costs[k].flops}, {"bytes", costs[k].bytes}}}});
      at += least[k];
    }
    nlohmann::ordered_json trace = {{"traceEvents", events}, {"displayTimeUnit", "ms"}};
    std::string out = trace.dump(1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
    if (o.json == "-")
      fmt::print("{}\n", out);
    else
      write_atomically(o.json, out + "\n");
  }
  return 0;
}

} // namespace nasc
