// Tiny cousins of the benchmark networks: compiled, loaded, run, and compared with the executor in
// double precision.
#include <catch2/catch.hpp>
#include <fstream>

#include "frontend/lower.h"
#include "ir/execute.h"
#include "runtime/model.h"
#include "test/support/narrowed.h"
#include "test/support/process.h"
#include "test/zoo/zoo.h"
#include "tools/compare.h"
#include "tools/pipeline.h"
#include "tools/run_inputs.h"

using namespace nasc;

namespace {

void check_model(const std::string& model, int level, int threads) {
  Compilation c;
  c.options.model = model;
  c.options.level = level;
  c.options.target = host_target();
  c.options.stem = c.options.prefix = "model";
  run_stages(c);
  TemporaryFolder folder;
  Runner runner(Model(link_library(c, folder.path.string()).library), {.threads = threads});

  InputOptions inputs;
  inputs.random = true;
  for (const char* name : {"batch", "N", "n", "sequence", "seq"})
    inputs.dims.push_back(std::string(name) + "=3");
  std::vector<HostTensor> x = make_inputs(runner.model().info(), inputs, model);
  for (HostTensor& t : x) // 0 and 1: right for masks, and as good as any for indices
    for (int64_t i = 0; !is_float(t.dtype) && i < t.count(); ++i)
      set(t, i, static_cast<double>(i * i % 3 % 2));
  Instances instances;
  ImportOptions plain;
  plain.passes = false;
  Network network = lower(import_graph(read_onnx(model, plain), instances, plain), instances);
  std::vector<HostTensor> want = execute(network, x, {.in_double = true});
  std::vector<HostTensor> got = runner.run(x);
  REQUIRE(got.size() == want.size());
  for (size_t k = 0; k < got.size(); ++k) {
    Difference d = compare(got[k], narrowed(want[k], got[k].dtype), {});
    INFO("output " << k << ": " << d.wrong << " of " << d.count << " wrong, " << d.why);
    for (const auto& r : c.remarks)
      UNSCOPED_INFO(r);
    CHECK(d.equal);
  }
}

} // namespace

TEST_CASE("zoo: tiny networks compute what the executor computes") {
  for (const ZooModel& model : zoo_models()) {
    if (std::string(model.name).find("tiny-") != 0)
      continue;
    TemporaryFolder folder;
    std::string path = folder / "model.onnx";
    std::ofstream(path, std::ios::binary) << model.make({.seed = 3, .fold_bn = true});
    for (int level : {0, 1, 2}) {
      INFO(model.name << " -O" << level);
      CHECK_NOTHROW(check_model(path, level, level == 0 ? 1 : 2));
    }
  }
}
