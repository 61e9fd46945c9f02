// Runs of a strategy on a table; decoding is done once per architecture.
#include "tools/search/search_bench.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>

#include "polyhedral/search/builtin.h"
#include "polyhedral/search/pareto.h"
#include "tools/search/tables.h"

namespace nasc {
namespace {

// Dna -> row, through decoding at the first sight of a Dna.
struct Rows {
  const Space& space;
  const std::unordered_map<std::string, size_t>& by_code;
  std::string (*code_of)(const Decoded&);
  std::unordered_map<uint64_t, size_t> known;

  size_t of(const Dna& dna) {
    auto [at, is_new] = known.emplace(dna.hash(), 0);
    if (is_new) {
      std::string code = code_of(decode(space, dna));
      auto row = by_code.find(code);
      if (row == by_code.end())
        throw UserError(code::bad_file, "table", text("no architecture ", code));
      at->second = row->second;
    }
    return at->second;
  }
};

uint64_t seed_of_run(uint64_t seed, int run) {
  Rng rng(seed);
  return rng.next() + static_cast<uint64_t>(run) * 0x9e3779b97f4a7c15ull;
}

BenchResult bench_nb201(const BenchSetup& setup, const StrategyChoice& strategy) {
  Nb201 table = read_nb201(setup.tables, setup.dataset);
  Space space = bound_space(load_space("builtin:nats-tss"), {});
  Rows rows{space, table.rows, nb201_code, {}};
  double budget = setup.budget_seconds > 0 ? setup.budget_seconds : table.budget_seconds;
  std::vector<double> validation, test;
  double evaluations = 0;
  for (int run = 0; run < setup.runs; ++run) {
    StrategyContext context;
    context.space = &space, context.seed = seed_of_run(setup.seed, run);
    std::unique_ptr<Strategy> s = make(strategy, context);
    std::optional<size_t> best;
    size_t n = 0;
    for (double seconds = 0; setup.evaluations ? n < setup.evaluations : seconds < budget; ++n) {
      std::optional<Proposal> p = s->propose();
      if (!p)
        break;
      size_t row = rows.of(p->dna);
      seconds += table.seconds[row];
      if (!best || table.search_accuracy[row] > table.search_accuracy[*best])
        best = row;
      s->feedback(*p, {{-table.search_accuracy[row]}, 0});
    }
    evaluations += static_cast<double>(n);
    if (!best)
      continue;
    test.push_back(table.final_test[*best]);
    if (!table.final_validation.empty())
      validation.push_back(table.final_validation[*best]);
  }
  BenchResult out;
  out.validation = mean_std(validation);
  out.test = mean_std(test);
  out.evaluations = evaluations / setup.runs;
  return out;
}

BenchResult bench_macro(const BenchSetup& setup, const StrategyChoice& strategy) {
  NasbenchMacro table = read_nasbench_macro(setup.tables);
  Space space = bound_space(load_space("builtin:nasbench-macro"), {});
  Rows rows{space, table.rows, nasbench_macro_code, {}};
  auto [worst, most] = std::pair(*std::min_element(table.accuracy.begin(), table.accuracy.end()),
                                 *std::max_element(table.flops_m.begin(), table.flops_m.end()));
  size_t evaluations = setup.evaluations ? setup.evaluations : 200;
  std::vector<double> test, volume;
  for (int run = 0; run < setup.runs; ++run) {
    StrategyContext context;
    context.space = &space, context.seed = seed_of_run(setup.seed, run);
    context.objectives = strategy.def->multi_objective ? 2 : 1;
    std::unique_ptr<Strategy> s = make(strategy, context);
    std::vector<Outcome> all;
    double best = 0;
    for (size_t n = 0; n < evaluations; ++n) {
      std::optional<Proposal> p = s->propose();
      if (!p)
        break;
      size_t row = rows.of(p->dna);
      double error = (100 - table.accuracy[row]) / (100 - worst);
      all.push_back({{error, table.flops_m[row] / most}, 0});
      best = std::max(best, table.accuracy[row]);
      s->feedback(*p, context.objectives == 2 ? all.back() : Outcome{{error}, 0});
    }
    test.push_back(best);
    volume.push_back(hypervolume(all, {1, 1}));
  }
  BenchResult out;
  out.test = mean_std(test);
  out.hypervolume = mean_std(volume);
  out.evaluations = static_cast<double>(evaluations);
  return out;
}

MeanStd known(double mean, double deviation) { return {mean, deviation, true}; }

bool near(const MeanStd& found, const MeanStd& wanted, double tolerance) {
  return !wanted.known || (found.known && std::abs(found.mean - wanted.mean) <= tolerance &&
                           std::abs(found.deviation - wanted.deviation) <= 0.25 * wanted.deviation);
}
} // namespace

MeanStd mean_std(const std::vector<double>& values) {
  if (values.empty())
    return {};
  double sum = 0, square = 0, n = static_cast<double>(values.size());
  for (double v : values)
    sum += v;
  for (double v : values)
    square += (v - sum / n) * (v - sum / n);
  return {sum / n, std::sqrt(square / n), true};
}

BenchResult run_bench(const BenchSetup& setup) {
  StrategyChoice strategy = parse_strategy(setup.strategy);
  if (strategy.def->needs_additive)
    throw UserError(code::usage, "--strategy",
                    text(strategy.def->name, " needs sums over layers, which accuracy is not"));
  auto start = std::chrono::steady_clock::now();
  BenchResult out;
  if (setup.table == "nb201")
    out = bench_nb201(setup, strategy);
  else if (setup.table == "nasbench-macro")
    out = bench_macro(setup, strategy);
  else
    throw UserError(code::usage, "--table",
                    escaped(setup.table) + " is neither nb201 nor nasbench-macro");
  out.wall_seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return out;
}

const std::vector<BenchReference>& bench_references() {
  static const std::vector<BenchReference> all = {
      {"random", "c10", known(91.07, 0.27), known(93.85, 0.26), 0.08, true},
      {"random", "c100", {}, known(71.60, 0.95), 0.25, true},
      {"random", "in16", {}, known(45.30, 0.98), 0.25, true},
      {"evolution", "c10", known(91.29, 0.31), known(94.06, 0.30), 0.08, true},
      {"evolution", "c100", {}, known(72.23, 0.97), 0.25, true},
      {"evolution", "in16", {}, known(45.76, 0.82), 0.25, true},
      {"reinforce", "c10", known(91.15, 0.25), known(93.92, 0.25), 0.08, true},
      {"reinforce", "c100", {}, known(71.99, 0.86), 0.25, true},
      {"reinforce", "in16", {}, known(45.53, 0.93), 0.25, true},
      // 200 evaluations whatever they cost, where the budgets give about 165.
      {"bohb", "c10", known(91.32, 0.27), known(94.13, 0.29), 0.08, false},
      {"bohb", "c100", {}, known(72.41, 0.86), 0.25, false},
      {"bohb", "in16", {}, known(45.92, 0.86), 0.25, false},
      {"local", "c10", known(91.41, 0.22), known(94.25, 0.22), 0.08, false},
      {"local", "c100", {}, known(72.79, 0.68), 0.25, false},
      {"local", "in16", {}, known(46.07, 0.60), 0.25, false},
  };
  return all;
}

const BenchReference* bench_reference(const std::string& strategy, const std::string& dataset) {
  for (const BenchReference& r : bench_references())
    if (strategy == r.strategy && dataset == r.dataset)
      return &r;
  return nullptr;
}

bool within(const BenchResult& result, const BenchReference& reference) {
  return near(result.validation, reference.validation, reference.tolerance) &&
         near(result.test, reference.test, reference.tolerance);
}

} // namespace nasc
