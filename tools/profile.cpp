// nasc-run profile: where the time of a run goes, beside what this machine could do.
#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

#include "ir/diag.h"
#include "tools/run_verbs.h"
#include "tools/staging.h"

namespace nasc {
namespace {
using Clock = std::chrono::steady_clock;
double seconds_since(Clock::time_point t) {
  return std::chrono::duration<double>(Clock::now() - t).count();
}

constexpr int kChains = 12; // independent sums: more than the latency of a multiply-add needs
template <class V> float chains(int64_t steps) {
  V sums[kChains], x = V{} + 1.0001f, y = V{} + 0.5f;
  for (int c = 0; c < kChains; ++c)
    sums[c] = V{} + static_cast<float>(c); // equal chains would be computed once
  for (int64_t k = 0; k < steps; ++k)
    for (auto& s : sums)
      s = s * x + y;
  V all = {};
  for (auto& s : sums)
    all += s;
  return all[0];
}
#if defined(__x86_64__)
// Inlined into a function of the instruction set that has such vectors.
template <class V> [[gnu::always_inline]] inline float unrolled_chains(int64_t steps) {
  V s[kChains], x = V{} + 1.0001f, y = V{} + 0.5f;
  for (int c = 0; c < kChains; ++c)
    s[c] = V{} + static_cast<float>(c);
  for (int64_t k = 0; k < steps; ++k)
    for (int c = 0; c < kChains; ++c)
      s[c] = s[c] * x + y;
  V all = {};
  for (int c = 0; c < kChains; ++c)
    all += s[c];
  return all[0];
}
typedef float Avx __attribute__((vector_size(32)));
typedef float Avx512 __attribute__((vector_size(64)));
__attribute__((target("avx2,fma"), optimize("O3"))) float avx_chains(int64_t steps) {
  return unrolled_chains<Avx>(steps);
}
__attribute__((target("avx512f"), optimize("O3"))) float avx512_chains(int64_t steps) {
  return unrolled_chains<Avx512>(steps);
}
#endif
typedef float Narrow __attribute__((vector_size(16)));

// Best of several short runs: floating-point operations and bytes per second of one thread.
double probe(double amount, const std::function<float()>& work) {
  static volatile float sink;
  double best = 1e9;
  for (int k = 0; k < 20; ++k) {
    auto start = Clock::now();
    sink = work();
    best = std::min(best, seconds_since(start));
  }
  (void)sink;
  return amount / best;
}
double peak_flops() {
  constexpr int64_t kSteps = 200'000;
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f"))
    return probe(2.0 * 16 * kChains * kSteps, [] { return avx512_chains(kSteps); });
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
    return probe(2.0 * 8 * kChains * kSteps, [] { return avx_chains(kSteps); });
#endif
  return probe(2.0 * 4 * kChains * kSteps, [] { return chains<Narrow>(kSteps); });
}
double peak_bytes() {
  std::vector<float> memory(std::size_t{16} << 20, 1.0f);
  return probe(4.0 * static_cast<double>(memory.size()), [&] {
    Narrow sums[4] = {};
    for (std::size_t k = 0; k + 16 <= memory.size(); k += 16)
      for (std::size_t c = 0; c < 4; ++c) {
        Narrow v;
        __builtin_memcpy(&v, &memory[k + 4 * c], sizeof v);
        sums[c] += v;
      }
    return (sums[0] + sums[1] + sums[2] + sums[3])[0];
  });
}

struct StepCost {
  std::string kernel;
  double flops = 0, bytes = 0;
};
std::vector<StepCost> costs_of(const nasc_info& info) {
  std::vector<StepCost> out;
  std::istringstream in(info.costs ? info.costs : "");
  for (StepCost c; in >> c.kernel >> c.flops >> c.bytes;)
    out.push_back(c);
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
  for (int k = 0; k < o.repeat || seconds_since(start) < o.min_seconds; ++k)
    runner.run_into(inputs, outputs);

  int threads = std::max(1, o.threads);
  double peak = peak_flops() * threads, bandwidth = peak_bytes();
  std::vector<StepCost> costs = costs_of(info);
  costs.resize(steps.size());
  double total = 0, flops = 0, bytes = 0;
  std::vector<double> least(steps.size());
  for (std::size_t k = 0; k < steps.size(); ++k) {
    if (steps[k].seconds.empty())
      continue;
    least[k] = *std::min_element(steps[k].seconds.begin(), steps[k].seconds.end());
    total += least[k], flops += costs[k].flops, bytes += costs[k].bytes;
  }
  auto row = [&](double time, double f, double b, int calls, const std::string& label) {
    double bound = std::max(f / peak, b / bandwidth);
    fmt::print("{:10.4f} {:5.1f} {:9.2f} {:6.1f} {:9.1f} {:8.3f} {:6.1f} {:5d}  {}\n", time * 1e3,
               100 * time / total, f / time / 1e9, 100 * f / time / peak, b / time / 1e9, b / 1e6,
               100 * bound / time, calls, label);
  };
  fmt::print("{} thread(s); multiply-add peak {:.1f} GFLOP/s, memory {:.1f} GB/s, least of {} runs\n"
             "        ms     %   GFLOP/s  %peak      GB/s       MB  %roof calls  kernel\n",
             threads, peak / 1e9, bandwidth / 1e9, steps.empty() ? 0 : steps[0].seconds.size());
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
