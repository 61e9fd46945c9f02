// MobileNetV2: inverted residuals around a depthwise 3x3, ReLU6 written as Clip.
#include "test/zoo/builder.h"
#include "test/zoo/networks.h"

namespace nasc {

static ZooValue inverted_residual(ZooBuilder& b, const ZooValue& x, int64_t expansion, int64_t channels,
                                  int64_t stride) {
  int64_t inner = x.shape.at(1) * expansion;
  ZooValue y = x;
  if (expansion != 1) y = b.relu6(b.conv_bn(y, {.channels = inner, .kernel = 1}));
  y = b.relu6(b.conv_bn(y, {.channels = inner, .stride = stride, .group = inner}));
  y = b.conv_bn(y, {.channels = channels, .kernel = 1});
  return stride == 1 && x.shape.at(1) == channels ? b.add(x, y) : y;
}

std::string make_mobilenet(const char* name, const ZooOptions& options, const MobileNetSize& size) {
  ZooBuilder b(name, options.seed, options.fold_bn);
  ZooValue x = b.input("image", {1, 3, size.image, size.image});
  x = b.relu6(b.conv_bn(x, {.channels = size.stem, .stride = 2}));
  for (const auto& [expansion, channels, repeats, stride] : size.stages)
    for (int64_t i = 0; i < repeats; ++i)
      x = inverted_residual(b, x, expansion, channels, i == 0 ? stride : 1);
  x = b.relu6(b.conv_bn(x, {.channels = size.head, .kernel = 1}));
  b.output(b.gemm(b.flatten(b.global_average_pool(x)), size.classes));
  return b.bytes();
}

}  // namespace nasc
