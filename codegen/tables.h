// The constant tables of a compiled model (runtime/embed/abi.h) as LLVM IR text.
#pragma once

#include <string>
#include <vector>

#include "codegen/arena.h"
#include "codegen/values.h"
#include "ir/target.h"

namespace nasc {

struct StepInfo {
  std::string symbol;  // kernel function
  std::string name;    // ONNX node(s)
  std::vector<int> buffers;  // Network buffers, then scratch
  bool parallel = false;
  bool barrier = false;
  bool create = false;  // runs once per model
  int round_start = -1;  // of a step in a span of rounds: the first step of the span
  bool round_end = false;  // the last one
};

// Sets `barrier` where a step touches memory that another thread may have written, or still reads, since the last one.
void place_barriers(const Network& network, const ArenaPlan& arena, std::vector<StepInfo>& steps);

struct TableOptions {
  std::string prefix, model, compiler, plan, neural;
  std::string costs;  // of the run steps, a line each
  bool keep_denormals = false;  // else they are taken for 0
  int worth_value = 0;  // 1 + the value that says whether several threads are worth having; 0: they are
  std::vector<std::string> features;  // instruction sets checked at load, LLVM's names
  std::string weights_symbol, weights_file;  // one of the two, or neither without weights
  uint64_t weights_hash = 0;
  int opt_level = 2, max_threads = 0;
  std::string round_parameter;  // empty: no rounds
  int64_t round_slices = 0;
};

// Kernels are external functions; defines the prefixed entries and nasc_model_query.
std::string tables_ir(const Network& network, const ArenaPlan& arena, ValueTable& values,
                      const std::vector<StepInfo>& steps, const Target& target, const TableOptions& options);
std::vector<std::string> exported_symbols(const std::string& prefix);

}  // namespace nasc
