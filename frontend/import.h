// An ONNX file as a Graph ready to be lowered.
#pragma once

#include <string>
#include <vector>

#include "frontend/infer.h"
#include "frontend/onnx.h"
#include "frontend/passes/pass.h"

namespace nasc {

struct ImportOptions : ReadOptions {
  bool passes = true;                        // graph passes; off: only folding
  bool strict_outputs = false;               // see InferOptions
  std::vector<std::string>* warnings = nullptr;
  std::vector<PassReport>* report = nullptr;  // what they did
};

// Reads, infers, folds and runs the graph passes. Throws UserError.
Graph import_model(const std::string& path, const ImportOptions& options = {});
// The same, sharing instances with lower(), for a graph that was read already.
Graph import_graph(Graph graph, Instances& instances, const ImportOptions& options = {});

// All errors of a model, not only the first: `nasc --check`.
std::vector<UserError> check_model(const std::string& path, const ImportOptions& options = {});

}  // namespace nasc
