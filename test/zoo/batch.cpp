// A symbolic batch extent in place of a batch of 1.
#include <onnx.pb.h>

#include <cstring>
#include <set>

#include "ir/diag.h"
#include "test/zoo/zoo.h"

namespace nasc {
namespace {

void name_batch(onnx::ValueInfoProto& info, const std::string& name) {
  auto& shape = *info.mutable_type()->mutable_tensor_type()->mutable_shape();
  if (shape.dim_size() > 0) shape.mutable_dim(0)->set_dim_param(name);
}

// The target of a Reshape begins with the batch of 1; 0 copies the extent of the input instead.
void keep_batch(onnx::TensorProto& target) {
  int64_t first = 0;
  std::string& raw = *target.mutable_raw_data();
  NASC_CHECK(raw.size() >= sizeof first) << target.name();
  std::memcpy(&first, raw.data(), sizeof first);
  NASC_CHECK(first == 1) << target.name() << " begins with " << first;
  first = 0;
  std::memcpy(raw.data(), &first, sizeof first);
}

}  // namespace

std::string with_symbolic_batch(const std::string& model, const std::string& name) {
  onnx::ModelProto proto;
  NASC_CHECK(proto.ParseFromString(model)) << "no ONNX model";
  onnx::GraphProto& graph = *proto.mutable_graph();
  for (auto& input : *graph.mutable_input()) name_batch(input, name);
  for (auto& output : *graph.mutable_output()) name_batch(output, name);
  std::set<std::string> targets;
  for (const auto& node : graph.node())
    if (node.op_type() == "Reshape") targets.insert(node.input(1));
  for (auto& tensor : *graph.mutable_initializer())
    if (targets.count(tensor.name())) keep_batch(tensor);
  return proto.SerializeAsString();
}

}  // namespace nasc
