// nasc-execute MODEL: the executor on a whole network: times per call, and what stored references are worth against
// double precision.
#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <map>

#include "frontend/import.h"
#include "frontend/lower.h"
#include "ir/execute.h"
#include "test/support/narrowed.h"
#include "tools/command_line.h"
#include "tools/compare.h"
#include "tools/run_inputs.h"
#include "tools/tool_main.h"

using namespace nasc;

namespace {

double seconds_of(const std::function<void()>& f) {
  auto start = std::chrono::steady_clock::now();
  f();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

std::vector<HostTensor> random_inputs(const Network& network) {
  std::vector<HostTensor> out;
  for (int i : network.inputs) {
    const Buffer& b = network.buffers[i];
    ParameterValues ones;
    for (const Extent& e : b.shape)
      for (const std::string& name : e.parameters())
        ones[name] = 1;
    out.push_back(random_tensor(b.dtype, evaluate(b.shape, ones), 0));
  }
  return out;
}

int body(int argc, char** argv) {
  CLI::App app("Runs a network on the executor.", "nasc-execute");
  std::string model, data;
  ExecuteOptions options;
  int calls = 0;
  bool plain = false;
  app.add_option("MODEL", model, "ONNX model")->required();
  app.add_option("--data", data, "compare with the references of this folder's test_data_set_*");
  app.add_flag("--double", options.in_double, "in double precision");
  app.add_flag("--no-blas", plain, "without OpenBLAS");
  app.add_option("--calls", calls, "print this many of the slowest calls");
  if (int done = parse_command_line(app, argc, argv); done >= 0)
    return done;
  options.use_blas = !plain;

  Instances instances;
  ImportOptions import;
  import.passes = false;
  Network network = lower(import_graph(read_onnx(model, import), instances, import), instances);
  if (data.empty()) {
    std::vector<HostTensor> x = random_inputs(network);
    std::vector<std::pair<double, std::string>> times;
    options.trace = [&](const Call& c, double s) {
      times.emplace_back(s, c.name + " (" + network.programs[c.program]->name + ")");
    };
    for (const char* run : {"first", "second"}) {
      times.clear();
      fmt::print("{} run {:.1f} ms\n", run, 1e3 * seconds_of([&] { execute(network, x, options); }));
    }
    std::sort(times.rbegin(), times.rend());
    for (int k = 0; k < std::min(calls, static_cast<int>(times.size())); ++k)
      fmt::print("{:10.3f} ms  {}\n", 1e3 * times[k].first, times[k].second);
    return 0;
  }
  for (const std::string& set : data_sets(data)) {
    std::vector<HostTensor> references = read_data_set(set, "output");
    std::vector<HostTensor> y = execute(network, read_data_set(set, "input"), options);
    for (size_t k = 0; k < references.size() && k < y.size(); ++k) {
      Difference d = compare(narrowed(y[k], references[k].dtype), references[k], {});
      fmt::print("{} output {}: {} of {} differ by more than the tolerance, max abs {:.3g} rel "
                 "{:.3g} ULP {:.3g} rms {:.3g} {}\n",
                 set, k, d.wrong, d.count, d.max_absolute, d.max_relative, d.max_ulp, d.relative_rms, d.why);
    }
  }
  return 0;
}

} // namespace

int main(int argc, char** argv) {
  return run_tool("nasc-execute", [&] { return body(argc, argv); });
}
