// ResNet (basic and bottleneck blocks) and ResNeXt (bottlenecks with a grouped 3x3).
#include "test/zoo/builder.h"
#include "test/zoo/networks.h"

namespace nasc {

static ZooValue residual_block(ZooBuilder& b, const ZooValue& x, const ResNetSize& size, int64_t width,
                               int64_t stride) {
  int64_t channels = size.bottleneck ? width * size.expansion : width;
  ZooValue y = x;
  if (size.bottleneck) {
    y = b.conv_bn_relu(y, {.channels = width, .kernel = 1});
    y = b.conv_bn_relu(y, {.channels = width, .stride = stride, .group = size.group});
    y = b.conv_bn(y, {.channels = channels, .kernel = 1});
  } else {
    y = b.conv_bn_relu(y, {.channels = width, .stride = stride});
    y = b.conv_bn(y, {.channels = channels});
  }
  bool project = stride != 1 || x.shape.at(1) != channels;
  ZooValue shortcut = project ? b.conv_bn(x, {.channels = channels, .kernel = 1, .stride = stride}) : x;
  return b.relu(b.add(y, shortcut));
}

std::string make_resnet(const char* name, const ZooOptions& options, const ResNetSize& size) {
  ZooBuilder b(name, options.seed, options.fold_bn);
  ZooValue x = b.input("image", {1, 3, size.image, size.image});
  x = b.conv_bn_relu(x, {.channels = size.stem.channels, .kernel = size.stem.kernel, .stride = size.stem.stride});
  if (size.stem.pool) x = b.max_pool(x, {.kernel = 3, .stride = 2, .pad = 1});
  for (size_t stage = 0; stage < size.blocks.size(); ++stage)
    for (int64_t block = 0; block < size.blocks[stage]; ++block)
      x = residual_block(b, x, size, size.widths[stage], stage > 0 && block == 0 ? 2 : 1);
  // ResNeXt ends in an AveragePool over the whole image, ResNet in a GlobalAveragePool.
  x = size.group > 1 ? b.average_pool(x, {.kernel = x.shape[2], .stride = 1}) : b.global_average_pool(x);
  b.output(b.gemm(b.flatten(x), size.classes));
  return b.bytes();
}

}  // namespace nasc
