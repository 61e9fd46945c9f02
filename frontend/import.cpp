// The stages from a file to a Graph.
#include "frontend/import.h"

#include <algorithm>
#include <set>

#include "frontend/lower.h"

namespace nasc {
namespace {
constexpr int kListed = 5;  // further errors in one message

InferOptions infer_options(const ImportOptions& options) {
  InferOptions out;
  out.max_nodes = options.limits.max_nodes;
  out.strict_outputs = options.strict_outputs;
  out.warnings = options.warnings;
  return out;
}

bool is_unsupported(const UserError& e) { return e.code->exit == Exit::unsupported; }

// Something is not supported: says so of everything at once, unless the model is malformed elsewhere.
[[noreturn]] void report(Graph graph, Instances& instances, const ImportOptions& options, const UserError& first) {
  std::vector<UserError> errors;
  InferOptions how = infer_options(options);
  how.errors = &errors;
  how.warnings = nullptr;
  std::string file = graph.file, more;
  infer(std::move(graph), instances, how);
  int count = 0;
  std::set<std::string> said = {first.what()};
  for (const UserError& e : errors) {
    if (!is_unsupported(e)) throw e;
    if (!said.insert(e.what()).second || ++count > kListed) continue;
    more += text("; ", escaped(e.where.substr(std::min(e.where.size(), file.size() + 1))), ": ", e.what());
  }
  if (count > kListed) more += text("; and ", count - kListed, " more");
  throw UserError(*first.code, first.where, first.what() + more);
}
}  // namespace

Graph import_graph(Graph graph, Instances& instances, const ImportOptions& options) {
  Graph as_read = graph;
  try {
    graph = infer(std::move(graph), instances, infer_options(options));
  } catch (const UserError& e) {
    if (!is_unsupported(e)) throw;
    report(std::move(as_read), instances, options, e);
  }
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
