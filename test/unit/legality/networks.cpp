#include "networks.h"

#include <catch2/catch.hpp>

#include "frontend/batch.h"
#include "frontend/import.h"
#include "frontend/lower.h"
#include "polyhedral/transformation.h"
#include "test/zoo/zoo.h"

namespace nasc::test {

Network zoo_network(const std::string& name, int64_t batch, bool folded) {
  Instances instances;
  ImportOptions options;
  options.passes = folded;
  Graph g = with_batch(read_onnx(file_bytes(zoo_model(name, {.fold_bn = folded})), name), batch);
  return lower(import_graph(std::move(g), instances, options), instances);
}

Network rewritten(const Network& base, const std::vector<std::string>& steps) {
  Module module = textual_module(base, Target{});
  for (const std::string& step : steps) {
    Expected<Module> next = apply(module, parse_step(step));
    if (!next) FAIL(step << ": " << next.error().text);
    module = std::move(*next);
  }
  return module.network;
}

}  // namespace nasc::test
