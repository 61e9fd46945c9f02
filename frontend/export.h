// Writer of ONNX files: a Graph as a ModelProto.
#pragma once

#include <string>

#include "ir/graph.h"

namespace nasc {

constexpr int kNewestExportOpset = 17;

// The serialized model, of the newest opset up to 17 in which every operator means what it does in the Graph's. Throws UserError: unsupported_op (an operator that means something else there, or has a sub-graph, or a
// value that exists only while compiling), limit (2 GB and more).
// A node whose operator is another one in `opset`, or nullptr.
const Node* differing(const Graph& graph, int opset);

std::string export_onnx(const Graph& graph);

}  // namespace nasc
