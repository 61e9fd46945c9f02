// Strategies on tables of trained networks: a short sample always, the whole protocol when asked
// for
// (`test_search_tools [.nats]`, seconds).
#include <catch2/catch.hpp>
#include <cstdio>

#include "polyhedral/search/builtin.h"
#include "test/support/test_data.h"
#include "tools/search/search_bench.h"
#include "tools/search/search_loop.h"

using namespace nasc;

namespace {
BenchSetup nb201(const std::string& folder, const std::string& strategy, const std::string& dataset,
                 int runs) {
  BenchSetup s;
  s.tables = folder, s.strategy = strategy, s.dataset = dataset, s.runs = runs;
  return s;
}
void print(const BenchSetup& s, const BenchResult& r, const BenchReference* ref) {
  std::printf("%-10s %-5s %5.1f evaluations, validation %.2f +- %.2f, test %.2f +- %.2f",
              s.strategy.c_str(), s.dataset.c_str(), r.evaluations, r.validation.mean,
              r.validation.deviation, r.test.mean, r.test.deviation);
  if (ref)
    std::printf("  (reference %.2f +- %.2f, %.2f +- %.2f)", ref->validation.mean,
                ref->validation.deviation, ref->test.mean, ref->test.deviation);
  std::printf("  %.2f s\n", r.wall_seconds);
}
BenchSetup macro(const std::string& folder, const std::string& strategy, int runs) {
  BenchSetup s;
  s.tables = folder, s.table = "nasbench-macro", s.strategy = strategy, s.runs = runs;
  return s;
}
} // namespace

TEST_CASE("NATS: a sample of the published searches lands near the reference") {
  auto folder = test_data("nas-bench");
  if (!folder)
    return;
  for (const char* strategy : {"random", "evolution", "reinforce"}) {
    BenchSetup s = nb201(*folder, strategy, "c10", 60);
    BenchResult r = run_bench(s);
    const BenchReference* ref = bench_reference(strategy, "c10");
    print(s, r, ref);
    // Six standard errors of 60 runs: about 0.2.
    CHECK(std::abs(r.test.mean - ref->test.mean) < 0.2);
    CHECK(std::abs(r.validation.mean - ref->validation.mean) < 0.2);
    CHECK(r.evaluations > 150);
    CHECK(r.evaluations < 195);
  }
}

TEST_CASE("NATS: the table is a stage of the general search") {
  auto folder = test_data("nas-bench");
  if (!folder)
    return;
  EvaluatorContext context;
  context.tables = *folder;
  Space space = bound_space(load_space("nats-tss"), {});
  Cascade cascade({make_evaluator("nb201", context)},
                  parse_objective("max accuracy s.t. params_m <= 1"));
  SearchSetup s;
  s.space = &space, s.strategy = parse_strategy("evolution"), s.cascade = &cascade, s.seed = 1;
  s.budget.candidates = 300;
  SearchResult r = run_search(s);
  REQUIRE(r.best.has_value());
  CHECK(r.judged[*r.best].metrics.at("params_m").value <= 1);
  CHECK(r.judged[*r.best].metrics.at("test_accuracy").value > 93);
  CHECK(cascade.counts[0].rejected > 0);
}

TEST_CASE("NAS-Bench-Macro: nsga2 covers more than random points") {
  auto folder = test_data("nas-bench");
  if (!folder)
    return;
  BenchResult nsga2 = run_bench(macro(*folder, "nsga2", 8)),
              random = run_bench(macro(*folder, "random", 8));
  std::printf("hypervolume of 200 evaluations, 8 seeds: nsga2 %.4f +- %.4f, random %.4f +- %.4f\n",
              nsga2.hypervolume.mean, nsga2.hypervolume.deviation, random.hypervolume.mean,
              random.hypervolume.deviation);
  CHECK(nsga2.hypervolume.mean > random.hypervolume.mean);
}

TEST_CASE("NATS: the whole protocol, 500 runs", "[.nats]") {
  auto folder = test_data("nas-bench");
  if (!folder)
    return;
  for (const char* dataset : {"c10", "c100", "in16"}) {
    double random = 0;
    for (const char* strategy : {"random", "evolution", "reinforce", "local", "bohb"}) {
      BenchSetup s = nb201(*folder, strategy, dataset, 500);
      BenchResult r = run_bench(s);
      const BenchReference* ref = bench_reference(strategy, dataset);
      print(s, r, ref);
      CAPTURE(strategy, dataset);
      if (ref->binding)
        CHECK(within(r, *ref));
      if (strategy == std::string("random"))
        random = r.test.mean;
      CHECK(r.test.mean >= random);
    }
  }
  for (const char* strategy : {"random", "nsga2", "evolution", "local", "bohb", "reinforce"}) {
    BenchResult r = run_bench(macro(*folder, strategy, 50));
    std::printf("macro %-10s best accuracy %.2f +- %.2f, hypervolume %.4f +- %.4f\n", strategy,
                r.test.mean, r.test.deviation, r.hypervolume.mean, r.hypervolume.deviation);
  }
}
