// Windows over single channels, and bounds of a Clip: what is constant is loaded as vectors, or not
// at all.
#include <algorithm>
#include <catch2/catch.hpp>
#include <fstream>

#include "test/e2e/reference.h"
#include "test/zoo/builder.h"
#include "tools/scalar_values.h"

using namespace nasc;

namespace {

std::string two_layers(float second_bound) {
  ZooBuilder b("depthwise", 5);
  ZooValue x = b.input("image", {1, 48, 13, 18});
  ZooValue y = b.relu6(b.conv(x, {.channels = 48, .group = 48, .bias = true}));
  y = b.conv(y, {.channels = 48, .group = 48, .bias = true});
  y = b.node("Clip", {y, b.scalar(0), b.scalar(second_bound)}, y.shape);
  b.output(b.flatten(b.global_average_pool(y))); // memory of the caller would not be in blocks
  return b.bytes();
}

Compilation compiled(const std::string& bytes) {
  TemporaryFolder folder;
  std::string path = folder / "depthwise.onnx";
  std::ofstream(path, std::ios::binary) << bytes;
  CompileOptions options = options_for(path, 2);
  options.want_llvm = true;
  return check_model(options, 2, nullptr);
}

// Loads of single elements in the kernels of convolutions.
size_t single_loads(const Compilation& c, const std::string& program) {
  size_t out = 0;
  for (const KernelObject& k : c.kernels) {
    size_t body = k.llvm_ir.find("define internal");
    if (body == std::string::npos || k.llvm_ir.find(program) == std::string::npos)
      continue;
    std::string code = k.llvm_ir.substr(body, k.llvm_ir.find("\n}", body) - body);
    for (size_t at = 0; (at = code.find("load float", at)) != std::string::npos; ++at)
      ++out;
  }
  return out;
}

} // namespace

TEST_CASE("depthwise: lanes of weights are loaded together, bounds are in the code") {
  Compilation c = compiled(two_layers(6));
  CHECK(single_loads(c, "conv_") == 0);
  size_t blocks = std::count_if(c.plan.network.begin(), c.plan.network.end(), [](const Step& s) {
    auto buffer = s.args.find("buffer");
    return s.transformation == "layout" && buffer != s.args.end() &&
           std::get<std::string>(buffer->second).find("weight") != std::string::npos;
  });
  CHECK(blocks == 2);
}

TEST_CASE("scalars: calls that bind different numbers keep them in memory") {
  Compilation c = compiled(two_layers(1)); // right, whichever kernels are shared
  const Network& n = c.module.network;
  for (size_t k = 0; k < n.programs.size(); ++k)
    for (const auto& [tensor, payload] : scalar_values(n, k)) {
      CHECK(payload.size == 4);
      const Program& p = *n.programs[k];
      std::vector<int> bound = Network::bound(p);
      for (const Call& call : n.calls)
        for (size_t a = 0; call.program == static_cast<int>(k) && a < bound.size(); ++a)
          if (p.tensors[bound[a]].name == tensor)
            CHECK(hash(n.buffers[call.args[a]].payload) == hash(payload));
    }
}
