// The verbs of nasc-run.
#pragma once

#include <string>

#include "tools/compare.h"
#include "tools/run_inputs.h"

namespace nasc {

struct RunOptions {
  std::string library;
  InputOptions inputs;
  int threads = 0;
  // run
  std::string output_directory;
  bool print = false;
  // compare
  std::string data;
  Tolerance tolerance;
  // bench
  int repeat = 20, warmup = 3;
  double min_seconds = 0.2;
  std::string json; // file, "-" for standard output; of bench and info
  bool verbose = false;
};

// Each gives the exit code; throws UserError.
int run_verb(const RunOptions& options);
int compare_verb(const RunOptions& options);
int bench_verb(const RunOptions& options);
int profile_verb(const RunOptions& options);
int info_verb(const RunOptions& options);

} // namespace nasc
