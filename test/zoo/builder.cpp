// ZooBuilder: the protobuf side, the random numbers, and the shape rules of plain nodes.
#include "test/zoo/builder.h"

#include <onnx.pb.h>

#include <algorithm>
#include <cctype>
#include <cstring>

#include "ir/diag.h"

namespace nasc {
namespace {

int64_t element_count(const ZooShape& shape) {
  int64_t count = 1;
  for (int64_t extent : shape) count *= extent;
  return count;
}

uint64_t next_random(uint64_t& state) {  // SplitMix64
  uint64_t z = (state += 0x9e3779b97f4a7c15u);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

template <class T>
std::string raw_bytes(const std::vector<T>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

void describe(onnx::ValueInfoProto& info, const std::string& name, const ZooShape& shape, ZooType type) {
  info.set_name(name);
  auto& tensor = *info.mutable_type()->mutable_tensor_type();
  tensor.set_elem_type(static_cast<int>(type));
  tensor.mutable_shape();
  for (int64_t extent : shape) tensor.mutable_shape()->add_dim()->set_dim_value(extent);
}

struct SetAttribute {
  onnx::AttributeProto& out;
  void operator()(int64_t value) const {
    out.set_type(onnx::AttributeProto::INT);
    out.set_i(value);
  }
  void operator()(float value) const {
    out.set_type(onnx::AttributeProto::FLOAT);
    out.set_f(value);
  }
  void operator()(const std::string& value) const {
    out.set_type(onnx::AttributeProto::STRING);
    out.set_s(value);
  }
  void operator()(const ZooShape& values) const {
    out.set_type(onnx::AttributeProto::INTS);
    for (int64_t value : values) out.add_ints(value);
  }
};

ZooShape broadcast(const ZooShape& a, const ZooShape& b) {
  ZooShape out(std::max(a.size(), b.size()));
  for (size_t i = 0; i < out.size(); ++i) {
    int64_t x = i < a.size() ? a[a.size() - 1 - i] : 1;
    int64_t y = i < b.size() ? b[b.size() - 1 - i] : 1;
    NASC_CHECK(x == y || x == 1 || y == 1) << "extents " << x << " and " << y << " do not broadcast";
    out[out.size() - 1 - i] = x == 1 ? y : x;
  }
  return out;
}

}  // namespace

ZooBuilder::ZooBuilder(const std::string& graph_name, uint64_t seed, bool fold_bn)
    : model_(std::make_unique<onnx::ModelProto>()), state_(seed * 0x2545f4914f6cdd1du), fold_bn_(fold_bn) {
  model_->set_ir_version(7);
  model_->set_producer_name("nasc-zoo");
  model_->mutable_graph()->set_name(graph_name);
  auto& opset = *model_->add_opset_import();
  opset.set_domain("");
  opset.set_version(13);
}

ZooBuilder::~ZooBuilder() = default;

onnx::GraphProto& ZooBuilder::graph() { return *model_->mutable_graph(); }

std::string ZooBuilder::bytes() const { return model_->SerializeAsString(); }

std::string ZooBuilder::next_name(const std::string& op) {
  std::string name = op;
  std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::tolower(c); });
  return name + "_" + std::to_string(count_++);
}

double ZooBuilder::uniform(double low, double high) {
  return low + (high - low) * static_cast<double>(next_random(state_) >> 11) * 0x1p-53;
}

std::vector<float> ZooBuilder::uniforms(int64_t count, double low, double high) {
  std::vector<float> out(static_cast<size_t>(count));
  for (float& value : out) value = static_cast<float>(uniform(low, high));
  return out;
}

// Near-normal values: the sum of four 16-bit uniforms, which needs one draw and no libm, so it is the same everywhere.
std::string ZooBuilder::random_bytes(int64_t count, double deviation) {
  std::string raw(static_cast<size_t>(count) * sizeof(float), '\0');
  const double scale = deviation * 1.7320508075688772 / 65536.0;  // four uniforms have variance 4 * 65536^2 / 12
  for (int64_t i = 0; i < count; ++i) {
    uint64_t bits = next_random(state_);
    int64_t sum = static_cast<int64_t>((bits & 0xffff) + (bits >> 16 & 0xffff) + (bits >> 32 & 0xffff) + (bits >> 48));
    float value = static_cast<float>(static_cast<double>(sum - 2 * 65535) * scale);
    std::memcpy(raw.data() + i * static_cast<int64_t>(sizeof value), &value, sizeof value);
  }
  return raw;
}

ZooValue ZooBuilder::initializer(const std::string& name, ZooShape shape, ZooType type, std::string raw) {
  size_t width = type == ZooType::int64 ? sizeof(int64_t) : sizeof(float);
  NASC_CHECK(raw.size() == static_cast<size_t>(element_count(shape)) * width) << name;
  onnx::TensorProto& tensor = *graph().add_initializer();
  tensor.set_name(name);
  tensor.set_data_type(static_cast<int>(type));
  for (int64_t extent : shape) tensor.add_dims(extent);
  tensor.set_raw_data(std::move(raw));
  return {name, std::move(shape)};
}

ZooValue ZooBuilder::constant(const std::string& name, ZooShape shape, const std::vector<float>& values) {
  return initializer(name, std::move(shape), ZooType::float32, raw_bytes(values));
}

ZooValue ZooBuilder::constant(const std::string& name, ZooShape shape, const std::vector<int64_t>& values) {
  return initializer(name, std::move(shape), ZooType::int64, raw_bytes(values));
}

ZooValue ZooBuilder::scalar(float value) {
  for (const auto& [known, constant] : scalars_)
    if (known == value) return constant;
  scalars_.emplace_back(value, constant(next_name("scalar"), {}, std::vector<float>{value}));
  return scalars_.back().second;
}

ZooValue ZooBuilder::normal(const std::string& name, ZooShape shape, double deviation) {
  std::string raw = random_bytes(element_count(shape), deviation);
  return initializer(name, std::move(shape), ZooType::float32, std::move(raw));
}

ZooValue ZooBuilder::node(const std::string& op, const std::vector<ZooValue>& inputs, ZooShape shape,
                          std::initializer_list<std::pair<const char*, ZooAttribute>> attributes) {
  onnx::NodeProto& out = *graph().add_node();
  out.set_op_type(op);
  out.set_name(next_name(op));
  for (const ZooValue& value : inputs) out.add_input(value.name);
  out.add_output(out.name() + "_out");
  for (const auto& [name, value] : attributes) {
    onnx::AttributeProto& attribute = *out.add_attribute();
    attribute.set_name(name);
    std::visit(SetAttribute{attribute}, value);
  }
  return {out.output(0), std::move(shape)};
}

ZooValue ZooBuilder::input(const std::string& name, ZooShape shape, ZooType type) {
  describe(*graph().add_input(), name, shape, type);
  return {name, std::move(shape)};
}

void ZooBuilder::output(const ZooValue& value, ZooType type) {
  describe(*graph().add_output(), value.name, value.shape, type);
}

ZooValue ZooBuilder::unary(const std::string& op, const ZooValue& x) { return node(op, {x}, x.shape); }

ZooValue ZooBuilder::binary(const std::string& op, const ZooValue& a, const ZooValue& b) {
  return node(op, {a, b}, broadcast(a.shape, b.shape));
}

ZooValue ZooBuilder::matmul(const ZooValue& a, const ZooValue& b) {
  NASC_CHECK(a.shape.size() >= 2 && b.shape.size() >= 2) << "matmul of vectors";
  NASC_CHECK(a.shape.back() == b.shape[b.shape.size() - 2]) << a.name << " by " << b.name;
  ZooShape shape = broadcast({a.shape.begin(), a.shape.end() - 2}, {b.shape.begin(), b.shape.end() - 2});
  shape.push_back(a.shape[a.shape.size() - 2]);
  shape.push_back(b.shape.back());
  return node("MatMul", {a, b}, std::move(shape));
}

ZooValue ZooBuilder::concat(const std::vector<ZooValue>& inputs, int64_t axis) {
  ZooShape shape = inputs.at(0).shape;
  for (size_t i = 1; i < inputs.size(); ++i) shape.at(axis) += inputs[i].shape.at(axis);
  return node("Concat", inputs, std::move(shape), {{"axis", axis}});
}

ZooValue ZooBuilder::reshape(const ZooValue& x, ZooShape shape) {
  NASC_CHECK(element_count(x.shape) == element_count(shape)) << "reshape of " << x.name;
  ZooValue target = constant(next_name("shape"), {static_cast<int64_t>(shape.size())}, shape);
  return node("Reshape", {x, target}, std::move(shape));
}

ZooValue ZooBuilder::transpose(const ZooValue& x, const ZooShape& permutation) {
  ZooShape shape;
  for (int64_t axis : permutation) shape.push_back(x.shape.at(axis));
  return node("Transpose", {x}, std::move(shape), {{"perm", permutation}});
}

}  // namespace nasc
