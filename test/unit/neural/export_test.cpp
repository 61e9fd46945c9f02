// Exported models, read back by the frontend, compute what the rewritten Network computes.
#include <catch2/catch.hpp>

#include "frontend/export.h"
#include "frontend/lower.h"
#include "frontend/patch.h"
#include "models.h"
#include "polyhedral/neural/counts.h"
#include "polyhedral/neural/patch.h"
#include "test/zoo/zoo.h"

using namespace nasc;
using namespace nasc::test;

namespace {

struct Case {
  const char* model;
  std::vector<std::string> steps;
};
const std::vector<Case> kCases = {
    {"tiny-resnet", {}},
    {"tiny-vgg", {}},
    {"tiny-bert", {}},
    {"tiny-resnet", {"group(layer=conv_5, by=2)"}},
    {"tiny-resnet", {"spatial_bottleneck(layer=conv_5, by=2)", "split_domain(layer=conv_8, loop=co, parts=2)", "group(layer=conv_8, piece=0, by=2)"}},
    {"tiny-resnet", {"peel_domain(layer=conv_5, loop=oh, count=3)", "split_domain(layer=conv_5, piece=1, loop=co, parts=2)"}},
    {"tiny-resnet", {"strip_domain(layer=conv_5, loop=ci, parts=2)", "interchange_domain(layer=conv_5, first=ci_o, second=ci_i)", "group(layer=conv_5, by=2)"}},
};

void same_when_read_back(const Graph& graph, const Network& before, const Network& after) {
  auto patch = graph_patch(before, after);
  if (!patch) FAIL(patch.error().code << ": " << patch.error().text);
  std::string bytes = export_onnx(patched(graph, *patch));
  Network again = lower(graph_of(bytes));
  CHECK(distance(run(again), run(after)) < 1e-9);
  CHECK(count_network(again).parameters >= count_network(after).parameters);  // stripes repeat the bias
  CHECK(count_network(again).macs == count_network(after).macs);
  CHECK(export_onnx(patched(graph, *patch)) == bytes);
}
}  // namespace

TEST_CASE("export: rewritten models come back the same") {
  for (const Case& c : kCases) {
    Graph graph = graph_of(zoo_model(c.model));
    Module before = module_of(graph);
    std::string names;
    for (const Call& call : before.network.calls) names += call.name + " ";
    INFO(c.model << ": " << names);
    Module out = after(before, c.steps);
    if (c.model == std::string("tiny-bert")) {  // integer inputs: only read back
      CHECK(count_network(lower(graph_of(export_onnx(graph)))).parameters == count_network(before.network).parameters);
      continue;
    }
    same_when_read_back(graph, before.network, out.network);
  }
}

TEST_CASE("export: channels that are gone are gone from consumers, normalisations and views") {
  for (const char* model : {"tiny-resnet", "tiny-densenet", "tiny-mobilenet", "tiny-vgg", "tiny-squeezenet"}) {
    Graph graph = graph_of(zoo_model(model));
    Module before = module_of(graph);
    int accepted = 0;
    for (const Call& call : before.network.calls) {
      auto out = with_steps(before, {"bottleneck(layer=" + call.name + ", loop=co, by=2)"});
      if (!out) continue;
      INFO(model << ": " << call.name);
      ++accepted;
      same_when_read_back(graph, before.network, out->network);
    }
    CHECK(accepted > 0);
  }
}
