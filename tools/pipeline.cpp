// The stage table, its dumps, and the link step.
#include "tools/pipeline.h"

#include <chrono>
#include <filesystem>
#include <fstream>
#include <future>
#include <iterator>

#include "codegen/link.h"
#include "frontend/lower.h"
#include "ir/text.h"
#include "nasc_version.h"
#include "tools/stages.h"
#include "tools/tensor_file.h"

namespace nasc {
namespace {

using Files = std::vector<std::pair<std::string, std::string>>;

bool is_nir(const std::string& path) { return path.ends_with(".nir"); }

Network read_nir(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in)
    throw UserError(code::no_input, path, "cannot be read");
  Network n = parse_network({std::istreambuf_iterator<char>(in), {}}, path);
  for (const Buffer& b : n.buffers)
    if (b.role == Role::weight && b.alias_of < 0 && !b.payload && !element_count(b).is(0))
      throw UserError(code::bad_text, path,
                      text("weight ", b.name, " has no values: .nir files do not carry them"));
  return n;
}

// Numbered so that files sort in the order of the kernels.
std::string kernel_file(const Compilation& c, size_t k, const char* number, const char* suffix) {
  std::string index = std::to_string(k);
  return text(number, "-", std::string(4 - std::min<size_t>(4, index.size()), '0'), index, "-",
              file_stem(c.module.network.programs[k]->name), suffix);
}

Files dump_graph(const Compilation& c) { return {{"00-graph.txt", graph_text(c.graph)}}; }
Files dump_network(const Compilation& c) { return {{"10-program.nir", print(c.network)}}; }
Files dump_neural(const Compilation& c) {
  if (c.neural_steps.empty())
    return {};
  return {{"12-neural.nir", print(c.network)}};
}
Files dump_schedule(const Compilation& c) {
  return {{"15-program.nir", print(c.module.network)},
          {"20-schedule.sched", schedules_text(c.module)}};
}
Files dump_plan(const Compilation& c) { return {{"30-plan.plan", text(c.plan)}}; }
Files dump_kernels(const Compilation& c) {
  Files out;
  for (size_t k = 0; k < c.kernels.size(); ++k) {
    Kernel one = kernel(c.module, static_cast<int>(k));
    Expected<NestRef> nest = nest_from_schedule(one);
    out.emplace_back(kernel_file(c, k, "40", ".nest"),
                     text(nest ? *nest : plain_nest(one.program)));
    out.emplace_back(kernel_file(c, k, "50", ".ll"), c.kernels[k].llvm_ir);
    out.emplace_back(kernel_file(c, k, "60", ".s"), c.kernels[k].assembly);
  }
  return out;
}

double seconds_now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

void write_files(const Files& files, const std::string& directory) {
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  for (const auto& [file, bytes] : files)
    write_file(directory + "/" + file, bytes.data(), bytes.size());
}

} // namespace

void import_stage(Compilation& c) {
  if (is_nir(c.options.model))
    return;
  c.graph =
      import_graph(read_onnx(c.options.model, c.options.import), c.instances, c.options.import);
}

void lower_stage(Compilation& c) {
  c.network = is_nir(c.options.model) ? read_nir(c.options.model) : lower(c.graph, c.instances);
}

const std::vector<Stage>& stages() {
  static const std::vector<Stage> table = {
      {"import", "read the model, infer shapes, fold constants, rewrite nodes", import_stage,
       dump_graph},
      {"lower", "one Program per node", lower_stage, dump_network},
      {"neural", "steps of a plan that change what is computed", neural_stage, dump_neural},
      {"schedule", "fusion, layouts and loops by the analytic scheduler or a plan", schedule_stage,
       dump_schedule},
      {"judge", "dependences of every schedule that is not textual", judge_stage, dump_plan},
      {"emit", "machine code of each kernel", emit_stage, dump_kernels},
  };
  return table;
}

void run_stages(Compilation& c, const std::string& last, const std::string& dump_directory) {
  if (!dump_directory.empty())
    c.options.want_assembly = c.options.want_llvm = true;
  auto outer = c.progress;
  int number = 0;
  // The runtime needs nothing of the model, and the first stages have one thread.
  std::future<void> ahead;
  if (!c.library_directory.empty() && compiler_threads(c.options) > 1)
    ahead = std::async(std::launch::async, [target = c.options.target] { prepare_runtime(target); });
  for (const Stage& stage : stages()) {
    ++number;
    Progress at{number, static_cast<int>(stages().size()) + 1, stage.name, 0, 0};
    outer(at);
    c.progress = [&](const Progress& item) {
      outer({at.stage, at.stages, at.name, item.done, item.total});
    };
    double begin = seconds_now();
    stage.run(c);
    c.times.push_back({stage.name, seconds_now() - begin});
    c.progress = outer;
    if (!dump_directory.empty())
      write_files(stage.dump(c), dump_directory);
    if (last == stage.name)
      return;
  }
}

LibraryOptions library_options(const Compilation& c) {
  LibraryOptions l;
  l.prefix = c.options.prefix;
  l.stem = c.options.stem;
  l.compiler = kVersionText;
  l.plan = text(c.plan);
  l.opt_level = c.options.level;
  l.max_threads = c.options.threads;
  l.divide_all = c.options.divide_all;
  l.keep_denormals = c.options.keep_denormals;
  l.side_file_threshold = c.options.side_file_threshold;
  return l;
}

LibraryFiles link_library(Compilation& c, const std::string& directory) {
  c.progress(
      {static_cast<int>(stages().size()) + 1, static_cast<int>(stages().size()) + 1, "link", 0, 0});
  double begin = seconds_now();
  std::vector<CompiledKernel> kernels;
  for (KernelObject& k : c.kernels)
    kernels.push_back({k.symbol, std::move(k.object), k.parallel, std::move(k.scratch)});
  LibraryOptions options = library_options(c);
  if (directory == c.library_directory)
    options.weights = c.weights;
  LibraryFiles files = write_library(c.module, kernels, *c.values, options, directory);
  c.times.push_back({"link", seconds_now() - begin});
  return files;
}

std::string schedules_text(const Module& m) {
  std::string out;
  for (size_t k = 0; k < m.schedules.size(); ++k)
    out += "schedule " + m.network.programs[k]->name + " {\n" + text(m.schedules[k]) + "}\n";
  return out;
}

std::string graph_text(const Graph& g) {
  std::string out = text("graph ", escaped(g.name), " opset ", g.opset, "\n");
  auto shown = [&](ValueId id) {
    if (id < 0)
      return std::string("-");
    const Value& v = g.value(id);
    std::string type = v.dtype == DType::none ? "?" : name(v.dtype);
    return text(v.name, ":", type, v.shape ? text(*v.shape) : "[?]", v.constant ? " const" : "");
  };
  auto list = [&](const std::vector<ValueId>& ids) {
    std::string all;
    for (ValueId id : ids)
      all += (all.empty() ? "" : ", ") + shown(id);
    return all;
  };
  out += text("inputs ", list(g.inputs), "\n");
  for (const Node& n : g.nodes)
    out += text(list(n.outputs), " = ", n.domain.empty() ? "" : escaped(n.domain) + ":",
                escaped(n.op), "(", list(n.inputs), ")  ; ", escaped(n.name), "\n");
  return out + text("outputs ", list(g.outputs), "\n");
}

} // namespace nasc
