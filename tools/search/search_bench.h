// Replays published search protocols on benchmark tables: are our strategies what they claim to be?
#pragma once

#include <string>
#include <vector>

namespace nasc {

struct BenchSetup {
  std::string tables;              // folder
  std::string table = "nb201";     // or nasbench-macro
  std::string dataset = "c10";     // c10, c100, in16 (nb201)
  std::string strategy = "random"; // text of a strategy
  int runs = 500;
  uint64_t seed = 0;
  double budget_seconds = 0; // simulated, nb201; 0: that of the published searches
  size_t evaluations = 0;    // nb201: in place of the seconds; nasbench-macro: 200 when 0
};

struct MeanStd {
  double mean = 0, deviation = 0;
  bool known = false;
};
MeanStd mean_std(const std::vector<double>& values);

// Of the networks that the runs choose: the best seen by the search's own accuracy.
struct BenchResult {
  MeanStd validation, test; // nb201: after 200 epochs (validation: CIFAR-10 alone)
  MeanStd hypervolume; // nasbench-macro: of (error, FLOPs), each in [0, 1] of the table's range
  double evaluations = 0, wall_seconds = 0; // evaluations per run
};
// NATS-Bench's protocol: a proposal costs its simulated 12 epochs of training and one validation;
// the run ends when the sum passes the budget. On nasbench-macro: a number of evaluations;
// strategies of several objectives minimise error and FLOPs.
BenchResult run_bench(const BenchSetup& setup);

// What a correct implementation reaches in 500 runs, with tolerances of the means; deviations
// within a quarter. Simulated with the published hyper-parameters.
struct BenchReference {
  const char* strategy;
  const char* dataset;
  MeanStd validation, test;
  double tolerance;
  bool binding; // else for information: another protocol
};
const std::vector<BenchReference>& bench_references();
const BenchReference* bench_reference(const std::string& strategy, const std::string& dataset);
bool within(const BenchResult& result, const BenchReference& reference);

} // namespace nasc
