// ZooBuilder: the layers with weights or windows (convolution, BatchNormalization, pools, Gemm, layer norm).
#include <cmath>
#include <cstring>

#include "ir/diag.h"
#include "test/zoo/builder.h"

namespace nasc {
namespace {

constexpr double kEpsilon = 1e-5;  // of BatchNormalization

double he_deviation(int64_t fan_in) { return std::sqrt(2.0 / static_cast<double>(fan_in)); }

int64_t window_extent(int64_t extent, int64_t kernel, int64_t stride, int64_t pad, bool ceil = false) {
  int64_t room = extent + 2 * pad - kernel;
  NASC_CHECK(room >= 0) << "window " << kernel << " does not fit into " << extent;
  int64_t out = (room + (ceil ? stride - 1 : 0)) / stride + 1;
  if (ceil && (out - 1) * stride >= extent + pad) --out;  // the last window starts inside the image or its left pad
  return out;
}

int64_t pad_of(const ZooConv& c) { return c.pad < 0 ? c.kernel / 2 : c.pad; }

ZooShape pooled(const ZooShape& x, const ZooPool& p) {
  return {x.at(0), x.at(1), window_extent(x.at(2), p.kernel, p.stride, p.pad, p.ceil),
          window_extent(x.at(3), p.kernel, p.stride, p.pad, p.ceil)};
}

}  // namespace

ZooShape ZooBuilder::weight_shape(const ZooValue& x, const ZooConv& c) const {
  NASC_CHECK(x.shape.at(1) % c.group == 0 && c.channels % c.group == 0) << "group " << c.group << " at " << x.name;
  return {c.channels, x.shape.at(1) / c.group, c.kernel, c.kernel};
}

ZooValue ZooBuilder::conv_node(const ZooValue& x, const ZooConv& c, const ZooValue& weight, const ZooValue* bias) {
  int64_t pad = pad_of(c);
  ZooShape shape = {x.shape.at(0), c.channels, window_extent(x.shape.at(2), c.kernel, c.stride, pad),
                    window_extent(x.shape.at(3), c.kernel, c.stride, pad)};
  std::vector<ZooValue> inputs = {x, weight};
  if (bias) inputs.push_back(*bias);
  return node("Conv", inputs, std::move(shape),
              {{"dilations", ZooShape{1, 1}},
               {"group", c.group},
               {"kernel_shape", ZooShape{c.kernel, c.kernel}},
               {"pads", ZooShape{pad, pad, pad, pad}},
               {"strides", ZooShape{c.stride, c.stride}}});
}

ZooValue ZooBuilder::conv(const ZooValue& x, const ZooConv& c) {
  ZooShape shape = weight_shape(x, c);
  std::string name = next_name("conv");
  ZooValue weight = normal(name + ".weight", shape, he_deviation(shape[1] * c.kernel * c.kernel));
  if (!c.bias) return conv_node(x, c, weight, nullptr);
  ZooValue bias = constant(name + ".bias", {c.channels}, uniforms(c.channels, -0.1, 0.1));
  return conv_node(x, c, weight, &bias);
}

ZooBuilder::Norm ZooBuilder::norm_parameters(int64_t channels) {
  return {.gamma = uniforms(channels, 0.8, 1.2),
          .beta = uniforms(channels, -0.1, 0.1),
          .mean = uniforms(channels, -0.1, 0.1),
          .variance = uniforms(channels, 0.8, 1.2)};
}

ZooValue ZooBuilder::bn_node(const ZooValue& x, const Norm& norm) {
  std::string name = next_name("bn");
  ZooShape shape = {x.shape.at(1)};
  return node("BatchNormalization",
              {x, constant(name + ".weight", shape, norm.gamma), constant(name + ".bias", shape, norm.beta),
               constant(name + ".running_mean", shape, norm.mean), constant(name + ".running_var", shape, norm.variance)},
              x.shape, {{"epsilon", static_cast<float>(kEpsilon)}});
}

ZooValue ZooBuilder::bn(const ZooValue& x) { return bn_node(x, norm_parameters(x.shape.at(1))); }

// Draws the same numbers in both variants, so that they compute the same function.
ZooValue ZooBuilder::conv_bn(const ZooValue& x, const ZooConv& c) {
  NASC_CHECK(!c.bias) << "a convolution before BatchNormalization has no bias of its own";
  if (!fold_bn_) return bn(conv(x, c));
  ZooShape shape = weight_shape(x, c);
  int64_t filter = shape[1] * c.kernel * c.kernel;
  std::string name = next_name("conv");
  std::string raw = random_bytes(c.channels * filter, he_deviation(filter));
  Norm norm = norm_parameters(c.channels);
  std::vector<float> bias;
  for (int64_t o = 0; o < c.channels; ++o) {
    double scale = norm.gamma[o] / std::sqrt(norm.variance[o] + kEpsilon);
    bias.push_back(static_cast<float>(norm.beta[o] - norm.mean[o] * scale));
    for (int64_t i = 0; i < filter; ++i) {
      float value;
      char* at = raw.data() + (o * filter + i) * static_cast<int64_t>(sizeof value);
      std::memcpy(&value, at, sizeof value);
      value = static_cast<float>(value * scale);
      std::memcpy(at, &value, sizeof value);
    }
  }
  ZooValue weight = initializer(name + ".weight", shape, ZooType::float32, std::move(raw));
  ZooValue shift = constant(name + ".bias", {c.channels}, bias);
  return conv_node(x, c, weight, &shift);
}

ZooValue ZooBuilder::relu(const ZooValue& x) { return unary("Relu", x); }

ZooValue ZooBuilder::relu6(const ZooValue& x) { return node("Clip", {x, scalar(0), scalar(6)}, x.shape); }

ZooValue ZooBuilder::max_pool(const ZooValue& x, const ZooPool& p) {
  return node("MaxPool", {x}, pooled(x.shape, p),
              {{"ceil_mode", int64_t{p.ceil}},
               {"kernel_shape", ZooShape{p.kernel, p.kernel}},
               {"pads", ZooShape{p.pad, p.pad, p.pad, p.pad}},
               {"strides", ZooShape{p.stride, p.stride}}});
}

ZooValue ZooBuilder::average_pool(const ZooValue& x, const ZooPool& p) {
  return node("AveragePool", {x}, pooled(x.shape, p),
              {{"ceil_mode", int64_t{p.ceil}},
               {"kernel_shape", ZooShape{p.kernel, p.kernel}},
               {"pads", ZooShape{p.pad, p.pad, p.pad, p.pad}},
               {"strides", ZooShape{p.stride, p.stride}}});
}

ZooValue ZooBuilder::global_average_pool(const ZooValue& x) {
  return node("GlobalAveragePool", {x}, {x.shape.at(0), x.shape.at(1), 1, 1});
}

ZooValue ZooBuilder::flatten(const ZooValue& x) {
  int64_t rest = 1;
  for (size_t i = 1; i < x.shape.size(); ++i) rest *= x.shape[i];
  return node("Flatten", {x}, {x.shape.at(0), rest}, {{"axis", 1}});
}

ZooValue ZooBuilder::gemm(const ZooValue& x, int64_t features) {
  std::string name = next_name("fc");
  ZooValue weight = normal(name + ".weight", {features, x.shape.at(1)}, he_deviation(x.shape.at(1)));
  ZooValue bias = constant(name + ".bias", {features}, uniforms(features, -0.1, 0.1));
  return node("Gemm", {x, weight, bias}, {x.shape.at(0), features},
              {{"alpha", 1.0f}, {"beta", 1.0f}, {"transB", 1}});
}

ZooValue ZooBuilder::linear(const ZooValue& x, int64_t features) {
  std::string name = next_name("linear");
  ZooValue weight = normal(name + ".weight", {x.shape.back(), features}, he_deviation(x.shape.back()));
  ZooValue bias = constant(name + ".bias", {features}, uniforms(features, -0.1, 0.1));
  return add(matmul(x, weight), bias);
}

ZooValue ZooBuilder::softmax(const ZooValue& x) { return node("Softmax", {x}, x.shape, {{"axis", -1}}); }

ZooValue ZooBuilder::layer_norm(const ZooValue& x) {
  std::string name = next_name("layer_norm");
  ZooValue gamma = constant(name + ".weight", {x.shape.back()}, uniforms(x.shape.back(), 0.8, 1.2));
  ZooValue beta = constant(name + ".bias", {x.shape.back()}, uniforms(x.shape.back(), -0.1, 0.1));
  ZooShape reduced = x.shape;
  reduced.back() = 1;
  auto mean = [&](const ZooValue& v) {
    return node("ReduceMean", {v}, reduced, {{"axes", ZooShape{-1}}, {"keepdims", 1}});
  };
  ZooValue centred = binary("Sub", x, mean(x));
  ZooValue two = scalar(2), epsilon = scalar(1e-12f);
  ZooValue variance = mean(binary("Pow", centred, two));
  ZooValue deviation = unary("Sqrt", add(variance, epsilon));
  return add(binary("Mul", binary("Div", centred, deviation), gamma), beta);
}

}  // namespace nasc
