// The steps from a model file to a compared result.
#include "test/e2e/reference.h"

#include <catch2/catch.hpp>
#include <fstream>

#include "frontend/lower.h"
#include "ir/execute.h"
#include "test/support/narrowed.h"
#include "tools/compare.h"
#include "tools/run_inputs.h"

namespace nasc {

CompileOptions options_for(const std::string& model, int level) {
  CompileOptions options;
  options.model = model;
  options.level = level;
  options.target = host_target();
  options.stem = options.prefix = "model";
  options.divide_all = true; // models of tests are small
  return options;
}

Compilation compiled(const CompileOptions& options, const std::string& last) {
  Compilation c;
  c.options = options;
  run_stages(c, last);
  return c;
}

Compilation compiled(const std::string& model, int level, const std::string& last) {
  return compiled(options_for(model, level), last);
}

Loaded loaded(Compilation& c, int threads) {
  auto folder = std::make_unique<TemporaryFolder>();
  Model model(link_library(c, folder->path.string()).library);
  return {std::move(folder), Runner(std::move(model), {.threads = threads})};
}

std::set<std::string> symbols_of(const Runner& runner) {
  std::set<std::string> out;
  const nasc_info& info = runner.model().info();
  for (int k = 0; k < info.n_inputs; ++k)
    for (int d = 0; d < info.inputs[k].rank; ++d)
      if (info.inputs[k].dims[d].extent < 0 && info.inputs[k].dims[d].symbol)
        out.insert(info.inputs[k].dims[d].symbol);
  return out;
}

std::vector<HostTensor> inputs_of(const Runner& runner, int64_t extent) {
  InputOptions options;
  options.random = true;
  const nasc_info& info = runner.model().info();
  for (const std::string& symbol : symbols_of(runner))
    options.dims.push_back(symbol + "=" + std::to_string(extent));
  std::vector<HostTensor> x = make_inputs(info, options, runner.model().path());
  for (HostTensor& t : x) // 0 and 1: right for masks, and as good as any for indices
    for (int64_t i = 0; !is_float(t.dtype) && i < t.count(); ++i)
      set(t, i, static_cast<double>(i * i % 3 % 2));
  return x;
}

std::vector<HostTensor> reference(const std::string& model, const std::vector<HostTensor>& inputs) {
  Instances instances;
  ImportOptions plain;
  plain.passes = false;
  Network network = lower(import_graph(read_onnx(model, plain), instances, plain), instances);
  return execute(network, inputs, {.in_double = true});
}

void check_results(const std::vector<HostTensor>& got, const std::vector<HostTensor>& want) {
  REQUIRE(got.size() == want.size());
  for (size_t k = 0; k < got.size(); ++k) {
    Difference d = compare(got[k], narrowed(want[k], got[k].dtype), {});
    INFO("output " << k << ": " << d.wrong << " of " << d.count << " wrong, " << d.why);
    CHECK(d.equal);
  }
}

Compilation check_model(const CompileOptions& options, int threads, References* references) {
  Compilation c = compiled(options);
  for (const auto& r : c.remarks)
    UNSCOPED_INFO(r);
  Loaded l = loaded(c, threads);
  std::vector<HostTensor> x = inputs_of(l.runner, 3);
  References own;
  auto& known = (references ? references : &own)->known;
  auto it = known.find(options.model);
  if (it == known.end())
    it = known.emplace(options.model, reference(options.model, x)).first;
  check_results(l.runner.run(x), it->second);
  return c;
}

Compilation check_model(const std::string& model, int level, int threads) {
  return check_model(options_for(model, level), threads);
}

TinyZoo::TinyZoo() {
  for (const ZooModel& model : zoo_models()) {
    if (std::string(model.name).find("tiny-") != 0)
      continue;
    models.emplace_back(model.name, folder / (std::string(model.name) + ".onnx"));
    std::ofstream(models.back().second, std::ios::binary)
        << model.make({.seed = 3, .fold_bn = true});
  }
}

} // namespace nasc
