// Graph: the ONNX-level network, a DAG of nodes in SSA form with original names kept for diagnostics.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "ir/tensor.h"

namespace nasc {

struct Graph;

// A constant tensor value, row-major.
struct Constant {
  DType dtype = DType::f32;
  std::vector<int64_t> shape;
  Payload payload;
  int64_t count() const;
};

using Attribute = std::variant<int64_t, double, std::string, std::vector<int64_t>, std::vector<double>,
                               std::vector<std::string>, Constant, std::shared_ptr<Graph>>;

struct Value {
  std::string name;      // unique C identifier
  std::string original;  // as in the file
  DType dtype = DType::none;
  std::optional<Shape> shape;             // set by shape inference; extents constant or symbolic
  std::optional<Constant> constant;       // initializers and folded values
  std::optional<std::vector<Extent>> content;  // integer tensors of rank <= 1 whose elements are known symbolically
};

using ValueId = int;  // index into Graph::values; -1: an optional input that is absent
struct Node {
  std::string op, domain;
  std::string name;      // as in the file, may be empty
  int index = 0;         // position in the file, for diagnostics `graph#index:Op`
  std::vector<ValueId> inputs, outputs;
  std::map<std::string, Attribute> attributes;
};

struct Graph {
  std::string name, file;
  int opset = 0;  // of the default domain
  std::vector<Value> values;
  std::vector<Node> nodes;  // topologically ordered
  std::vector<ValueId> inputs, outputs;
  uint64_t model_hash = 0;  // of the bytes of the .onnx file
  std::vector<std::string> files;  // external data that was read, beside the model

  Value& value(ValueId id) { return values[id]; }
  const Value& value(ValueId id) const { return values[id]; }
  // A fresh value with a unique name derived from `hint`.
  ValueId add_value(const std::string& hint, DType dtype);
};

// FILE:NODE for diagnostics: the node's name, or `graph#index:Op` when it has none.
std::string where(const Graph& graph, const Node& node);

}  // namespace nasc
