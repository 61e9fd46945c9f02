// Candidates as forms against the networks that their plans make.
#include <catch2/catch.hpp>
#include <cmath>
#include <fstream>
#include <numeric>

#include "frontend/import.h"
#include "frontend/lower.h"
#include "polyhedral/neural/counts.h"
#include "polyhedral/search/builtin.h"
#include "polyhedral/transformation.h"
#include "test/support/process.h"
#include "test/zoo/zoo.h"
#include "tools/neural/forms.h"
#include "tools/neural/sensitivities.h"
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

TEST_CASE("neural forms: steps that a cut leaves no room for are left out of the candidate") {
  Network network = zoo_network("tiny-resnet");
  LayerTable layers(network);
  FormTable table(layers, Target{});
  size_t met = 0;
  for (const NeuralLayer& first : layers.layers)
    for (const NeuralLayer& second : layers.layers) {
      LayerSteps cut{first.name, false, {"bottleneck(loop=co, by=4)"}};
      LayerSteps grouped{second.name, false, {text("group(by=", second.form.image[0], ")")}};
      if (first.name == second.name || !table.candidate({cut}) || !table.candidate({grouped}))
        continue;
      Expected<CandidateForms> both = table.candidate({cut, grouped});
      REQUIRE(both);
      if (both->changed.size() == 2)
        continue;
      ++met;
      CHECK(both->key == table.candidate({cut})->key);
      CHECK(both->plan.size() == 1);
    }
  CHECK(met > 0);
}

TEST_CASE("neural forms: a change that a cut would take below the least share is left out") {
  Network network = zoo_network("tiny-resnet");
  LayerTable layers(network);
  FormTable any(layers, Target{}), at_least(layers, Target{}, 0.3);
  size_t met = 0;
  for (const NeuralLayer& first : layers.layers)
    for (const NeuralLayer& second : layers.layers) {
      LayerSteps cut{first.name, false, {"bottleneck(loop=co, by=2)"}}, grouped{second.name, false, {"group(by=2)"}};
      if (first.name == second.name || !any.candidate({cut}) || !any.candidate({grouped}))
        continue;
      size_t j = layers.index(second.name);
      const double half = static_cast<double>(any.original().layers[j]->macs) / 2;
      auto alone = at_least.candidate({grouped}), both = any.candidate({cut, grouped}), kept = at_least.candidate({cut, grouped});
      REQUIRE((alone && both && kept));
      CHECK(alone->key == any.candidate({grouped})->key); // a half by itself is allowed
      if (static_cast<double>(both->layers[j]->macs) < half) { // a quarter is not
        ++met;
        CHECK(kept->key == any.candidate({cut})->key);
        CHECK(kept->plan.size() == 1);
      } else {
        CHECK(kept->key == both->key);
      }
    }
  CHECK(met > 0);
}

TEST_CASE("neural forms: every 1x1 convolution of DenseNet-161 to 192 channels may be cut") {
  Network network = zoo_network("densenet161-cifar");
  LayerTable layers(network);
  int found = 0;
  for (size_t k = 0; k < layers.layers.size(); ++k) {
    const ConvForm& form = layers.layers[k].form;
    if (form.out[0] != 192 || form.macs() != form.image[0] * 192 * form.out[1] * form.out[2])
      continue;
    ++found;
    std::vector<int64_t> half(96);
    std::iota(half.begin(), half.end(), 0);
    INFO(layers.layers[k].name);
    CHECK(layers.cut(k, half).has_value());
  }
  CHECK(found == 79); // 78 of dense layers and a transition
}

TEST_CASE("neural forms: choices that are never allowed leave the space") {
  Network network = zoo_network("tiny-resnet");
  LayerTable layers(network);
  FormTable table(layers, Target{});
  Space space = bound_space(parse_space(kSpace, "test"), space_layers(network, 8)), all = space;
  prune(all, table);
  prune(space, table, [&](const CandidateForms& c) { return 2 * c.macs > table.original().macs && c.changed.empty(); });
  CHECK(space.size() == 1);
  CHECK(all.size() > 1000);
}

TEST_CASE("neural sensitivities: a class of layers is measured once, and its other options are guessed from it") {
  TemporaryFolder folder;
  std::string model = folder / "m.onnx";
  std::ofstream(model, std::ios::binary) << zoo_model("tiny-resnet");
  Network network = zoo_network("tiny-resnet");
  LayerTable layers(network);
  FormTable table(layers, Target{});
  Judging judging(model, {}, {.legality = "capacity,naswot,fisher", .data = "", .batch = 8, .seed = 0, .file = folder / "v", .judges = {}});
  REQUIRE(judging.sums().size() == 2);
  CHECK(judging.sums()[0].judge == "naswot");
  CHECK(judging.sums()[0].least == -0.5);
  Sensitivities sensitivities(table, judging);
  auto option = [&](size_t layer, const std::string& step) {
    return sensitivities.options({{layers.layers[layer].name, false, {step}}});
  };
  size_t layer = 0;
  while (option(layer, "group(by=4)").empty())
    ++layer;
  std::vector<LayerOption> two = option(layer, "group(by=2)"), four = option(layer, "group(by=4)");
  CHECK(four[0].share < two[0].share);
  CHECK(sensitivities.predict(two).value == std::vector<double>(2, 0));
  CHECK(!sensitivities.measure(two, [] { return true; }));
  CHECK(!sensitivities.measured(two[0]));
  CHECK(sensitivities.measure(two) == 1);
  CHECK(sensitivities.measure(two) == 0);
  CHECK(!sensitivities.measured(four[0]));
  std::vector<double> known = sensitivities.predict(two).value, guessed = sensitivities.predict(four).value;
  CHECK(guessed[0] == Approx(known[0] * std::log(four[0].share) / std::log(two[0].share)));
  // A second process knows the answer.
  Judging later(model, {}, {.legality = "capacity,naswot,fisher", .data = "", .batch = 8, .seed = 0, .file = folder / "v", .judges = {}});
  Sensitivities again(table, later);
  again.measure(two);
  CHECK(later.evaluations() == 0);
  CHECK(again.predict(two).value == known);
}

TEST_CASE("neural steps: the sequences of the paper are primitives, and read as words") {
  std::vector<Step> seq2 = layer_steps("seq2(peel=16, by=2)", "conv");
  REQUIRE(seq2.size() == 3);
  CHECK(text(seq2[0]) == "peel_domain(count=16, layer=conv, loop=co)");
  CHECK(text(seq2[2]) == "group(by=2, layer=conv, piece=1)");
  CHECK(layer_steps("seq1(groups=[1, 4])", "conv").size() == 2);
  CHECK(in_words(seq2[2]) == "part 1: in 2 groups");
  CHECK(in_words(parse_step("group(by=2, weights=init)")) == "in 2 groups, weights drawn anew");
  CHECK_THROWS_AS(layer_steps("seq2(by=2)", "conv"), UserError);
  CHECK_THROWS_WITH(layer_steps("unroll(loop=co, by=2)", "conv"), Catch::Contains("--tune"));
}
