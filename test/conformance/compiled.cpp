// nasc-conformance: how many cases of a suite compile, link, load, run and give the stored results.
#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <map>

#include "ir/diag.h"
#include "test/conformance/cases.h"
#include "tools/command_line.h"
#include "tools/tool_main.h"

using namespace nasc;

namespace {

void print_table(const std::vector<Case>& cases, const std::vector<CaseResult>& results) {
  std::map<std::string, std::array<int, 4>> groups;
  std::array<int, 4> all{};
  double seconds = 0;
  for (size_t k = 0; k < cases.size(); ++k) {
    ++groups[cases[k].group][static_cast<size_t>(results[k].outcome)];
    ++all[static_cast<size_t>(results[k].outcome)];
    seconds += results[k].seconds;
  }
  auto line = [](const std::string& what, const std::array<int, 4>& n) {
    fmt::print("{:<28} passed {:4}  failed {:4}  unsupported {:4}  crashed {:4}\n", what, n[0],
               n[1], n[2], n[3]);
  };
  if (groups.size() > 1)
    for (const auto& [group, n] : groups)
      line(group, n);
  line(text("total of ", cases.size()), all);
  fmt::print("each compiled, linked as a shared library, loaded and run; {:.1f} s in all, {:.0f} "
             "ms a case\n",
             seconds, cases.empty() ? 0 : 1e3 * seconds / static_cast<double>(cases.size()));
}

int body(int argc, char** argv) {
  CLI::App app("Runs ONNX test cases through the compiler.", "nasc-conformance");
  SuiteOptions options;
  std::string suite, filter;
  unsigned one_in = 1;
  bool all = false, by_size = false, reasons = false;
  app.add_option("SUITE", suite, "folder with INDEX.tsv")->required();
  app.add_option("-O", options.level, "optimization level")->capture_default_str();
  app.add_option("--sample", one_in, "one case in N, by a fixed hash")->capture_default_str();
  app.add_flag("--all", all, "all cases, whatever --sample says");
  app.add_option("--filter", filter, "cases whose name contains this");
  app.add_option("--jobs", options.jobs, "workers")->capture_default_str();
  app.add_option("--rtol", options.tolerance.rtol)->capture_default_str();
  app.add_option("--atol", options.tolerance.atol)->capture_default_str();
  app.add_flag("--by-size", by_size, "the absolute tolerance grows with the reference");
  app.add_option("--case-time", options.case_seconds, "seconds a case may take")
      ->capture_default_str();
  app.add_flag("-v,--verbose", options.verbose, "a line per case");
  app.add_flag("--reasons", reasons, "count the reasons of unsupported cases");
  if (int done = parse_command_line(app, argc, argv); done >= 0)
    return done;
  options.tolerance.by_size = by_size;
  if (!std::filesystem::exists(suite)) {
    fmt::print("skipped: no test data at {}\n", suite);
    return 0;
  }
  std::vector<Case> cases = sampled(suite_cases(suite), all ? 1 : one_in);
  std::erase_if(cases, [&](const Case& c) { return c.name.find(filter) == std::string::npos; });
  std::vector<CaseResult> results = run_suite(cases, options);
  print_table(cases, results);
  if (reasons)
    for (size_t k = 0; k < cases.size(); ++k)
      if (results[k].outcome == Outcome::unsupported)
        fmt::print("{}: {}\n", cases[k].name, results[k].text);
  for (const CaseResult& r : results)
    if (r.outcome == Outcome::failed || r.outcome == Outcome::crashed)
      return static_cast<int>(Exit::mismatch);
  return 0;
}

} // namespace

int main(int argc, char** argv) {
  return run_tool("nasc-conformance", [&] { return body(argc, argv); });
}
