// DenseNet: pre-activation bottleneck layers, each concatenated to all features before it.
#include "test/zoo/builder.h"
#include "test/zoo/networks.h"

namespace nasc {

static ZooValue dense_layer(ZooBuilder& b, const ZooValue& x, int64_t growth) {
  ZooValue y = b.relu(b.bn(x));
  y = b.conv_bn_relu(y, {.channels = 4 * growth, .kernel = 1});
  y = b.conv(y, {.channels = growth});
  return b.concat({x, y}, 1);
}

static ZooValue transition(ZooBuilder& b, const ZooValue& x) {
  ZooValue y = b.conv(b.relu(b.bn(x)), {.channels = x.shape.at(1) / 2, .kernel = 1});
  return b.average_pool(y, {.kernel = 2, .stride = 2});
}

std::string make_densenet(const char* name, const ZooOptions& options, const DenseNetSize& size) {
  ZooBuilder b(name, options.seed, options.fold_bn);
  ZooValue x = b.input("image", {1, 3, size.image, size.image});
  x = b.conv_bn_relu(x, {.channels = size.stem.channels, .kernel = size.stem.kernel, .stride = size.stem.stride});
  if (size.stem.pool) x = b.max_pool(x, {.kernel = 3, .stride = 2, .pad = 1});
  for (size_t block = 0; block < size.blocks.size(); ++block) {
    if (block > 0) x = transition(b, x);
    for (int64_t layer = 0; layer < size.blocks[block]; ++layer) x = dense_layer(b, x, size.growth);
  }
  x = b.global_average_pool(b.relu(b.bn(x)));
  b.output(b.gemm(b.flatten(x), size.classes));
  return b.bytes();
}

}  // namespace nasc
