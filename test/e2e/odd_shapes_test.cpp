// Layers that fill no whole vectors, and the like: each computes what the executor computes, with vectors, as it was scheduled.
#include <catch2/catch.hpp>
#include <fstream>
#include <functional>

#include "test/e2e/reference.h"
#include "test/zoo/builder.h"

using namespace nasc;

namespace {

// [N,C,H,W] in C channels -> `outputs` channels of steps*H rows and columns.
ZooValue transposed(ZooBuilder& b, const ZooValue& x, int64_t outputs, int64_t kernel, int64_t steps) {
  int64_t pad = (kernel - steps) / 2;
  ZooValue w = b.normal("upwards", {x.shape[1], outputs, kernel, kernel}, 0.1);
  return b.node("ConvTranspose", {x, w}, {1, outputs, steps * x.shape[2], steps * x.shape[3]},
                {{"strides", ZooShape{steps, steps}}, {"kernel_shape", ZooShape{kernel, kernel}}, {"pads", ZooShape{pad, pad, pad, pad}}});
}

struct Layer {
  const char* name;
  int64_t channels, size;
  std::function<ZooValue(ZooBuilder&, const ZooValue&)> make;
  bool vectors = true;
};

const std::vector<Layer> kLayers = {
    {"12 filters", 24, 14, [](ZooBuilder& b, const ZooValue& x) { return b.relu(b.conv(x, {.channels = 12, .bias = true})); }},
    {"3 filters", 32, 14, [](ZooBuilder& b, const ZooValue& x) { return b.conv(x, {.channels = 3, .kernel = 1, .bias = true}); }},
    {"one filter", 20, 14, [](ZooBuilder& b, const ZooValue& x) { return b.conv(x, {.channels = 1}); }, false},
    {"windows over 72 channels", 72, 14, [](ZooBuilder& b, const ZooValue& x) { return b.conv(x, {.channels = 72, .kernel = 5, .group = 72, .bias = true}); }},
    {"windows over 20 channels", 20, 15, [](ZooBuilder& b, const ZooValue& x) { return b.conv(x, {.channels = 20, .stride = 2, .group = 20}); }},
    {"means of bordered windows", 36, 13, [](ZooBuilder& b, const ZooValue& x) { return b.average_pool(x, {.kernel = 3, .stride = 1, .pad = 1}); }},
    {"means of bordered windows, two apart", 20, 14, [](ZooBuilder& b, const ZooValue& x) { return b.average_pool(x, {.kernel = 3, .stride = 2, .pad = 1, .ceil = true}); }},
    {"twice as large", 32, 14, [](ZooBuilder& b, const ZooValue& x) { return transposed(b, x, 36, 2, 2); }},
    {"twice as large, windows that overlap", 24, 14, [](ZooBuilder& b, const ZooValue& x) { return transposed(b, x, 24, 4, 2); }},
    {"three times as large", 32, 7, [](ZooBuilder& b, const ZooValue& x) { return transposed(b, x, 32, 5, 3); }},
    {"eight times as large, few outputs", 64, 4, [](ZooBuilder& b, const ZooValue& x) { return transposed(b, x, 21, 16, 8); }},
    {"eight times as large", 21, 5, [](ZooBuilder& b, const ZooValue& x) { return transposed(b, x, 21, 16, 8); }},
};

std::string model(const Layer& l) {
  ZooBuilder b("layer", 3);
  ZooValue x = b.relu(b.conv(b.input("image", {1, l.channels, l.size, l.size}), {.channels = l.channels, .kernel = 1}));
  ZooValue y = l.make(b, x);
  b.output(b.flatten(b.global_average_pool(b.conv(y, {.channels = 32, .kernel = 1}))));
  return b.bytes();
}

} // namespace

TEST_CASE("odd shapes: layers have vectors and keep their schedules") {
  for (const Layer& l : kLayers) {
    TemporaryFolder folder;
    std::string path = folder / "layer.onnx";
    std::ofstream(path, std::ios::binary) << model(l);
    References references;
    for (int threads : {1, 2}) {
      INFO(l.name << ", " << threads << " threads");
      CompileOptions options = options_for(path, 2);
      options.want_llvm = true;
      Compilation c = check_model(options, threads, &references);
      for (const std::string& remark : c.remarks) {
        INFO(remark);
        CHECK(remark.find("in textual order instead") == std::string::npos);
      }
      for (const KernelObject& k : c.kernels)
        CHECK((!l.vectors || k.llvm_ir.find(" x float>") != std::string::npos));
    }
  }
}
