// Channel ties on whole networks: which convolutions may write fewer channels, and what follows.
#include <catch2/catch.hpp>

#include "models.h"
#include "polyhedral/module_edit.h"
#include "polyhedral/neural/counts.h"
#include "polyhedral/neural/edit.h"
#include "polyhedral/neural/options.h"

using namespace nasc;
using namespace nasc::test;

namespace {

std::string narrowed(const Module& m, const std::string& layer) {
  auto out = with_steps(m, {"bottleneck(layer=" + layer + ", loop=co, by=2)"});
  return out ? "accepted" : out.error().code;
}

// Is a result of the call added to another?
bool feeds_add(const Network& n, int call) {
  int y = n.calls[static_cast<size_t>(call)].args.back();
  for (int c : calls_of(n, y))
    if (n.programs[static_cast<size_t>(n.calls[static_cast<size_t>(c)].program)]->origin == "Add") return true;
  return false;
}
}  // namespace

TEST_CASE("ties: ResNet-34 may narrow the first convolution of each block, and no other") {
  Module m = zoo_module("resnet34-cifar");
  int accepted = 0, refused = 0;
  for (const NeuralLayer& l : neural_layers(m.network)) {
    bool adds = feeds_add(m.network, l.call), stem = l.form.image[0] == 3;
    std::string answer = narrowed(m, l.name);
    INFO(l.name);
    CHECK(answer == (adds || stem ? "tied-channels" : "accepted"));
    ++(answer == "accepted" ? accepted : refused);
  }
  CHECK(accepted == 16);
  CHECK(refused == 20);
}

TEST_CASE("ties: a narrowed convolution narrows its consumer, its bias and nothing else") {
  Module m = zoo_module("resnet34-cifar");
  Module out = after(m, {"bottleneck(layer=conv_4, loop=co, by=2)"});
  ConvForm first = form_of(out, "conv_4"), second = form_of(out, "conv_7");
  CHECK(first.pieces[0].weights == std::array<int64_t, 4>{32, 64, 3, 3});
  CHECK(second.pieces[0].weights == std::array<int64_t, 4>{64, 32, 3, 3});
  NetworkCounts a = count_network(m.network), b = count_network(out.network);
  CHECK(a.parameters - b.parameters == 2 * 32 * 64 * 9 + 32);
  CHECK(a.macs - b.macs == 2 * 32 * 64 * 9 * 32 * 32);
}

TEST_CASE("ties: a narrowed network computes what the kept channels give") {
  // Weights of the consumer that would meet dropped channels are zeroed in the original instead.
  Module m = zoo_module("tiny-resnet");
  for (const NeuralLayer& l : neural_layers(m.network)) {
    if (narrowed(m, l.name) != "accepted") continue;
    Module out = after(m, {"bottleneck(layer=" + l.name + ", loop=co, by=2)"});
    Module zeroed = m;
    int y = m.network.calls[static_cast<size_t>(l.call)].args.back(), tied = y;
    for (size_t c = static_cast<size_t>(l.call) + 1; c < m.network.calls.size(); ++c) {
      const Call& call = m.network.calls[c];
      if (call.args[0] != tied) continue;
      auto form = conv_form(*m.network.programs[static_cast<size_t>(call.program)]);
      if (!form) {
        tied = call.args.back();  // pointwise
        continue;
      }
      Buffer& w = zeroed.network.buffers.edit(static_cast<size_t>(call.args[1]));
      HostTensor values = host_tensor(w.dtype, constants(w.shape), w.payload);
      int64_t half = l.form.out[0] / 2, inner = values.shape[2] * values.shape[3];
      for (int64_t k = 0; k < values.count(); ++k)
        if (k / inner % values.shape[1] >= half) values.as<float>()[k] = 0;
      w.payload = payload_from(std::move(values.bytes));
      break;
    }
    CHECK(distance(run(out.network), run(zeroed.network)) < 1e-9);
  }
}

TEST_CASE("ties: DenseNet-161 may narrow every 1x1 convolution to 192 channels") {
  Module m = zoo_module("densenet161-cifar");
  int found = 0;
  for (const NeuralLayer& l : neural_layers(m.network)) {
    if (l.form.out[0] != 192 || l.form.pieces[0].macs() != l.form.image[0] * 192 * l.form.out[1] * l.form.out[2]) continue;
    if (++found % 13 != 1) continue;  // every one takes a minute
    INFO(l.name);
    CHECK(output_factors(m.network, l.call, {2, 4}) == std::vector<int64_t>{2, 4});
  }
  CHECK(found == 79);  // a transition has 192 channels, too
}

TEST_CASE("ties: growth of a dense block reaches every later layer through concatenation") {
  Module m = zoo_module("tiny-densenet");
  std::vector<double> before = run(m.network);
  int accepted = 0;
  for (const NeuralLayer& l : neural_layers(m.network)) {
    auto out = with_steps(m, {"bottleneck(layer=" + l.name + ", loop=co, by=2)"});
    INFO(l.name);
    REQUIRE(out.has_value());
    ++accepted;
    CHECK(run(out->network).size() == before.size());
    CHECK(count_network(out->network).macs < count_network(m.network).macs);
  }
  CHECK(accepted == 10);
}

TEST_CASE("ties: depthwise consumers shrink with their producers") {
  Module m = zoo_module("tiny-mobilenet");
  int accepted = 0;
  for (const NeuralLayer& l : neural_layers(m.network)) {
    std::string answer = narrowed(m, l.name);
    if (answer == "accepted") ++accepted;
    else CHECK((answer == "tied-channels" || answer == "no-such-loop"));  // depthwise: no loop over outputs alone
  }
  CHECK(accepted >= 3);
}
