// Small models for tests, written with the wire format classes.
#pragma once

#include <onnx.pb.h>

#include <fstream>
#include <iostream>
#include <string>
#include <vector>

#include "frontend/onnx.h"
#include "test/support/test_data.h"

namespace nasc {

struct TestModel {
  onnx::ModelProto proto;
  onnx::GraphProto& graph;

  explicit TestModel(int opset = 13) : graph(*proto.mutable_graph()) {
    proto.set_ir_version(8);
    proto.add_opset_import()->set_version(opset);
    graph.set_name("g");
  }
  TestModel(const TestModel& other) : proto(other.proto), graph(*proto.mutable_graph()) {}
  static void describe(onnx::ValueInfoProto& info, const std::string& name, const std::vector<int64_t>& shape, int type) {
    info.set_name(name);
    auto& tensor = *info.mutable_type()->mutable_tensor_type();
    tensor.set_elem_type(type);
    tensor.mutable_shape();
    for (int64_t e : shape) tensor.mutable_shape()->add_dim()->set_dim_value(e);
  }
  void input(const std::string& name, const std::vector<int64_t>& shape, int type = 1) {
    describe(*graph.add_input(), name, shape, type);
  }
  void output(const std::string& name, const std::vector<int64_t>& shape, int type = 1) {
    describe(*graph.add_output(), name, shape, type);
  }
  template <class T>
  onnx::TensorProto& weight(const std::string& name, const std::vector<int64_t>& shape, const std::vector<T>& values, int type = 1) {
    auto& t = *graph.add_initializer();
    fill(t, name, shape, values, type);
    return t;
  }
  template <class T>
  static void fill(onnx::TensorProto& t, const std::string& name, const std::vector<int64_t>& shape, const std::vector<T>& values, int type) {
    t.set_name(name);
    t.set_data_type(type);
    for (int64_t e : shape) t.add_dims(e);
    t.set_raw_data(std::string(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)));
  }
  onnx::NodeProto& node(const std::string& op, const std::vector<std::string>& in, const std::vector<std::string>& out) {
    return add(*graph.add_node(), op, in, out);
  }
  static onnx::NodeProto& add(onnx::NodeProto& n, const std::string& op, const std::vector<std::string>& in, const std::vector<std::string>& out) {
    n.set_op_type(op);
    n.set_name(out.empty() ? op : op + "_" + out[0]);
    for (const auto& x : in) n.add_input(x);
    for (const auto& x : out) n.add_output(x);
    return n;
  }
  std::string bytes() const { return proto.SerializeAsString(); }
  Graph read(const ReadOptions& options = {}) const { return read_onnx(file_bytes(bytes()), "m.onnx", options); }
};

inline onnx::AttributeProto& attribute(onnx::NodeProto& n, const std::string& name, int type) {
  auto& a = *n.add_attribute();
  a.set_name(name);
  a.set_type(static_cast<onnx::AttributeProto::AttributeType>(type));
  return a;
}

// The slug of the error that `f` ends with, and its line; "" when it does not fail.
struct Failure {
  std::string slug, line;
};
template <class F>
Failure failure(F&& f) {
  try {
    f();
  } catch (const UserError& e) {
    return {e.code->slug, e.line()};
  } catch (const std::exception& e) {
    return {"internal", e.what()};
  }
  return {};
}

// Lines of a tab-separated table, without its heading.
inline std::vector<std::vector<std::string>> table(const std::string& path) {
  std::vector<std::vector<std::string>> rows;
  std::ifstream in(path);
  std::string line;
  std::getline(in, line);
  while (std::getline(in, line)) {
    std::vector<std::string> row{""};
    for (char c : line)
      if (c == '\t') row.emplace_back();
      else row.back() += c;
    rows.push_back(row);
  }
  return rows;
}

}  // namespace nasc
