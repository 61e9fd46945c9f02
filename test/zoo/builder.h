// Builds ONNX models in memory, with seeded random weights, for the zoo and for the small graphs of tests.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace onnx {
class GraphProto;
class ModelProto;
}  // namespace onnx

namespace nasc {

using ZooShape = std::vector<int64_t>;
using ZooAttribute = std::variant<int64_t, float, std::string, ZooShape>;

// ONNX element types that a zoo graph uses.
enum class ZooType : int { float32 = 1, int64 = 7 };

// A named tensor of the graph under construction; activations are [N,C,H,W] unless the layer says otherwise.
struct ZooValue {
  std::string name;
  ZooShape shape;
};

struct ZooConv {
  int64_t channels;    // output channels
  int64_t kernel = 3;  // square window
  int64_t stride = 1;
  int64_t pad = -1;  // -1: kernel / 2
  int64_t group = 1;
  bool bias = false;
};

struct ZooPool {
  int64_t kernel = 2;
  int64_t stride = 2;
  int64_t pad = 0;
  bool ceil = false;
};

// One graph, opset 13. The same calls with the same seed give the same bytes, on every machine.
// With fold_bn, conv_bn() writes the folded convolution of the very weights that the unfolded graph has.
class ZooBuilder {
 public:
  explicit ZooBuilder(const std::string& graph_name, uint64_t seed = 1, bool fold_bn = true);
  ~ZooBuilder();

  // The general way in: one node of any operator, with the given output shape.
  ZooValue node(const std::string& op, const std::vector<ZooValue>& inputs, ZooShape shape,
                std::initializer_list<std::pair<const char*, ZooAttribute>> attributes = {});
  ZooValue input(const std::string& name, ZooShape shape, ZooType type = ZooType::float32);
  void output(const ZooValue& value, ZooType type = ZooType::float32);
  ZooValue constant(const std::string& name, ZooShape shape, const std::vector<float>& values);
  ZooValue constant(const std::string& name, ZooShape shape, const std::vector<int64_t>& values);
  ZooValue scalar(float value);                                           // shared by equal values
  ZooValue normal(const std::string& name, ZooShape shape, double deviation);  // random initializer, mean 0

  ZooValue conv(const ZooValue& x, const ZooConv& c);
  ZooValue bn(const ZooValue& x);
  ZooValue conv_bn(const ZooValue& x, const ZooConv& c);
  ZooValue conv_bn_relu(const ZooValue& x, const ZooConv& c) { return relu(conv_bn(x, c)); }
  ZooValue relu(const ZooValue& x);
  ZooValue relu6(const ZooValue& x);
  ZooValue max_pool(const ZooValue& x, const ZooPool& p);
  ZooValue average_pool(const ZooValue& x, const ZooPool& p);
  ZooValue global_average_pool(const ZooValue& x);
  ZooValue flatten(const ZooValue& x);                        // [N,...] -> [N, rest]
  ZooValue gemm(const ZooValue& x, int64_t features);         // [N,F] -> [N,features], with bias
  ZooValue linear(const ZooValue& x, int64_t features);       // MatMul and Add over the last axis, as exporters write it
  ZooValue matmul(const ZooValue& a, const ZooValue& b);
  ZooValue binary(const std::string& op, const ZooValue& a, const ZooValue& b);  // broadcasts as ONNX does
  ZooValue unary(const std::string& op, const ZooValue& x);
  ZooValue add(const ZooValue& a, const ZooValue& b) { return binary("Add", a, b); }
  ZooValue concat(const std::vector<ZooValue>& inputs, int64_t axis);
  ZooValue reshape(const ZooValue& x, ZooShape shape);
  ZooValue transpose(const ZooValue& x, const ZooShape& permutation);
  ZooValue softmax(const ZooValue& x);                        // over the last axis
  ZooValue layer_norm(const ZooValue& x);                     // nine nodes over the last axis

  std::string bytes() const;  // the serialized ModelProto

 private:
  struct Norm {
    std::vector<float> gamma, beta, mean, variance;
  };
  double uniform(double low, double high);
  std::vector<float> uniforms(int64_t count, double low, double high);
  std::string random_bytes(int64_t count, double deviation);
  ZooValue initializer(const std::string& name, ZooShape shape, ZooType type, std::string raw);
  ZooValue conv_node(const ZooValue& x, const ZooConv& c, const ZooValue& weight, const ZooValue* bias);
  ZooValue bn_node(const ZooValue& x, const Norm& norm);
  ZooShape weight_shape(const ZooValue& x, const ZooConv& c) const;
  Norm norm_parameters(int64_t channels);
  std::string next_name(const std::string& op);
  onnx::GraphProto& graph();

  std::unique_ptr<onnx::ModelProto> model_;
  std::vector<std::pair<float, ZooValue>> scalars_;
  uint64_t state_;
  bool fold_bn_;
  int count_ = 0;
};

}  // namespace nasc
