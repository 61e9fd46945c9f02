// Columns, codes, and the fitted model of training time.
#include "tools/search/tables.h"

#include <algorithm>

namespace nasc {
namespace {

struct Dataset {
  const char* name;
  const char* search_column;
  const char* validation_column; // may be empty
  const char* test_column;
  double train_factor; // of the seconds per epoch on CIFAR-10's 50,000 training images
  double validation_factor;
  double budget_seconds;
};
// CIFAR-10 searches train on half of the images. Validation runs once; its part is from the table
// of seconds per epoch.
const Dataset kDatasets[] = {
    {"c10", "c10_val_e12", "c10_val_e200", "c10_test_e200", 0.5, 0.07, 20'000},
    {"c100", "c100_val_e12", "", "c100_test_e200", 1, 0.035, 40'000},
    {"in16", "in16_val_e12", "", "in16_test_e200", 3.034, 0.021, 120'000},
};
constexpr double kSearchEpochs = 12;

// Seconds per epoch by least squares over recorded cells (R2 0.995): a constant and one per
// operation none, skip, conv1x1, conv3x3, pool.
double seconds_per_epoch(const std::string& code) {
  static const double kOperation[] = {0, -0.384, 3.454, 4.534, 1.635};
  double sum = 7.178;
  for (char c : code)
    sum += c >= '0' && c < '5' ? kOperation[c - '0'] : 0;
  return sum;
}

std::string code_of(const Decoded& decoded, const std::vector<std::string>& names, size_t digits) {
  std::string out;
  for (const auto& [path, value] : decoded.settings) {
    auto found = std::find(names.begin(), names.end(), value);
    if (found == names.end())
      throw UserError(code::usage, "--table", text(path, "=", value, " is not in this benchmark"));
    out += static_cast<char>('0' + (found - names.begin()));
  }
  if (out.size() != digits)
    throw UserError(code::usage, "--table",
                    text("the space has ", out.size(), " decisions, the benchmark ", digits));
  return out;
}
} // namespace

Nb201 read_nb201(const std::string& folder, const std::string& dataset) {
  const Dataset* d = std::find_if(std::begin(kDatasets), std::end(kDatasets),
                                  [&](const Dataset& x) { return dataset == x.name; });
  if (d == std::end(kDatasets))
    throw UserError(code::usage, "--dataset", escaped(dataset) + " is none of c10, c100, in16");
  CsvTable table = read_csv(folder + "/nb201_accuracy.csv.gz");
  Nb201 out;
  out.rows = table.index("code");
  out.search_accuracy = table.numbers(d->search_column);
  if (*d->validation_column)
    out.final_validation = table.numbers(d->validation_column);
  out.final_test = table.numbers(d->test_column);
  out.params_m = table.numbers("params_M");
  out.flops_m = table.numbers("flops_M");
  out.budget_seconds = d->budget_seconds;
  size_t c = table.column("code");
  for (const auto& row : table.rows)
    out.seconds.push_back(seconds_per_epoch(row[c]) *
                          (kSearchEpochs * d->train_factor + d->validation_factor));
  return out;
}

std::string nb201_code(const Decoded& decoded) {
  static const std::vector<std::string> names = {"none", "skip_connect", "nor_conv_1x1",
                                                 "nor_conv_3x3", "avg_pool_3x3"};
  return code_of(decoded, names, 6);
}

NasbenchMacro read_nasbench_macro(const std::string& folder) {
  CsvTable table = read_csv(folder + "/nasbench_macro_c10.csv.gz");
  NasbenchMacro out;
  out.rows = table.index("code");
  out.accuracy = table.numbers("acc_mean");
  for (double p : table.numbers("params"))
    out.params_m.push_back(p / 1e6);
  for (double f : table.numbers("flops"))
    out.flops_m.push_back(f / 1e6);
  return out;
}

std::string nasbench_macro_code(const Decoded& decoded) {
  static const std::vector<std::string> names = {"identity", "mb3_k3", "mb6_k5"};
  return code_of(decoded, names, 8);
}

} // namespace nasc
