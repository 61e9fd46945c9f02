// Scoring networks: facts of the Fisher Potential, and the speed of one evaluation.
#include <catch2/catch.hpp>

#include <cmath>
#include <ctime>
#include <cstdlib>

#include "frontend/batch.h"
#include "frontend/import.h"
#include "frontend/lower.h"
#include "ir/execute.h"
#include "legality/scoring.h"
#include "test/zoo/zoo.h"

using namespace nasc;

namespace {
Network base_network(const std::string& model, int64_t batch, bool fold = true) {
  Instances instances;
  Graph g = with_batch(read_onnx(file_bytes(zoo_model(model, {.fold_bn = fold})), model), batch);
  return lower(import_graph(std::move(g), instances), instances);
}

Minibatch noise(const ScoringNetwork& s, uint64_t seed) {
  Minibatch m;
  m.images = *drawn_weight(Init::he_normal, seed, "images", s.image_shape(), 1, 2);
  m.labels = zeros(DType::f32, {s.batch(), s.classes()});
  for (int64_t n = 0; n < s.batch(); ++n) set(m.labels, n * s.classes() + (n * 7 + static_cast<int64_t>(seed)) % s.classes(), 1);
  return m;
}
}  // namespace

TEST_CASE("scoring: a tiny residual network has a Fisher Potential per layer", "[scoring]") {
  ScoringNetwork s(base_network("tiny-resnet", 16));
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

TEST_CASE("scoring: time of one evaluation", "[.scoring-speed]") {
  const char* model = std::getenv("NASC_MODEL");
  const char* size = std::getenv("NASC_BATCH");
  auto now = [] { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; };  // of the processor: the machine is shared
  auto seconds = [](double d) { return d; };
  auto t0 = now();
  Network base = base_network(model ? model : "resnet34-cifar", size ? std::atoi(size) : 16);
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
