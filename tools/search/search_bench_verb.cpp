// Options, a table row per strategy and data set.
#include "tools/search/search_bench_verb.h"

#include <fmt/core.h>

#include <CLI/CLI.hpp>

#include "polyhedral/search/strategy.h"
#include "tools/command_line.h"
#include "tools/search/search_bench.h"
#include "tools/tool_main.h"

namespace nasc {
namespace {

std::string shown(const MeanStd& m, int digits) {
  return m.known ? fmt::format("{:.{}f} +- {:.{}f}", m.mean, digits, m.deviation, digits) : "-";
}

// Whether a binding reference is missed.
bool print_nb201(const BenchSetup& setup) {
  BenchResult r = run_bench(setup);
  const BenchReference* wanted =
      setup.evaluations == 0 && setup.budget_seconds == 0
          ? bench_reference(parse_strategy(setup.strategy).def->name, setup.dataset)
          : nullptr;
  bool ok = !wanted || within(r, *wanted);
  fmt::print("{:<24}{:<6}{:>6.1f}  {:<16}{:<16}{:<16}{:<16}{:<12}{:>6.2f} s\n", setup.strategy,
             setup.dataset, r.evaluations, shown(r.validation, 2), shown(r.test, 2),
             wanted ? shown(wanted->validation, 2) : "-", wanted ? shown(wanted->test, 2) : "-",
             !wanted            ? "-"
             : !wanted->binding ? "(other)"
             : ok               ? "within"
                                : "OUTSIDE",
             r.wall_seconds);
  return wanted && wanted->binding && !ok;
}

void print_macro(const BenchSetup& setup) {
  BenchResult r = run_bench(setup);
  fmt::print("{:<24}{:>6.0f}  {:<16}{:<20}{:>6.2f} s\n", setup.strategy, r.evaluations,
             shown(r.test, 2), shown(r.hypervolume, 4), r.wall_seconds);
}

// Commas separate strategies, and options of a strategy: an item with `=` and no `:` is an option.
std::vector<std::string> strategies(const std::string& given) {
  std::vector<std::string> out;
  std::string rest = given;
  while (!rest.empty()) {
    std::string item = rest.substr(0, rest.find(','));
    rest = item.size() == rest.size() ? "" : rest.substr(item.size() + 1);
    if (!out.empty() && item.find('=') != std::string::npos && item.find(':') == std::string::npos)
      out.back() += "," + item;
    else
      out.push_back(item);
  }
  return out;
}

int body(int argc, char** argv) {
  CLI::App app("Replays published architecture searches on tables of trained networks.",
               "nasc search-bench");
  BenchSetup setup;
  std::string strategy = "random,evolution,reinforce,local,bohb", dataset = "all";
  app.add_option("--tables", setup.tables, "folder of the tables (nb201_accuracy.csv.gz, ...)");
  app.add_option("--table", setup.table, "nb201 or nasbench-macro")->capture_default_str();
  app.add_option("--strategy", strategy, "strategies, comma separated; list: what there are")
      ->capture_default_str();
  app.add_option("--dataset", dataset, "c10, c100, in16 or all (nb201)")->capture_default_str();
  app.add_option("--runs", setup.runs, "repetitions")
      ->capture_default_str()
      ->check(CLI::Range(1, 1000000));
  app.add_option("--seed", setup.seed, "of the first run")->capture_default_str();
  app.add_option("--evaluations", setup.evaluations,
                 "per run; default: the simulated budget of the published searches, or 200");
  app.footer(
      "Exit code 2 when a mean or deviation is outside of what a correct implementation reaches.");
  if (int done = parse_command_line(app, argc, argv); done >= 0)
    return done;
  if (strategy == "list") {
    fmt::print("{}", strategy_help());
    return 0;
  }
  if (setup.tables.empty())
    throw UserError(code::usage, "--tables", "needs the folder of the benchmark tables");
  bool missed = false;
  if (setup.table == "nb201")
    fmt::print("{:<24}{:<6}{:>6}  {:<16}{:<16}{:<16}{:<16}{:<12}{:>8}\n", "strategy", "data",
               "evals", "validation", "test", "ref validation", "ref test", "tolerance", "time");
  else
    fmt::print("{:<24}{:>6}  {:<16}{:<20}{:>8}\n", "strategy", "evals", "best accuracy",
               "hypervolume", "time");
  for (const std::string& name : strategies(strategy)) {
    setup.strategy = name;
    if (setup.table != "nb201") {
      print_macro(setup);
      continue;
    }
    for (const char* d : {"c10", "c100", "in16"})
      if (dataset == "all" || dataset == d)
        setup.dataset = d, missed |= print_nb201(setup);
    if (dataset != "all" && setup.dataset != dataset)
      throw UserError(code::usage, "--dataset", "none of c10, c100, in16, all");
  }
  return missed ? static_cast<int>(Exit::mismatch) : 0;
}
} // namespace

int search_bench_main(int argc, char** argv) {
  return run_tool("nasc search-bench", [&] { return body(argc, argv); });
}

} // namespace nasc
