// Suites of ONNX cases (model.onnx and test_data_set_*), compiled, loaded, run and compared, each
// batch in a child.
#pragma once

#include <string>
#include <vector>

#include "tools/compare.h"

namespace nasc {

struct Case {
  std::string name, group; // group: operator, or empty
  std::string directory;
};
// The cases of a suite: INDEX.tsv's first column, grouped by its column "operator" (or
// "operators").
std::vector<Case> suite_cases(const std::string& suite);
// A fixed part of them: those whose hash is 0 modulo `one_in`.
std::vector<Case> sampled(const std::vector<Case>& cases, unsigned one_in);

enum class Outcome { passed, failed, unsupported, crashed };
const char* name(Outcome outcome);
struct CaseResult {
  Outcome outcome = Outcome::crashed;
  std::string text; // why not passed
  double seconds = 0;
};

struct SuiteOptions {
  int level = 0;
  Tolerance tolerance{1e-3, 1e-7, false};
  int jobs = 2;
  double case_seconds = 60; // limit of one case; longer counts as crashed
  int64_t case_bytes = int64_t{4} << 30;
  bool verbose = false; // a line per case as it ends
};
// In the order of `cases`. Each worker is a child that reports by a pipe; one that dies has crashed
// the case it had.
std::vector<CaseResult> run_suite(const std::vector<Case>& cases, const SuiteOptions& options);

// One case in this process.
CaseResult run_case(const Case& one, const SuiteOptions& options);

} // namespace nasc
