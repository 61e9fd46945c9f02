// The compiler as a table of stages, from a model file to compiled kernels; each stage can be
// dumped.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "codegen/emit.h"
#include "codegen/library.h"
#include "codegen/values.h"
#include "frontend/import.h"
#include "frontend/instances.h"
#include "polyhedral/module.h"
#include "polyhedral/plan.h"
#include "polyhedral/scheduler.h"
#include "tools/tune/tune.h"
#include "tools/workers.h"

namespace nasc {

struct CompileOptions {
  std::string model; // .onnx, or .nir as `--emit=nir` wrote it
  ImportOptions import;
  int level = 2; // 0 to 3: what -O says
  Winograd winograd = Winograd::automatic;
  bool keep_denormals = false;
  Target target;
  std::string plan_file; // replayed in place of the scheduler
  TuneOptions tune;      // a database without `on`: its choices are taken
  std::string prefix, stem;
  int threads = 0; // of the compiled model at most; 0: no limit
  bool divide_all = false; // among threads, also what takes less than waiting for them
  int jobs = 0;    // of the compiler; 0: processors
  int sm = 80;     // of device code
  int64_t side_file_threshold = LibraryOptions{}.side_file_threshold;
  bool neural = false;    // a plan may change what the model computes
  bool verify_each = false; // judge after each step of a plan, to name the one at fault
  bool want_assembly = false, want_llvm = false;
};

// What is going on, for progress lines: item `done` of `total` of a stage, 0 of 0 at its beginning.
struct Progress {
  int stage = 0, stages = 0;
  const char* name = "";
  size_t done = 0, total = 0;
};

struct StageTime {
  std::string stage;
  double seconds = 0;
};

// A compilation so far: each stage reads what the earlier ones made.
struct Compilation {
  CompileOptions options;
  Instances instances;
  Graph graph;     // import
  Network network; // lower, then neural: what is compiled
  Network lowered; // as it was before neural steps
  std::vector<Step> neural_steps;
  std::function<std::vector<Step>(Compilation&)> choose_neural; // of --neural without a plan
  Module module;   // schedule; judge replaces schedules that may not be
  Plan plan;
  Decide decide;   // of the scheduler, by measurements or records; absent: the analytic choices
  std::vector<KernelObject> kernels; // emit: one per Program
  std::string library_directory;     // where emit may write the weights that link_library uses
  std::optional<WrittenWeights> weights;
  std::unique_ptr<ValueTable> values;
  std::shared_ptr<Workers> workers; // from judge to emit

  std::vector<std::string> remarks; // what was given up and why
  std::vector<StageTime> times;
  std::function<void(const Progress&)> progress = [](const Progress&) {};
};

struct Stage {
  const char* name;
  const char* doc;
  void (*run)(Compilation&);
  // Files of this stage for --dump-dir: name and text.
  std::vector<std::pair<std::string, std::string>> (*dump)(const Compilation&);
};
const std::vector<Stage>& stages(); // import, lower, neural, schedule, judge, emit

// Runs the stages up to and including `last`; with a directory, dumps after each. Throws UserError.
void run_stages(Compilation& compilation, const std::string& last = "emit",
                const std::string& dump_directory = "");

// After emit: the library, its header and weights, in an existing private directory.
LibraryFiles link_library(Compilation& compilation, const std::string& directory);
LibraryOptions library_options(const Compilation& compilation);

std::string graph_text(const Graph& graph);
std::string schedules_text(const Module& module); // `schedule NAME {` tree `}` for each Program

} // namespace nasc
