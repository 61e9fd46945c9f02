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

// Time at batch 8 over time at batch 1, one thread. In turns, since the machine changes its pace,
// and eight runs at batch 1 in a row, since what interrupts a run takes a share of its time. The
// least of many.
double batch_ratio(const std::string& name, const Loaded& library, double seconds) {
  Runner runner(Model(library.runner.model().path()), {.threads = 1});
  std::vector<HostTensor> x1 = inputs_of(runner, 1), y1 = runner.make_outputs(x1);
  std::vector<HostTensor> x8 = inputs_of(runner, 8), y8 = runner.make_outputs(x8);
  auto milliseconds = [&](const std::vector<HostTensor>& x, std::vector<HostTensor>& y, int runs) {
    auto begin = std::chrono::steady_clock::now();
    for (int k = 0; k < runs; ++k)
      runner.run_into(x, y);
    return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin)
        .count();
  };
  double eight_times_one = 1e30, eight = 1e30, spent = 0;
  for (int round = 0; round < 5 || spent < 1e3 * seconds; ++round) {
    for (int k = 0; k < 3; ++k) { // the first one has the caches of the other batch
      double t = milliseconds(x1, y1, 8);
      eight_times_one = std::min(eight_times_one, t), spent += t;
    }
    for (int k = 0; k < 3; ++k) {
      double t = milliseconds(x8, y8, 1);
      eight = std::min(eight, t), spent += t;
    }
  }
  std::printf("%s: %.4f ms at batch 1, %.4f ms at batch 8, ratio %.2f\n", name.c_str(),
              eight_times_one / 8, eight, 8 * eight / eight_times_one);
  std::fflush(stdout);
  return 8 * eight / eight_times_one;
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
  for (const char* name : names)
    DYNAMIC_SECTION(name) { // one of them alone: -c NAME
      std::string path = (*data / name / "model.onnx").string();
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
      if (level == 0 && name != std::string("tiny-resnet") && name != std::string("tiny-bert"))
        continue;
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
    CHECK(batch_ratio(name, loaded(c, 1), 0.2) <= 10); // 8.2 where nothing else runs: below
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
