// Candidates as forms against the networks that their plans make.
#include <catch2/catch.hpp>

#include "frontend/import.h"
#include "frontend/lower.h"
#include "polyhedral/neural/counts.h"
#include "polyhedral/search/builtin.h"
#include "polyhedral/transformation.h"
#include "test/zoo/zoo.h"
#include "tools/neural/forms.h"
#include "tools/neural/steps.h"
#include "tools/search/layers.h"

using namespace nasc;
namespace {

Network zoo_network(const std::string& name) {
  Instances instances;
  return lower(import_graph(read_onnx(file_bytes(zoo_model(name)), name), instances), instances);
}

const char kSpace[] = "on conv[ci>=4] { neural = oneof(keep, group(by=oneof(2, 4)), bottleneck(loop=ci, by=2), "
                      "bottleneck(loop=co, by=2), [bottleneck(loop=co, by=2), group(by=2)], depthwise(), "
                      "spatial_bottleneck(by=2), seq1(groups=[1, 2]), seq2(peel=2, by=2), seq3(split=2, by=2)) }";

} // namespace

TEST_CASE("neural forms: counts of candidates are those of the networks that their plans make") {
  const char* model = GENERATE("tiny-resnet", "tiny-resnext", "tiny-densenet");
  CAPTURE(model);
  Network network = zoo_network(model);
  Target target;
  LayerTable layers(network);
  FormTable table(layers, target);
  NetworkCounts before = count_network(network);
  CHECK(table.original().macs == before.macs);
  CHECK(table.original().parameters == before.parameters);
  Space space = bound_space(parse_space(kSpace, "test"), space_layers(network, 8));
  prune(space, table);
  Module module = textual_module(network, target);
  Rng rng(5);
  int made = 0, refused = 0;
  for (int k = 0; k < 12; ++k) {
    Decoded decoded = decode(space, sampled(space, rng));
    Expected<CandidateForms> c = table.candidate(decoded.steps);
    if (!c) {
      CHECK(c.error().text != "");
      ++refused;
      continue;
    }
    Module next = module;
    for (const Step& step : c->plan) {
      INFO(text(step));
      auto applied = apply(next, step);
      if (!applied)
        FAIL(applied.error().code << " " << applied.error().text);
      next = std::move(*applied);
    }
    // Forms know convolutions; a matrix product that loses inputs with them counts as in the original.
    auto macs = [](const Network& n, bool convolutions) {
      int64_t sum = 0;
      for (const LayerCounts& l : count_layers(n))
        if ((l.origin == "Conv") == convolutions)
          sum += l.macs;
      return sum;
    };
    CHECK(macs(next.network, true) + macs(network, false) == c->macs);
    CHECK(count_network(next.network).parameters <= c->parameters);
    ++made;
  }
  CHECK(made > refused);
}

TEST_CASE("neural forms: equal operators have one key, and a change is predicted to take other time") {
  Network network = zoo_network("tiny-resnet");
  LayerTable layers(network);
  FormTable table(layers, Target{});
  std::string name;
  for (const NeuralLayer& l : layers.layers)
    if (l.form.image[0] >= 8 && l.form.out[0] == l.form.image[0])
      name = l.name;
  REQUIRE(!name.empty());
  auto with = [&](std::vector<std::string> steps) { return table.candidate({{name, false, std::move(steps)}}).value(); };
  CHECK(with({"group(by=4)"}).key == with({"group(by=2)", "group(by=2)"}).key);
  CHECK(with({"seq1(groups=[1, 1])"}).key == table.original().key);
  CHECK(with({"group(by=4)"}).key != with({"group(by=2)"}).key);
  CHECK(table.candidate({{name, false, {"group(by=7)"}}}).error().code == "indivisible");
}

TEST_CASE("neural steps: the sequences of the paper are primitives, and read as words") {
  std::vector<Step> seq2 = layer_steps("seq2(peel=16, by=2)", "conv");
  REQUIRE(seq2.size() == 3);
  CHECK(text(seq2[0]) == "peel_domain(count=16, layer=conv, loop=co)");
  CHECK(text(seq2[2]) == "group(by=2, layer=conv, piece=1)");
  CHECK(layer_steps("seq1(groups=[1, 4])", "conv").size() == 2);
  CHECK(in_words(seq2[2]) == "part 1: in 2 groups");
  CHECK_THROWS_AS(layer_steps("seq2(by=2)", "conv"), UserError);
}
