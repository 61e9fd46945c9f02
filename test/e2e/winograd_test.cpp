// Networks computed by Winograd's algorithm give what the executor gives for the convolutions.
#include <algorithm>
#include <catch2/catch.hpp>
#include <fstream>

#include "test/e2e/reference.h"
#include "test/zoo/builder.h"

using namespace nasc;

namespace {

// Two 3x3 convolutions with what may follow one: bias and ReLU, a sum; odd extents, and a third
// that is strided and stays direct.
std::string residual_block(int64_t channels = 64, int64_t rows = 19, int64_t columns = 22) {
  ZooBuilder b("block", 11);
  ZooValue x = b.input("image", {1, channels, rows, columns});
  ZooValue y = b.relu(b.conv(x, {.channels = channels, .bias = true}));
  y = b.relu(b.add(b.conv(y, {.channels = channels, .bias = true}), x));
  y = b.relu(b.conv(y, {.channels = channels, .stride = 2, .bias = true}));
  b.output(b.flatten(b.global_average_pool(y)));
  b.output(y);
  return b.bytes();
}

size_t winograd_steps(const Compilation& c) {
  return static_cast<size_t>(
      std::count_if(c.plan.network.begin(), c.plan.network.end(),
                    [](const Step& s) { return s.transformation == "winograd"; }));
}

} // namespace

TEST_CASE("winograd: a compiled network computes what its convolutions compute") {
  TemporaryFolder folder;
  std::string path = folder / "block.onnx";
  std::ofstream(path, std::ios::binary) << residual_block();
  References references;
  for (Winograd tiles : {Winograd::off, Winograd::automatic, Winograd::f2, Winograd::f3, Winograd::f4})
    for (int threads : {1, 2}) {
      INFO("choice " << static_cast<int>(tiles) << ", " << threads << " threads");
      CompileOptions options = options_for(path, 2);
      options.winograd = tiles;
      Compilation c = check_model(options, threads, &references);
      CHECK(winograd_steps(c) == (tiles == Winograd::off ? 0u : 2u));
    }
}

// All at once and in blocks.
TEST_CASE("winograd: any number of images") {
  for (int64_t rows : {19, 56}) {
    TemporaryFolder folder;
    std::string path = folder / "block.onnx";
    std::ofstream(path, std::ios::binary) << with_symbolic_batch(residual_block(64, rows, 56), "N");
    References references;
    for (int threads : {1, 2}) {
      INFO(rows << " rows, " << threads << " threads");
      CompileOptions options = options_for(path, 2);
      options.winograd = Winograd::f4;
      Compilation made = check_model(options, threads, &references);
      CHECK(winograd_steps(made) == 2);
      for (const std::string& remark : made.remarks)
        CHECK_FALSE(remark.find("in textual order instead") != std::string::npos);
    }
  }
}

TEST_CASE("winograd: channels need not fill whole vectors") {
  struct Case {
    int64_t channels, rows, columns;
  };
  // All at once, in blocks, fetched ahead.
  for (const Case& c : {Case{20, 19, 22}, {36, 56, 56}, {72, 29, 29}, {136, 57, 57}}) {
    TemporaryFolder folder;
    std::string path = folder / "block.onnx";
    std::ofstream(path, std::ios::binary) << residual_block(c.channels, c.rows, c.columns);
    References references;
    for (int threads : {1, 2}) {
      INFO(c.channels << " channels, " << c.rows << " rows, " << threads << " threads");
      CompileOptions options = options_for(path, 2);
      options.winograd = Winograd::f4;
      Compilation made = check_model(options, threads, &references);
      CHECK(winograd_steps(made) == 2);
      for (const std::string& remark : made.remarks)
        CHECK_FALSE(remark.find("in textual order instead") != std::string::npos);
    }
  }
}

TEST_CASE("winograd: transforms have their matrices in the code") {
  TemporaryFolder folder;
  std::string path = folder / "block.onnx";
  std::ofstream(path, std::ios::binary) << residual_block();
  CompileOptions options = options_for(path, 2);
  options.winograd = Winograd::f4;
  options.want_llvm = true;
  Compilation c = check_model(options, 1, nullptr);
  size_t transforms = 0;
  for (const KernelObject& k : c.kernels) {
    bool is_input = k.llvm_ir.find("winograd_input") != std::string::npos;
    if (!is_input && k.llvm_ir.find("winograd_output") == std::string::npos)
      continue;
    ++transforms;
    size_t body = k.llvm_ir.find("define internal");
    REQUIRE(body != std::string::npos);
    std::string code = k.llvm_ir.substr(body, k.llvm_ir.find("\n}", body) - body);
    CHECK(code.find("load <") != std::string::npos);
    CHECK(code.find("load float") == std::string::npos); // an element of a matrix
  }
  CHECK(transforms >= 2);
}
