// Networks without BatchNormalization: VGG, SqueezeNet 1.1 and a small MNIST classifier.
#include "test/zoo/builder.h"
#include "test/zoo/networks.h"

namespace nasc {

std::string make_vgg(const char* name, const ZooOptions& options, const VggSize& size) {
  ZooBuilder b(name, options.seed);
  ZooValue x = b.input("image", {1, 3, size.image, size.image});
  for (const auto& stage : size.stages) {
    for (int64_t channels : stage) x = b.relu(b.conv(x, {.channels = channels, .bias = true}));
    x = b.max_pool(x, {.kernel = 2, .stride = 2});
  }
  x = b.relu(b.gemm(b.flatten(x), size.hidden));
  x = b.relu(b.gemm(x, size.hidden));
  b.output(b.gemm(x, size.classes));
  return b.bytes();
}

static ZooValue fire(ZooBuilder& b, const ZooValue& x, int64_t squeeze, int64_t expand) {
  ZooValue s = b.relu(b.conv(x, {.channels = squeeze, .kernel = 1, .bias = true}));
  ZooValue one = b.relu(b.conv(s, {.channels = expand, .kernel = 1, .bias = true}));
  ZooValue three = b.relu(b.conv(s, {.channels = expand, .kernel = 3, .bias = true}));
  return b.concat({one, three}, 1);
}

std::string make_squeezenet(const char* name, const ZooOptions& options, const SqueezeNetSize& size) {
  ZooBuilder b(name, options.seed);
  ZooValue x = b.input("image", {1, 3, size.image, size.image});
  x = b.relu(b.conv(x, {.channels = size.stem, .stride = 2, .pad = 0, .bias = true}));
  for (const auto& stage : size.stages) {
    x = b.max_pool(x, {.kernel = 3, .stride = 2, .ceil = true});
    for (const auto& [squeeze, expand] : stage) x = fire(b, x, squeeze, expand);
  }
  x = b.relu(b.conv(x, {.channels = size.classes, .kernel = 1, .bias = true}));
  b.output(b.flatten(b.global_average_pool(x)));
  return b.bytes();
}

std::string make_mnist(const char* name, const ZooOptions& options) {
  ZooBuilder b(name, options.seed);
  ZooValue x = b.input("image", {1, 1, 28, 28});
  x = b.relu(b.conv(x, {.channels = 8, .kernel = 5, .bias = true}));
  x = b.max_pool(x, {.kernel = 2, .stride = 2});
  x = b.relu(b.conv(x, {.channels = 16, .kernel = 5, .bias = true}));
  x = b.max_pool(x, {.kernel = 3, .stride = 3});
  b.output(b.linear(b.reshape(x, {1, 256}), 10));
  return b.bytes();
}

}  // namespace nasc
