// Windows computed by bands of rows with the producer of what they read give what the executor gives.
#include <algorithm>
#include <catch2/catch.hpp>
#include <fstream>

#include "test/e2e/reference.h"
#include "test/zoo/builder.h"

using namespace nasc;

namespace {

// A 1x1 convolution to more channels, then a window over each of them, of odd extents on one side.
std::string expanded(int64_t stride, bool pool) {
  ZooBuilder b("expanded", 7);
  ZooValue x = b.relu(b.conv(b.input("image", {1, 3, 56, 58}), {.channels = 16, .bias = true}));
  ZooValue y = b.relu6(b.conv(x, {.channels = 64, .kernel = 1, .pad = 0, .bias = true}));
  y = pool ? b.max_pool(y, {.kernel = 3, .stride = stride, .pad = 1})
           : b.relu6(b.conv(y, {.channels = 64, .stride = stride, .group = 64, .bias = true}));
  b.output(b.flatten(b.global_average_pool(y)));
  b.output(b.relu(b.conv(y, {.channels = 16, .kernel = 1, .pad = 0})));
  return b.bytes();
}
} // namespace

TEST_CASE("overlap: a compiled network computes what its layers compute") {
  for (bool pool : {false, true})
    for (int64_t stride : {1, 2}) {
      TemporaryFolder folder;
      std::string path = folder / "expanded.onnx";
      std::ofstream(path, std::ios::binary) << expanded(stride, pool);
      References references;
      for (int threads : {1, 2, 3}) {
        INFO((pool ? "pool" : "depthwise") << ", stride " << stride << ", " << threads << " threads");
        CompileOptions options = options_for(path, 2);
        options.target.l2_bytes = 780 << 10; // 813 KB are between them
        Compilation c = check_model(options, threads, &references);
        CHECK(std::any_of(c.plan.network.begin(), c.plan.network.end(), [](const Step& s) { return s.transformation == "overlap"; }));
      }
    }
}
