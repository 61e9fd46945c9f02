// nasc-run: runs, measures and checks compiled models.
#include <CLI/CLI.hpp>

#include "nasc_version.h"
#include "tools/command_line.h"
#include "tools/run_verbs.h"
#include "tools/tool_main.h"

using namespace nasc;

namespace {

struct Verb {
  const char* name;
  const char* doc;
  int (*run)(const RunOptions&);
};
const Verb kVerbs[] = {
    {"run", "Run once; print the outputs or write them as .npy files.", run_verb},
    {"bench", "Measure the time of a run.", bench_verb},
    {"profile", "Time, share of the machine's peak and bytes of each kernel.", profile_verb},
    {"compare", "Compare results with stored ones (test_data_set_*); exit code 2 when they differ.",
     compare_verb},
    {"info", "Print what the library says about itself.", info_verb}};

int body(int argc, char** argv) {
  CLI::App app("Runs, measures and checks models compiled by nasc.", "nasc-run");
  RunOptions options;
  std::string max_memory = "0", max_time = "1h";
  app.set_version_flag("--version", std::string(kVersionText));
  app.require_subcommand(1);
  app.footer("nasc-run VERB --help has the options of each.\n"
             "Exit codes: 0 done; 2 compare found a difference; 64 usage; 65 malformed data; 66 missing "
             "input;\n69 not for this processor or version; 70 internal error; 71 limit; 73, 74 output "
             "cannot be written.");
  for (const Verb& verb : kVerbs) {
    CLI::App* sub = app.add_subcommand(verb.name, verb.doc);
    std::string name = verb.name;
    sub->add_option("LIBRARY", options.library, "compiled model (.so)")->required();
    sub->add_option("--max-memory", max_memory,
                    "limit of address space, such as 8G; 0: 80 % of the machine");
    sub->add_option("--max-time", max_time, "limit of wall time, such as 90, 30m; 0: none")
        ->capture_default_str();
    if (name == "info") {
      sub->add_flag("--json{-}", options.json, "as JSON; --json=FILE writes a file");
      sub->add_flag("-v,--verbose", options.verbose, "with the applied plan");
      continue;
    }
    sub->add_option("--threads", options.threads,
                    "threads; 0: NASC_NUM_THREADS, else all processors")
        ->capture_default_str()
        ->check(CLI::Range(0, 4096));
    if (name != "compare") {
      sub->add_option("--input", options.inputs.given,
                      "NAME=FILE.npy, NAME=FILE.pb or NAME=random:SEED; repeatable");
      sub->add_option("--dim", options.inputs.dims,
                      "NAME=N: a symbolic extent of random inputs; repeatable");
      sub->add_flag("--random", options.inputs.random, "inputs that are not given are random");
    }
    if (name == "run") {
      sub->add_option("--output-dir", options.output_directory,
                      "write NAME.npy for each output there");
      sub->add_flag("--print", options.print, "print the outputs, too");
    } else if (name == "compare") {
      sub->add_option("--data", options.data,
                      "folder with test_data_set_*/input_N.pb and output_N.pb")
          ->required();
      sub->add_option("--rtol", options.tolerance.rtol, "|y-r| <= rtol |r| + atol max(1, RMS(r))")
          ->capture_default_str()
          ->check(CLI::NonNegativeNumber);
      sub->add_option("--atol", options.tolerance.atol, "see --rtol")
          ->capture_default_str()
          ->check(CLI::NonNegativeNumber);
    } else {
      sub->add_option("--repeat", options.repeat, "timed runs; exactly, unless --min-time is given")
          ->capture_default_str()
          ->check(CLI::Range(1, 1000000));
      sub->add_option("--warmup", options.warmup, "runs before timing")
          ->capture_default_str()
          ->check(CLI::Range(0, 1000000));
      sub->add_option("--min-time", options.min_seconds, "seconds of timed runs at least; 0 when only --repeat is given")
          ->capture_default_str()
          ->check(CLI::NonNegativeNumber);
      sub->add_flag("--json{-}", options.json,
                    name == "profile" ? "Chrome's trace; --json=FILE writes a file"
                                      : "as JSON; --json=FILE writes a file");
      sub->add_flag("-v,--verbose", options.verbose, "with the time of each step");
    }
  }
  if (int done = parse_command_line(app, argc, argv); done >= 0)
    return done;
  start_limits("nasc-run", {.memory_bytes = parse_bytes(max_memory, "--max-memory"),
                            .seconds = parse_seconds(max_time, "--max-time")});
  for (const Verb& verb : kVerbs) {
    if (!app.got_subcommand(verb.name))
      continue;
    const CLI::App* sub = app.get_subcommand(verb.name);
    if (std::string(verb.name) == "bench" && sub->count("--repeat") && !sub->count("--min-time"))
      options.min_seconds = 0;
    return verb.run(options);
  }
  return static_cast<int>(Exit::usage);
}

} // namespace

int main(int argc, char** argv) {
  return run_tool("nasc-run", [&] { return body(argc, argv); });
}
