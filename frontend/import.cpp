// The stages from a file to a Graph.
#include "frontend/import.h"

#include "frontend/lower.h"

namespace nasc {
namespace {
InferOptions infer_options(const ImportOptions& options) {
  InferOptions out;
  out.max_nodes = options.limits.max_nodes;
  return out;
}
}  // namespace

Graph import_graph(Graph graph, Instances& instances, const ImportOptions& options) {
  graph = infer(std::move(graph), instances, infer_options(options));
  if (options.passes) return run_passes(std::move(graph), options.report);
  return find_registered<GraphPass>("remove-dead")->apply(std::move(graph)).graph;
}

Graph import_model(const std::string& path, const ImportOptions& options) {
  Instances instances;
  return import_graph(read_onnx(path, options), instances, options);
}

std::vector<UserError> check_model(const std::string& path, const ImportOptions& options) {
  std::vector<UserError> errors;
  try {
    Instances instances;
    InferOptions how = infer_options(options);
    how.errors = &errors;
    Graph graph = infer(read_onnx(path, options), instances, how);
    if (errors.empty()) lower(run_passes(std::move(graph)), instances);
  } catch (const UserError& e) {
    errors.push_back(e);
  }
  return errors;
}

}  // namespace nasc
