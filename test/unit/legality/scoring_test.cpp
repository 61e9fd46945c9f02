// Scoring networks: facts of the Fisher Potential, and the speed of one evaluation.
#include <catch2/catch.hpp>

#include <algorithm>
#include <cmath>
#include <ctime>
#include <cstdlib>

#include "frontend/import.h"
#include "frontend/lower.h"
#include "ir/execute.h"
#include "legality/scoring.h"
#include "networks.h"
#include "test/zoo/builder.h"
#include "test/zoo/zoo.h"

using namespace nasc;
using namespace nasc::test;

namespace {
Minibatch noise(const ScoringNetwork& s, uint64_t seed) {
  Minibatch m;
  m.images = *drawn_weight(Init::he_normal, seed, "images", s.image_shape(), 1, 2);
  m.labels = zeros(DType::f32, {s.batch(), s.classes()});
  for (int64_t n = 0; n < s.batch(); ++n) set(m.labels, n * s.classes() + (n * 7 + static_cast<int64_t>(seed)) % s.classes(), 1);
  return m;
}
}  // namespace

TEST_CASE("scoring: a tiny residual network has a Fisher Potential per layer", "[scoring]") {
  ScoringNetwork s(zoo_network("tiny-resnet", 16));
  Minibatch m = noise(s, 1);
  Scores one = s.score(1, m), same = s.score(1, m), other = s.score(2, m);
  REQUIRE(one.fisher.size() == s.layers().size());
  for (size_t k = 0; k < s.layers().size(); ++k)
    std::printf("%-12s macs %8ld parameters %6ld fisher %.6g\n", s.layers()[k].name.c_str(), static_cast<long>(s.layers()[k].macs),
                static_cast<long>(s.layers()[k].parameters), one.fisher[k]);
  CHECK(one.total() == same.total());
  CHECK(one.total() != other.total());
  CHECK(one.loss > 0);
  for (double f : one.fisher) CHECK(f > 0);
}

TEST_CASE("scoring: in front of batch statistics the potential does not depend on the scale of the weights", "[scoring]") {
  ScoringNetwork s(zoo_network("tiny-resnet", 16));
  Minibatch m = noise(s, 1);
  std::vector<HostTensor> plain, scaled;
  for (const ScoredWeight& w : s.weights()) {
    plain.push_back(*drawn_weight(Init::he_normal, 5, w.layer, w.shape, w.fan_in, w.fan_out));
    scaled.push_back(plain.back());
    if (w.shape.size() != 4) continue;  // the last layer has no batch statistics behind it
    for (int64_t i = 0; i < scaled.back().count(); ++i) scaled.back().as<float>()[i] *= 10;
  }
  auto given = [](const std::vector<HostTensor>& all) {
    std::vector<const HostTensor*> out;
    for (const HostTensor& t : all) out.push_back(&t);
    return out;
  };
  Scores before = s.score_with(given(plain), m), after = s.score_with(given(scaled), m);
  for (size_t k = 0; k < before.fisher.size(); ++k) CHECK(after.fisher[k] == Approx(before.fisher[k]).epsilon(2e-4));
}

TEST_CASE("scoring: what was folded into convolutions is back behind them as unit batch normalizations", "[scoring]") {
  Network kept = zoo_network("tiny-resnet", 16, false), folded = zoo_network("tiny-resnet", 16);
  REQUIRE(kept.calls.size() > folded.calls.size());
  ScoringNetwork with(kept), back(folded), without(folded, {.unit_norm = false});
  REQUIRE(with.layers().size() == back.layers().size());
  Minibatch m = noise(with, 1);
  auto scored = [&](const ScoringNetwork& s) { // layers are named by their place among all nodes, which differs
    std::vector<HostTensor> drawn;
    std::vector<const HostTensor*> given;
    for (const ScoredWeight& w : s.weights())
      drawn.push_back(*drawn_weight(Init::he_normal, 5, std::to_string(drawn.size()), w.shape, w.fan_in, w.fan_out));
    for (const HostTensor& t : drawn) given.push_back(&t);
    return s.score_with(given, m);
  };
  Scores a = scored(with), b = scored(back), c = scored(without);
  bool differs = false;
  for (size_t k = 0; k < a.fisher.size(); ++k) {
    INFO(with.layers()[k].name);
    CHECK(b.fisher[k] == Approx(a.fisher[k]).epsilon(1e-3));
    differs |= std::abs(c.fisher[k] - a.fisher[k]) > 0.1 * a.fisher[k];
  }
  CHECK(b.naswot == Approx(a.naswot).epsilon(1e-3));
  CHECK(differs);
}

TEST_CASE("scoring: one image has no potential; images given twice do not change it", "[scoring]") {
  ScoringNetwork one(zoo_network("tiny-resnet", 1)), eight(zoo_network("tiny-resnet", 8)), sixteen(zoo_network("tiny-resnet", 16));
  Scores alone = one.score(1, noise(one, 1));
  Minibatch m = noise(eight, 1), twice = noise(sixteen, 1);
  for (auto [from, to] : {std::pair{&m.images, &twice.images}, std::pair{&m.labels, &twice.labels}})
    for (size_t half : {size_t{0}, from->bytes.size()}) std::copy(from->bytes.begin(), from->bytes.end(), to->bytes.begin() + static_cast<int64_t>(half));
  Scores once = eight.score(1, m), doubled = sixteen.score(1, twice);
  for (size_t k = 0; k < once.fisher.size(); ++k) {
    if (one.layers()[k].spatial) CHECK(alone.fisher[k] < 1e-4 * once.fisher[k]);
    // With the mean loss, the sum of squares itself is divided by 4: fisher is that times the square of the batch.
    CHECK(doubled.fisher[k] == Approx(once.fisher[k]).epsilon(1e-3));
  }
}

TEST_CASE("scoring: the potential is that of masks by finite differences", "[scoring]") {
  constexpr int64_t kImages = 4, kChannels = 3;
  ZooBuilder b("masked", 1, false);
  ZooValue x = b.input("image", {kImages, 2, 6, 6});
  ZooValue y = b.conv(x, {.channels = kChannels});
  y = b.binary("Mul", y, b.constant("mask", {kImages, kChannels, 1, 1}, std::vector<float>(kImages * kChannels, 1.f)));
  b.output(b.gemm(b.flatten(b.global_average_pool(b.relu(b.bn(y)))), 5));
  Instances instances;
  Network base = lower(import_graph(read_onnx(file_bytes(b.bytes()), "masked"), instances, ImportOptions{{}, false}), instances);
  ScoringNetwork s(base, {.unit_norm = false});
  Minibatch m = noise(s, 3);
  Network n = s.network();
  auto mask = std::find_if(n.buffers.begin(), n.buffers.end(), [](const Buffer& t) { return t.shape == Shape{kImages, kChannels, 1, 1} && t.payload; });
  REQUIRE(mask != n.buffers.end());
  auto run = [&](int64_t element, double step) {
    std::vector<float> values(kImages * kChannels, 1.f);
    if (element >= 0) values[static_cast<size_t>(element)] += static_cast<float>(step);
    n.buffers.edit(static_cast<size_t>(std::distance(n.buffers.begin(), mask))).payload = payload_of(values);
    return execute(n, {m.images, m.labels}, {.in_double = true});
  };
  std::vector<HostTensor> at_one = run(-1, 0);
  REQUIRE(at_one[1].count() == kChannels);
  constexpr double kStep = 1.0 / 1024;
  for (int64_t c = 0; c < kChannels; ++c) {
    double sum = 0;
    for (int64_t i = 0; i < kImages; ++i) {
      double d = (get(run(i * kChannels + c, kStep)[0], 0) - get(run(i * kChannels + c, -kStep)[0], 0)) / (2 * kStep);
      sum += d * d;
    }
    CHECK(get(at_one[1], c) == Approx(sum * kImages / 2).epsilon(1e-3));
  }
}

TEST_CASE("scoring: time of one evaluation", "[.scoring-speed]") {
  const char* model = std::getenv("NASC_MODEL");
  const char* size = std::getenv("NASC_BATCH");
  auto now = [] { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; };  // of the processor: the machine is shared
  auto seconds = [](double d) { return d; };
  auto t0 = now();
  Network base = zoo_network(model ? model : "resnet34-cifar", size ? std::atoi(size) : 16);
  auto t1 = now();
  ScoringNetwork s(base);
  auto t2 = now();
  Minibatch m = noise(s, 1);
  s.score(1, m);
  auto t3 = now();
  std::map<std::string, double> by;
  double before = now();
  s.prepared().trace = [&](const Call& c, double) {
    double after = now();
    by[s.network().programs[static_cast<size_t>(c.program)]->origin] += after - before;
    before = after;
  };
  s.score(1, m);
  auto t4 = now();
  s.score(2, m);
  auto t5 = now();
  std::printf("%s\nlower %.3f prepare %.3f first %.3f again %.3f other seed %.3f macs %.3fG\n", blas_description().c_str(), seconds(t1 - t0),
              seconds(t2 - t1), seconds(t3 - t2), seconds(t4 - t3), seconds(t5 - t4), static_cast<double>(s.macs()) * 1e-9);
  for (auto& [origin, t] : by) std::printf("  %-32s %.4f\n", origin.c_str(), t / 2);
}
