// Operators: the registry of ONNX operator definitions, and what a definition says about one node.
#pragma once

#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "ir/einsum.h"
#include "ir/graph.h"
#include "ir/program.h"
#include "ir/registry.h"

namespace nasc {

// What one node is, given the shapes, types and (when known) values of its inputs. Vectors have one entry per output
// of the node.
struct Instance {
  std::vector<Shape> shapes;
  std::vector<DType> dtypes;
  // The elements of an output where the definition knows them without running (Shape, Size), row-major.
  std::vector<std::optional<std::vector<Extent>>> contents;
  // >= 0: output 0 has the bytes of that input, row-major (Reshape, Flatten, Squeeze, Identity, ...): no Program.
  int view_of = -1;
  // Otherwise what to run. Tensors are named by the definition's letters (X, W, B, Y), so equal layers have equal
  // text. Absent too when every output has contents.
  std::optional<Program> program;
  std::vector<std::pair<std::string, int>> inputs;   // program tensor -> node input, only those really read
  std::vector<std::pair<std::string, int>> outputs;  // program tensor -> node output, only those the node has
};

struct OpDef;
// A definition that text cannot say. At most 10 definitions have one; a test counts them.
using OpHook = std::function<Instance(const OpDef&, const Graph&, const Node&)>;

// One operator in one range of opset versions. `text` is the definition in the notation of ir/einsum.h.
struct OpDef {
  std::string name;
  int since = 1;  // first opset version
  std::string text;
  int until = std::numeric_limits<int>::max();  // first opset version without it
  std::string domain = "";                      // "" is the default domain
  OpHook hook = nullptr;
};

// The newest definition that `opset` has, nullptr when there is none.
const OpDef* find_op(const std::string& op, const std::string& domain, int opset);
// What hooks are made of: the parsed text, the node as a call of it, its result as an instance.
const EinsumText& definition_of(const OpDef& def);
EinsumCall call_of(const Graph& graph, const Node& node);
Instance instance_of(EinsumResult result);
// Names of all operators, sorted, each once.
std::vector<std::string> op_names();

// Throws UserError (bad_attribute, bad_shape, bad_type, unsupported_*, limit) at FILE:NODE, naming what is wrong.
// Inputs need their dtype and shape; a value that shapes depend on needs its constant or content.
Instance instantiate(const Graph& graph, const Node& node);

}  // namespace nasc
