// Least-squares weights of rewritten layers.
#include <catch2/catch.hpp>

#include <cmath>
#include <random>

#include "ir/prepared.h"
#include "legality/agreement.h"
#include "legality/fitting.h"
#include "networks.h"

using namespace nasc;
using namespace nasc::test;

namespace {
std::vector<Minibatch> images(const Network& n, int count) {
  std::mt19937 rng(5);
  std::normal_distribution<float> normal;
  std::vector<Minibatch> out(static_cast<size_t>(count));
  for (Minibatch& m : out) {
    m.images = zeros(DType::f32, constants(n.buffers[static_cast<size_t>(n.inputs[0])].shape));
    for (int64_t i = 0; i < m.images.count(); ++i) m.images.as<float>()[i] = normal(rng);
  }
  return out;
}
// The weight of a layer with the second half of its input channels' taps zero or made block-diagonal.
void keep_blocks(Network& n, const std::string& layer, int64_t groups) {
  for (const Call& c : n.calls)
    for (int a : c.args) {
      Buffer& b = n.buffers.edit(static_cast<size_t>(n.root(a)));
      if (c.name != layer || b.role != Role::weight || b.rank() != 4) continue;
      HostTensor w = host_tensor(DType::f32, constants(b.shape), b.payload);
      int64_t inner = w.shape[2] * w.shape[3];
      for (int64_t o = 0; o < w.shape[0]; ++o)
        for (int64_t i = 0; i < w.shape[1]; ++i)
          if (o * groups / w.shape[0] != i * groups / w.shape[1]) std::fill_n(w.as<float>() + (o * w.shape[1] + i) * inner, inner, 0.f);
      b.payload = payload_from(std::move(w.bytes));
    }
}
}  // namespace

TEST_CASE("fitting: weights that a grouped layer can have are found from any start", "[fitting]") {
  Network original = zoo_network("tiny-resnet", 8);
  keep_blocks(original, "conv_5", 2);
  Network grouped = rewritten(original, {"group(layer=conv_5, by=2, weights=init)"});
  Fit fit = fitted_weights(original, grouped, images(original, 4), 200);
  CHECK(fit.layers == 1);
  CHECK(fit.before > 0.1);
  CHECK(fit.after < 1e-5);
  std::vector<Minibatch> fresh = images(original, 2);
  CHECK(compare_outputs(original, fit.network, fresh).divergence < 0.01 * compare_outputs(original, grouped, fresh).divergence + 1e-6);
}

TEST_CASE("fitting: a lossy layer comes nearer to the original's outputs, its reader makes up for lost channels", "[fitting]") {
  Network original = zoo_network("tiny-resnet", 8);
  for (const char* step : {"group(layer=conv_5, by=4)", "bottleneck(layer=conv_5, loop=co, by=2)", "spatial_bottleneck(layer=conv_5, by=2)"}) {
    INFO(step);
    Network candidate = rewritten(original, {step});
    Fit fit = fitted_weights(original, candidate, images(original, 4));
    CHECK(fit.layers >= 1);
    CHECK(fit.after < fit.before);
    CHECK(fit.after < 1);
  }
  Agreement a = best_agreement(original, rewritten(original, {"group(layer=conv_5, by=4)"}), images(original, 6));
  CHECK(a.images == 4 * 8);
  CHECK((a.weights == "kept or sliced" || (a.weights == "fitted" && a.unfitted >= 0)));
}

TEST_CASE("fitting: an unchanged network keeps its weights", "[fitting]") {
  Network original = zoo_network("tiny-resnet", 4);
  Fit fit = fitted_weights(original, original, images(original, 2));
  CHECK(fit.layers == 0);
}
