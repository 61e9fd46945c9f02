// Benchmark tables of trained networks: cells of NAS-Bench-201, networks of NAS-Bench-Macro.
#pragma once

#include "tools/search/csv.h"
#include "tools/search/evaluator.h"

namespace nasc {

// NAS-Bench-201 by architecture code (six digits; README of the tables). Accuracies in percent.
struct Nb201 {
  std::unordered_map<std::string, size_t> rows;
  std::vector<double> search_accuracy;  // validation after 12 epochs: what a search sees
  std::vector<double> final_validation; // after 200 epochs, CIFAR-10 alone; else empty
  std::vector<double> final_test;       // after 200 epochs
  std::vector<double> params_m, flops_m;
  std::vector<double> seconds; // simulated cost of one 12-epoch training and its validation
  double budget_seconds = 0;   // of the published searches
};
// dataset: c10, c100 or in16. Throws UserError.
Nb201 read_nb201(const std::string& folder, const std::string& dataset);
// The settings of a candidate of the space nats-tss as code.
std::string nb201_code(const Decoded& decoded);

struct NasbenchMacro {
  std::unordered_map<std::string, size_t> rows; // by code, a digit per layer
  std::vector<double> accuracy, params_m, flops_m;
};
NasbenchMacro read_nasbench_macro(const std::string& folder);
std::string nasbench_macro_code(const Decoded& decoded);

} // namespace nasc
