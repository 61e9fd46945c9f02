// Reading a suite, and one case from model to compared results.
#include "test/conformance/cases.h"

#include <stdlib.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <set>
#include <sstream>

#include "frontend/lower.h"
#include "ir/diag.h"
#include "ir/execute.h"
#include "ir/hash.h"
#include "ir/isl.h"
#include "runtime/model.h"
#include "test/support/narrowed.h"
#include "tools/pipeline.h"
#include "tools/run_inputs.h"

namespace nasc {
namespace fs = std::filesystem;
namespace {

std::vector<std::string> columns(const std::string& line) {
  std::vector<std::string> out;
  std::istringstream in(line);
  for (std::string cell; std::getline(in, cell, '\t');)
    out.push_back(cell);
  return out;
}

std::string temporary_directory() {
  std::string path = (fs::temp_directory_path() / "nasc-case-XXXXXX").string();
  if (!mkdtemp(path.data()))
    throw UserError(code::cannot_create, path, "cannot be created");
  return path;
}

struct Directory {
  std::string path = temporary_directory();
  ~Directory() {
    std::error_code ignored;
    fs::remove_all(path, ignored);
  }
};

using Dims = std::map<std::string, int64_t>;

Compilation compiled(const std::string& model, int level, const Dims& dims) {
  Compilation c;
  c.options.model = model;
  c.options.level = level;
  c.options.import.passes = level > 0;
  c.options.import.dims = dims;
  c.options.target = host_target();
  c.options.jobs = 1;
  c.options.stem = c.options.prefix = "model";
  run_stages(c);
  return c;
}

// Symbolic extents of graph inputs, as the tensors have them.
Dims bound_extents(const std::string& model, const std::vector<HostTensor>& inputs) {
  Graph graph = read_onnx(model);
  Dims out;
  for (size_t k = 0; k < std::min(inputs.size(), graph.inputs.size()); ++k) {
    const std::optional<Shape>& shape = graph.value(graph.inputs[k]).shape;
    for (size_t d = 0; shape && d < std::min(shape->size(), inputs[k].shape.size()); ++d)
      for (const std::string& name : (*shape)[d].parameters())
        out[name] = inputs[k].shape[d];
  }
  return out;
}

// The network in double precision, as the type of the references.
std::vector<HostTensor> exact_outputs(const Case& one, const Dims& dims,
                                      const std::vector<HostTensor>& inputs) {
  ImportOptions plain;
  plain.passes = false;
  plain.dims = dims;
  Instances instances;
  Graph graph = import_graph(read_onnx(one.directory + "/model.onnx", plain), instances, plain);
  return execute(lower(graph, instances), inputs, {.in_double = true});
}

// A result that differs from a reference is right all the same when the reference is no better:
// when it differs by more than the tolerance from double precision, and the result does not.
std::string reference_is_worse(const HostTensor& result, const HostTensor& reference,
                               const HostTensor& exact, const Tolerance& tolerance) {
  HostTensor rounded = narrowed(exact, reference.dtype);
  Difference r = compare(reference, rounded, tolerance), y = compare(result, rounded, tolerance);
  if (r.equal || !y.equal)
    return "";
  return text("reference off double precision by ", r.max_absolute, " (", r.wrong, " of ", r.count,
              " wrong), result by ", y.max_absolute, " (none)");
}

CaseResult run_compiled(const Case& one, const SuiteOptions& options, const Dims& dims) {
  Compilation c = compiled(one.directory + "/model.onnx", options.level, dims);
  Directory directory;
  LibraryFiles files = link_library(c, directory.path);
  Runner runner(Model(files.library), {.threads = 2});
  if (!fs::exists(one.directory + "/test_data_set_0")) {
    InputOptions random{.given = {}, .dims = {}, .random = true};
    const nasc_info& info = runner.model().info();
    std::set<std::string> ones;
    for (int32_t k = 0; k < info.n_inputs; ++k)
      for (int32_t d = 0; d < info.inputs[k].rank; ++d)
        if (info.inputs[k].dims[d].symbol)
          ones.insert(std::string(info.inputs[k].dims[d].symbol) + "=1");
    random.dims.assign(ones.begin(), ones.end());
    runner.run(make_inputs(info, random, one.name));
    return {Outcome::passed, "runs; there is no reference"};
  }
  std::string excuse; // of the last reference that needs one
  for (const std::string& set : data_sets(one.directory)) {
    std::vector<HostTensor> exact;
    std::vector<HostTensor> inputs = read_data_set(set, "input"),
                            references = read_data_set(set, "output");
    std::vector<HostTensor> outputs = runner.run(inputs);
    if (references.size() > outputs.size())
      return {Outcome::failed,
              text(outputs.size(), " outputs, ", references.size(), " references")};
    for (size_t k = 0; k < references.size(); ++k) {
      if (outputs[k].shape.empty() && references[k].shape == std::vector<int64_t>{1})
        outputs[k].shape = {1}; // some suites store scalars so
      Difference d = compare(outputs[k], references[k], options.tolerance);
      if (d.equal)
        continue;
      excuse.clear();
      if (options.tolerance.by_size && is_float(references[k].dtype)) {
        if (exact.empty())
          exact = exact_outputs(one, dims, inputs);
        excuse = reference_is_worse(outputs[k], references[k], exact[k], options.tolerance);
      }
      if (excuse.empty())
        return {Outcome::failed, text("output ", k, ": ", d.wrong, " of ", d.count,
                                      " wrong, max abs ", d.max_absolute, ", ", d.why)};
    }
  }
  return {Outcome::passed, dims.empty() ? excuse : "with its extents bound; " + excuse};
}

} // namespace

const char* name(Outcome outcome) {
  constexpr const char* kNames[] = {"passed", "FAILED", "unsupported", "CRASHED"};
  return kNames[static_cast<int>(outcome)];
}

std::vector<Case> suite_cases(const std::string& suite) {
  std::ifstream in(suite + "/INDEX.tsv");
  std::string line;
  if (!std::getline(in, line))
    throw UserError(code::no_input, suite, "has no INDEX.tsv");
  std::vector<std::string> header = columns(line);
  auto group =
      static_cast<size_t>(std::find_if(header.begin(), header.end(),
                                       [](const std::string& h) { return h == "operator"; }) -
                          header.begin());
  std::vector<Case> out;
  while (std::getline(in, line)) {
    std::vector<std::string> cells = columns(line);
    if (cells.empty() || !fs::exists(suite + "/" + cells[0] + "/model.onnx"))
      continue;
    out.push_back({cells[0], group < cells.size() ? cells[group] : "", suite + "/" + cells[0]});
  }
  return out;
}

std::vector<Case> sampled(const std::vector<Case>& cases, unsigned one_in) {
  std::vector<Case> out;
  for (const Case& c : cases) {
    if ((hash_text(c.name) >> 20) % std::max(1u, one_in) == 0)
      out.push_back(c);
  }
  return out;
}

CaseResult run_case(const Case& one, const SuiteOptions& options) {
  Dims dims;
  try {
    try {
      return run_compiled(one, options, dims);
    } catch (const UserError& e) {
      if (e.code->exit != Exit::unsupported || !fs::exists(one.directory + "/test_data_set_0"))
        throw;
      dims = bound_extents(one.directory + "/model.onnx",
                           read_data_set(one.directory + "/test_data_set_0", "input"));
      if (dims.empty())
        throw;
    }
    return run_compiled(one, options, dims);
  } catch (const UserError& e) {
    return {e.code->exit == Exit::unsupported ? Outcome::unsupported : Outcome::failed, e.line()};
  } catch (const std::exception& e) {
    return {Outcome::failed, std::string("internal error: ") + e.what()};
  }
}

} // namespace nasc
