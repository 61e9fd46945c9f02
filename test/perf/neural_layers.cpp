// perf_neural: the distinct convolutions of ResNet-34 (CIFAR-10) under neural steps, each timed beside the exact one.
#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <algorithm>

#include "codegen/emit.h"
#include "frontend/import.h"
#include "frontend/lower.h"
#include "polyhedral/scheduler.h"
#include "test/zoo/builder.h"
#include "tools/command_line.h"
#include "tools/neural/forms.h"
#include "tools/neural/latency.h"
#include "tools/tool_main.h"
#include "tools/tune/bench.h"

using namespace nasc;
namespace {

struct Case {
  int64_t in, out, kernel, stride, extent;
};
const Case kCases[] = {{64, 64, 3, 1, 32},   {64, 128, 3, 2, 32},  {128, 128, 3, 1, 16}, {64, 128, 1, 2, 32},
                       {128, 256, 3, 2, 16}, {256, 256, 3, 1, 8},  {128, 256, 1, 2, 16}, {256, 512, 3, 2, 8},
                       {512, 512, 3, 1, 4},  {256, 512, 1, 2, 8}};
using StepTexts = std::vector<std::string>;
const std::vector<std::pair<const char*, StepTexts>> kNamed = {
    {"group 2", {"group(by=2)"}}, {"Seq.1 [2,4]", {"seq1(groups=[2, 4])"}}, {"Seq.2 (16,2)", {"seq2(peel=16, by=2)"}}};
const std::vector<StepTexts> kOthers = {{"group(by=4)"},
                                    {"group(by=8)"},
                                    {"bottleneck(loop=ci, by=2)"},
                                    {"bottleneck(loop=ci, by=4)"},
                                    {"spatial_bottleneck(by=2)"},
                                    {"spatial_bottleneck(by=2)", "group(by=2)"},
                                    {"bottleneck(loop=ci, by=2)", "group(by=2)"}};

// The convolution between two elementwise nodes, so that its image and result are no inputs or outputs.
Network network_of(const Case& c) {
  ZooBuilder b("one");
  ZooValue x = b.relu(b.input("x", {1, c.in, c.extent, c.extent}));
  b.output(b.relu(b.conv(x, {.channels = c.out, .kernel = c.kernel, .stride = c.stride, .bias = true})));
  Instances instances;
  return lower(import_graph(read_onnx(file_bytes(b.bytes()), "one"), instances), instances);
}

struct Timed {
  double us = 0, ratio = 1;
};
Timed timed(const Module& exact, const Module& module, int threads, WeightPool& pool) {
  LoadedModule first(schedule_module(exact, {}).module, pool), second(schedule_module(module, {}).module, pool);
  Team team(threads);
  Comparison c = compare_times(first, second, team, {.pairs = 9, .seconds = 0.05, .limit_seconds = 0.5});
  return {c.second_us, 1 / c.ratio};
}

} // namespace

static int body(int argc, char** argv) {
  CLI::App app("Times the distinct convolutions of ResNet-34 (CIFAR-10) under neural steps, each beside the exact one.", "perf_neural");
  int threads = 1;
  size_t only = std::size(kCases);
  app.add_option("--threads", threads, "of each call")->check(CLI::Range(1, 256))->capture_default_str();
  app.add_option("--row", only, "only this row of the table, from 0")->check(CLI::Range(size_t{0}, std::size(kCases) - 1));
  if (int done = parse_command_line(app, argc, argv); done >= 0)
    return done;
  Target target = host_target();
  WeightPool pool(size_t{64} << 20);
  fmt::print("{:<22}{:>10}", "convolution", "exact us");
  for (const auto& [name, unused] : kNamed)
    fmt::print("{:>14}", name);
  fmt::print("  best (speed-up, model's guess): {} thread(s)\n", threads);
  for (size_t k = 0; k < std::size(kCases); ++k) {
    if (only < std::size(kCases) && k != only)
      continue;
    const Case& c = kCases[k];
    Network network = network_of(c);
    LayerTable layers(network);
    FormTable table(layers, target);
    Module exact = textual_module(network, target);
    auto run = [&](const StepTexts& steps) -> std::optional<Timed> {
      Expected<CandidateForms> forms = table.candidate({{layers.layers.at(0).name, false, steps}});
      if (!forms)
        return {};
      Module module = exact;
      for (const Step& s : forms->plan) {
        auto next = apply(module, s);
        NASC_CHECK(next) << text(s) << ": " << next.error().text;
        module = std::move(*next);
      }
      return timed(exact, module, threads, pool);
    };
    Timed base = timed(exact, exact, threads, pool);
    fmt::print("{:<22}{:>10.1f}", fmt::format("{}->{} {}x{}/{} @{}", c.in, c.out, c.kernel, c.kernel, c.stride, c.extent), base.us);
    double best = 1;
    StepTexts best_steps;
    auto note = [&](const std::optional<Timed>& t, const StepTexts& steps) {
      if (t && t->ratio > best)
        best = t->ratio, best_steps = steps;
    };
    for (const auto& [name, steps] : kNamed) {
      std::optional<Timed> t = run(steps);
      note(t, steps);
      fmt::print("{:>14}", t ? fmt::format("{:.2f}x", t->ratio) : "-");
      std::fflush(stdout);
    }
    for (const StepTexts& steps : kOthers)
      note(run(steps), steps);
    std::string words;
    for (const std::string& s : best_steps)
      words += s + " ";
    double guess = best_steps.empty() ? 1 : table.original().ms / table.candidate({{layers.layers.at(0).name, false, best_steps}})->ms;
    fmt::print("  {:.2f}x, {:.2f}x {}\n", best, guess, words);
    std::fflush(stdout);
  }
  return 0;
}

int main(int argc, char** argv) {
  return run_tool("perf_neural", [&] { return body(argc, argv); });
}
