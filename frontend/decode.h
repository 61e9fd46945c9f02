// TensorProto and AttributeProto as values of the Graph.
#pragma once

#include <functional>
#include <string>

#include "frontend/external.h"
#include "frontend/wire.h"
#include "ir/graph.h"

namespace onnx {
class TensorProto;
class AttributeProto;
class TypeProto;
}  // namespace onnx

namespace nasc {

// Where tensor bytes come from: the file that was skimmed, and external files (null: none are allowed).
struct TensorSource {
  FileBytes file;
  ExternalRoot* external = nullptr;
  ReadLimits limits;
};

// Name of an element type as ONNX writes it, for messages: "string", "float8e4m3fn", "type 99".
std::string onnx_type_name(int number);
// Throws bad_type for numbers that ONNX does not have, unsupported_type for those that nasc does not have.
DType element_type(int number, const std::string& where, const std::string& about);
// `about` names the tensor in messages (`tensor "w"`), already escaped.
Constant decode_tensor(const onnx::TensorProto& proto, const TensorSource& source, const std::string& where,
                       const std::string& about);
// Sub-graphs are read by `graph`; lists of tensors, graphs and types are unsupported.
using GraphReader = std::function<std::shared_ptr<Graph>(const onnx::AttributeProto&)>;
Attribute decode_attribute(const onnx::AttributeProto& proto, const TensorSource& source, const std::string& where,
                           const GraphReader& graph);
// What a Constant node holds.
Constant constant_value(const Node& node, const std::string& where);

}  // namespace nasc
