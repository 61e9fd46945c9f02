// The topology space of NATS-Bench (NAS-Bench-201): fifteen copies of one cell of six edges, in three stages.
#include "test/zoo/builder.h"
#include "test/zoo/networks.h"

namespace nasc {
namespace {

// ReLU, convolution, BatchNormalization.
ZooValue relu_conv_bn(ZooBuilder& b, const ZooValue& x, int64_t channels, int64_t kernel, int64_t stride = 1) {
  return b.conv_bn(b.relu(x), {.channels = channels, .kernel = kernel, .stride = stride});
}

// The value of one edge; no value for an edge that is absent.
bool edge(ZooBuilder& b, char op, const ZooValue& x, ZooValue& out) {
  switch (op) {
    case '0': return false;
    case '1': out = x; return true;
    case '2': out = relu_conv_bn(b, x, x.shape[1], 1); return true;
    case '3': out = relu_conv_bn(b, x, x.shape[1], 3); return true;
    default: out = b.average_pool(x, {.kernel = 3, .stride = 1, .pad = 1}); return true;  // pads do not count
  }
}

ZooValue cell(ZooBuilder& b, const ZooValue& x, const std::string& code) {
  std::vector<ZooValue> nodes = {x};
  size_t digit = 0;
  for (size_t to = 1; to < 4; ++to) {
    std::vector<ZooValue> terms;
    for (size_t from = 0; from < to; ++from) {
      ZooValue term;
      if (edge(b, code.at(digit++), nodes[from], term)) terms.push_back(term);
    }
    if (terms.empty()) terms.push_back(b.binary("Mul", x, b.scalar(0)));
    ZooValue sum = terms[0];
    for (size_t k = 1; k < terms.size(); ++k) sum = b.add(sum, terms[k]);
    nodes.push_back(sum);
  }
  return nodes.back();
}

ZooValue reduction(ZooBuilder& b, const ZooValue& x, int64_t channels) {
  ZooValue y = relu_conv_bn(b, relu_conv_bn(b, x, channels, 3, 2), channels, 3);
  return b.add(b.conv(b.average_pool(x, {.kernel = 2, .stride = 2}), {.channels = channels, .kernel = 1}), y);
}

}  // namespace

std::string make_nats_cell(const std::string& code, const ZooOptions& options) {
  ZooBuilder b("nats-" + code, options.seed, options.fold_bn);
  ZooValue x = b.input("image", {1, 3, 32, 32});
  x = b.conv_bn(x, {.channels = 16, .kernel = 3});
  for (int64_t channels : {16, 32, 64}) {
    if (channels > 16) x = reduction(b, x, channels);
    for (int k = 0; k < 5; ++k) x = cell(b, x, code);
  }
  b.output(b.gemm(b.flatten(b.global_average_pool(b.relu(b.bn(x)))), 10));
  return b.bytes();
}

}  // namespace nasc
