// Compiles a model in this process and compares what it computes with the executor in double
// precision.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "ir/host_tensor.h"
#include "runtime/model.h"
#include "test/support/process.h"
#include "test/zoo/zoo.h"
#include "tools/pipeline.h"

namespace nasc {

// Options for this computer.
CompileOptions options_for(const std::string& model, int level);
// The model compiled up to `last`.
Compilation compiled(const CompileOptions& options, const std::string& last = "emit");
Compilation compiled(const std::string& model, int level, const std::string& last = "emit");
// A compiled model that is loaded; the folder holds its library.
struct Loaded {
  std::unique_ptr<TemporaryFolder> folder;
  Runner runner;
};
Loaded loaded(Compilation& compilation, int threads);
// Names of the symbolic extents of inputs.
std::set<std::string> symbols_of(const Runner& runner);
// Random inputs; every symbolic extent is `extent`.
std::vector<HostTensor> inputs_of(const Runner& runner, int64_t extent);
// The outputs of the model as written, without passes, in double precision.
std::vector<HostTensor> reference(const std::string& model, const std::vector<HostTensor>& inputs);
// Checks (for Catch) that the results are those of `want`.
void check_results(const std::vector<HostTensor>& got, const std::vector<HostTensor>& want);

// References of models, computed once each: for tests that compile one model in many ways.
struct References {
  std::map<std::string, std::vector<HostTensor>> known;
};
// All of it, with symbolic extents of 3. Returns the compilation, for its remarks.
Compilation check_model(const CompileOptions& options, int threads,
                        References* references = nullptr);
Compilation check_model(const std::string& model, int level, int threads);

// The tiny networks of the zoo as files in a folder.
struct TinyZoo {
  TemporaryFolder folder;
  std::vector<std::pair<std::string, std::string>> models; // name and path
  TinyZoo();
};

} // namespace nasc
