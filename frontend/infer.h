// Types, shapes and known values of every tensor of a Graph.
#pragma once

#include <vector>

#include "frontend/instances.h"

namespace nasc {

struct InferOptions {
  int64_t max_nodes = 1'000'000;              // after bodies of If and Loop are inlined
  int64_t fold_value_bytes = 64ll << 20;      // a constant larger than this is left to run time
  int64_t fold_total_bytes = 256ll << 20;
  int64_t fold_value_steps = 50'000'000;      // statement instances the interpreter may run for one node
  int64_t fold_total_steps = 500'000'000;
  bool strict_outputs = false;                // a declared output shape that is wrong is an error, not a warning
  std::vector<std::string>* warnings = nullptr;
  std::vector<UserError>* errors = nullptr;   // collects errors instead of throwing the first one
};

// The graph with dtype and shape on every value; nodes whose results are known are replaced by constants or contents,
// If (and Loop with a known trip count) by their bodies. A value with `content` and no producer is computed from the
// extents at run time. Checks what graph outputs are declared to be.
Graph infer(Graph graph, Instances& instances, const InferOptions& options = {});

}  // namespace nasc
