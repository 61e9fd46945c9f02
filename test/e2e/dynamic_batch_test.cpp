// One library for every batch: right at several, and at a cost that follows the batch.
#include <algorithm>
#include <catch2/catch.hpp>
#include <chrono>
#include <cstdio>
#include <fstream>

#include "ir/diag.h"
#include "test/e2e/reference.h"
#include "test/support/test_data.h"

using namespace nasc;

namespace {

constexpr const char* kTiny[] = {"tiny-resnet",    "tiny-resnext", "tiny-densenet",
                                 "tiny-mobilenet", "tiny-vgg",     "tiny-squeezenet",
                                 "tiny-mnist",     "tiny-bert"};

std::string written(const TemporaryFolder& folder, const std::string& name) {
  std::string path = folder / (name + ".onnx");
  std::ofstream(path, std::ios::binary) << zoo_model(name, {.seed = 5, .batch = "N"});
  return path;
}

double milliseconds(Runner& runner, const std::vector<HostTensor>& x, std::vector<HostTensor>& y) {
  auto begin = std::chrono::steady_clock::now();
  runner.run_into(x, y);
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin)
      .count();
}

// Time at batch 8 over time at batch 1, one thread. Both are measured in turns, since the machine
// changes its pace; the least of many runs.
double batch_ratio(const std::string& name, const Loaded& library, double seconds) {
  Runner runner(Model(library.runner.model().path()), {.threads = 1});
  std::vector<HostTensor> x1 = inputs_of(runner, 1), y1 = runner.make_outputs(x1);
  std::vector<HostTensor> x8 = inputs_of(runner, 8), y8 = runner.make_outputs(x8);
  double one = 1e30, eight = 1e30, spent = 0;
  for (int round = 0; round < 3 || spent < 1e3 * seconds; ++round) {
    double a = 1e30;
    milliseconds(runner, x1, y1); // the caches and the arena are those of the other batch
    for (int k = 0; k < 7; ++k) {
      double t = milliseconds(runner, x1, y1);
      a = std::min(a, t), spent += t;
    }
    double b = milliseconds(runner, x8, y8);
    spent += b;
    one = std::min(one, a), eight = std::min(eight, b);
  }
  std::printf("%s: %.4f ms at batch 1, %.4f ms at batch 8, ratio %.2f\n", name.c_str(), one, eight,
              eight / one);
  std::fflush(stdout);
  return eight / one;
}

void check_batches(const std::string& path, Loaded& l) {
  REQUIRE(symbols_of(l.runner).size() == 1);
  for (int64_t batch : {1, 3, 8, 1}) {
    INFO("batch " << batch);
    std::vector<HostTensor> x = inputs_of(l.runner, batch);
    std::vector<HostTensor> y = l.runner.run(x);
    REQUIRE(!y.empty());
    CHECK(y[0].shape[0] == batch);
    check_results(y, reference(path, x));
  }
}

// Models whose only symbolic extent is that of the batch.
void check_shared(const std::vector<const char*>& names, double seconds) {
  auto data = test_data("models");
  if (!data)
    return;
  for (const char* name : names) {
    std::string path = (*data / name / "model.onnx").string();
    INFO(name);
    Compilation c = compiled(path, 2);
    Loaded l = loaded(c, 2);
    check_batches(path, l);
    if (seconds > 0)
      CHECK(batch_ratio(name, l, seconds) <= 8.2);
  }
}

} // namespace

TEST_CASE("dynamic batch: one library is right at batches 1, 3 and 8") {
  TemporaryFolder folder;
  for (const char* name : kTiny)
    for (int level : {0, 2}) {
      INFO(name << " -O" << level);
      std::string path = written(folder, name);
      Compilation c = compiled(path, level);
      Loaded l = loaded(c, 2);
      check_batches(path, l);
    }
}

TEST_CASE("dynamic batch: real models are right at batches 1, 3 and 8") {
  check_shared({"mnist-lenet5", "traffic-sign-keras", "multihead-attention"}, 0);
}

TEST_CASE("dynamic batch: time follows the batch") {
  TemporaryFolder folder;
  for (const char* name : {"tiny-vgg", "tiny-mnist"}) {
    Compilation c = compiled(written(folder, name), 2);
    CHECK(batch_ratio(name, loaded(c, 1), 0.2) <= 8.2);
  }
}

// Run by name, on a machine that does nothing else.
TEST_CASE("dynamic batch: batch 8 takes at most 8.2 times batch 1, tiny networks",
          "[.batch-ratio]") {
  TemporaryFolder folder;
  for (const char* name : kTiny) {
    Compilation c = compiled(written(folder, name), 2);
    CHECK(batch_ratio(name, loaded(c, 1), 1) <= 8.2);
  }
}

TEST_CASE("dynamic batch: batch 8 takes at most 8.2 times batch 1, real models",
          "[.batch-models]") {
  check_shared({"mnist-lenet5", "traffic-sign-keras", "vit-cifar10-pgd-2-3-16",
                "multihead-attention", "cnn-cifar10-keras-large", "collins-rul-cnn-full",
                "pfld-landmarks-112", "super-resolution-espcn", "bert-24-layer-tiny-width",
                "magika-v2-1", "micro-kws-qdq", "basic-pitch"},
               2);
}
