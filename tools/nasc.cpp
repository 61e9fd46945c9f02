// nasc: compiles ONNX models into shared libraries.
#include <fmt/core.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <charconv>
#include <cstdio>
#include <iostream>

#include "ir/isl.h"
#include "legality/order_ppl.h"
#include "nasc_version.h"
#include "tools/command_line.h"
#include "tools/depfile.h"
#include "tools/neural_flags.h"
#include "tools/outputs.h"
#include "tools/progress.h"
#include "tools/search/search_bench_verb.h"
#include "tools/tool_main.h"

using namespace nasc;

namespace {

struct Arguments {
  CompileOptions compile;
  NeuralOptions neural;
  std::string model, output, emit, cpu = "host", triple, max_memory = "0", max_time = "1h",
                                   threshold = "1G", dump_directory;
  std::vector<std::string> dims, quoted_targets;
  DepOptions deps;
  std::string winograd = "auto", denormals = "flush", tune, journal, tuning_database;
  std::vector<std::string> isl_operations;
  uint64_t ppl_weight = 0;
  bool check = false, verbose = false, quiet = false, no_warnings = false, time_passes = false;
};

// Spellings with one dash that people know from compilers.
const std::vector<Spelling> kSpellings = {
    {"-MD", "--dep", Spelling::flag},
    {"-MMD", "--dep", Spelling::flag},
    {"-MP", "--dep-phony", Spelling::flag},
    {"-MF", "--dep-file", Spelling::value},
    {"-MT", "--dep-target", Spelling::value},
    {"-MQ", "--dep-quoted-target", Spelling::value},
    {"-mcpu", "--mcpu", Spelling::joined},
    {"-march", "--mcpu", Spelling::joined},
    {"--march", "--mcpu", Spelling::joined},
    {"-mtriple", "--mtriple", Spelling::joined},
    {"--target", "--mtriple", Spelling::joined},
    {"-c", "--emit=obj", Spelling::flag},
    {"-S", "--emit=asm", Spelling::flag},
    {"-emit-llvm", "--emit=llvm", Spelling::flag},
};

std::string kinds_help() {
  std::string out = "what to write, comma separated; by the suffix of -o when absent:";
  for (const OutputKind& k : output_kinds())
    out += fmt::format("\n  {:<7}{:<7}{}", k.name, k.suffix, k.doc);
  return out;
}

void declare(CLI::App& app, Arguments& a) {
  const char* group = "Output";
  app.add_option("MODEL", a.model, "ONNX model, or .nir written by --emit=nir")->required();
  app.add_option("-o,--output", a.output,
                 "file to write; default: the model's name with .so in the current folder")
      ->group(group);
  app.add_option("--emit", a.emit, kinds_help())->group(group);
  app.add_option("--prefix", a.compile.prefix,
                 "prefix of the library's entries; default: the output's name")
      ->group(group);
  app.add_option("--weights-threshold", a.threshold, "weights larger than this go to STEM.weights")
      ->capture_default_str()
      ->group(group);
  group = "Optimization";
  app.add_option("-O", a.compile.level,
                 "0: loops in the order of the model\n1: parallel and vector loops\n2: and fusion, "
                 "layouts, register tiles\n"
                 "3: and ten times the analysis budget")
      ->capture_default_str()
      ->check(CLI::Range(0, 3))
      ->group(group);
  app.add_option("--winograd", a.winograd,
                 "3x3 convolutions by Winograd's algorithm: where it is clearly faster (auto), "
                 "never (off),\n"
                 "by tiles of 2x2 (f2, the most exact), 3x3 (f3) or 4x4 (f4)")
      ->capture_default_str()
      ->check(CLI::IsMember({"auto", "off", "f2", "f3", "f4"}))
      ->group(group);
  app.add_option("--denormals", a.denormals,
                 "numbers below 2^-126 are taken for 0 (flush), or cost what the processor makes of them (keep)")
      ->capture_default_str()
      ->check(CLI::IsMember({"flush", "keep"}))
      ->group(group);
  app.add_flag("--tune{all}", a.tune,
               "measure alternatives of each kernel on this machine; --tune=N: N of them, "
               "--tune=10m: for that long")
      ->group(group);
  app.add_option("--journal", a.journal,
                 "what --neural judged (default: OUTPUT.HASH.journal), else what --tune measured "
                 "(default: OUTPUT.tune);\nwhat is there is not done again")
      ->group(group);
  app.add_option("--tuning-db", a.tuning_database,
                 "records of tuned kernels: --tune adds to it (default: the user's cache; none: "
                 "nowhere);\nwithout --tune, a compilation uses records only when this names them")
      ->group(group);
  app.add_option("--plan", a.compile.plan_file, "apply this plan in place of the scheduler's")
      ->group(group);
  app.add_flag("--neural", a.compile.neural,
               "look for faster operators that the judges allow; with --plan: the plan may change what the\n"
               "model computes")
      ->group(group);
  app.add_flag("--verify-each", a.compile.verify_each, "judge after each step of the plan")
      ->group(group);
  declare_neural(app, a.neural);
  group = "Target";
  app.add_option("--mcpu", a.cpu, "processor (LLVM's name), or host")
      ->capture_default_str()
      ->group(group);
  app.add_option("--mtriple", a.triple, "target triple; default: this machine's")->group(group);
  app.add_option("--sm", a.compile.sm, "compute capability of device code, such as 80 or 90")
      ->capture_default_str()
      ->check(CLI::Range(50, 120))
      ->group(group);
  app.add_option("--threads", a.compile.threads, "most threads that the model uses; 0: no limit")
      ->capture_default_str()
      ->check(CLI::Range(0, 4096))
      ->group(group);
  app.add_option("--dim", a.dims, "NAME=N: bind a symbolic extent; repeatable")->group(group);
  group = "Dependency files for make and ninja";
  app.add_flag("--dep", a.deps.write, "-MD: write a dependency file")->group(group);
  app.add_option("--dep-file", a.deps.file, "-MF FILE: its name; default: the output's with .d")
      ->group(group);
  app.add_option("--dep-target", a.deps.targets,
                 "-MT NAME: the rule's target, as it is; repeatable")
      ->group(group);
  app.add_option("--dep-quoted-target", a.quoted_targets, "-MQ NAME: the same, quoted for make")
      ->group(group);
  app.add_flag("--dep-phony", a.deps.phony, "-MP: a phony rule per dependency")->group(group);
  group = "Checks and limits";
  app.add_flag("--check", a.check, "list everything that is wrong or unsupported, write nothing")
      ->group(group);
  app.add_flag("--allow-hardlinks", a.compile.import.allow_hard_links,
               "external data may be a hard link")
      ->group(group);
  app.add_option("--max-memory", a.max_memory,
                 "address space, such as 8G; 0: 80 % of the machine's memory")
      ->group(group);
  app.add_option("--max-time", a.max_time, "wall time, such as 90, 30m; 0: none")
      ->capture_default_str()
      ->group(group);
  app.add_option("--isl-max-ops", a.isl_operations,
                 "[ENTRY=]N: operations after which the polyhedral engine gives up and a simpler\n"
                 "schedule is taken; 0: no limit; ENTRY: transformation, order, analysis or ast;\n"
                 "repeatable")
      ->group(group);
  app.add_option("--ppl-max-weight", a.ppl_weight, "the same for the second engine")
      ->check(CLI::PositiveNumber)
      ->group(group);
  group = "Diagnostics";
  app.add_flag("-v,--verbose", a.verbose, "phases, and what was given up and why")->group(group);
  app.add_flag("-q,--quiet", a.quiet, "no progress and no summaries: warnings and errors only")->group(group);
  app.add_flag("-w,--no-warnings", a.no_warnings, "no warnings")->group(group);
  app.add_flag("--time-passes", a.time_passes, "time of each stage")->group(group);
  app.add_option("--dump-dir", a.dump_directory, "write what each stage made into this folder")
      ->group(group);
  app.add_option("-j,--jobs", a.compile.jobs, "threads of the compiler; 0: one per processor")
      ->capture_default_str()
      ->check(CLI::Range(0, 1024))
      ->group(group);
  app.set_version_flag("--version", std::string(kVersionText))->group(group);
  app.get_help_ptr()->group(group);
  app.footer("Exit codes: 0 done; 64 usage; 65 malformed model or plan; 66 missing input; 69 "
             "unsupported; 70 internal error;\n"
             "71 limit; 73, 74 output cannot be written; 77 refused by policy.");
}

void bind_dims(Arguments& a) {
  for (const auto& d : a.dims) {
    size_t equals = d.rfind('=');
    int64_t value = -1;
    bool ok = equals != std::string::npos && equals > 0;
    if (ok) {
      auto [end, error] = std::from_chars(d.data() + equals + 1, d.data() + d.size(), value);
      ok = error == std::errc() && end == d.data() + d.size() && value >= 0;
    }
    if (!ok)
      throw UserError(code::usage, "--dim", text("\"", escaped(d), "\" is not NAME=N"));
    if (!a.compile.import.dims.emplace(d.substr(0, equals), value).second)
      throw UserError(code::usage, "--dim",
                      text("\"", escaped(d.substr(0, equals)), "\" is bound twice"));
  }
}

void set_tuning(Arguments& a, const std::string& output) {
  TuneOptions& t = a.compile.tune;
  if (!a.tune.empty())
    parse_tune(a.tune == "all" ? "" : a.tune, t);
  if (t.on && ((a.cpu != "host" && a.cpu != "native") || !a.triple.empty()))
    throw UserError(code::usage, "--tune", "measures on this machine: not with --mcpu or --mtriple");
  if (t.on && (a.compile.level < 2 || !a.compile.plan_file.empty()))
    throw UserError(code::usage, "--tune", "has nothing to choose with --plan, -O0 or -O1");
  bool searches = a.compile.neural && a.compile.plan_file.empty();
  t.journal = a.journal.empty() || searches ? output + ".tune" : a.journal;
  t.database = a.tuning_database;
  if (t.on && t.database.empty())
    t.database = default_tuning_database();
  if (t.database == "none")
    t.database.clear();
}

bool parse_count(std::string_view text, unsigned long& value) {
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size();
}

void set_engine_limits(const Arguments& a) {
  for (const std::string& given : a.isl_operations) {
    size_t equals = given.find('=');
    std::string entry = equals == std::string::npos ? "" : given.substr(0, equals);
    unsigned long count = 0;
    bool known = entry.empty() && equals == std::string::npos;
    if (parse_count(std::string_view(given).substr(equals + 1), count)) {
      if (known)
        set_isl_quota(count);
      for (IslEntry e : kIslEntries)
        if (entry == name(e))
          set_isl_quota(e, count), known = true;
    } else {
      known = false;
    }
    if (!known)
      throw UserError(code::usage, "--isl-max-ops",
                      text("\"", escaped(given), "\" is not [ENTRY=]N"));
  }
  if (a.ppl_weight)
    set_ppl_quota(a.ppl_weight);
}

// All that is wrong; the exit code of the gravest: malformed before unsupported.
int check(const Arguments& a) {
  std::vector<UserError> errors = check_model(a.compile.model, a.compile.import);
  Exit worst = Exit::ok;
  for (const UserError& e : errors) {
    std::cerr << e.line() << '\n';
    if (worst == Exit::ok || worst == Exit::unsupported)
      worst = e.code->exit;
  }
  if (errors.empty() && !a.quiet)
    fmt::print("{}: everything is supported\n", escaped(a.model));
  return static_cast<int>(worst);
}

int body(int argc, char** argv) {
  CLI::App app(
      "Compiles a neural network into a shared library that needs nothing but libc and libm.",
      "nasc");
  Arguments a;
  declare(app, a);
  if (int done = parse_command_line(app, argc, argv, kSpellings); done >= 0)
    return done;
  start_limits("nasc", {.memory_bytes = parse_bytes(a.max_memory, "--max-memory"),
                        .seconds = parse_seconds(a.max_time, "--max-time")});
  a.compile.model = a.model;
  static const std::map<std::string, Winograd> kWinograd = {{"auto", Winograd::automatic},
                                                            {"off", Winograd::off},
                                                            {"f2", Winograd::f2},
                                                            {"f3", Winograd::f3},
                                                            {"f4", Winograd::f4}};
  a.compile.winograd = kWinograd.at(a.winograd);
  a.compile.keep_denormals = a.denormals == "keep";
  a.compile.import.passes = a.compile.level > 0;
  a.compile.side_file_threshold = parse_bytes(a.threshold, "--weights-threshold");
  if (!a.compile.prefix.empty() && identifier(a.compile.prefix) != a.compile.prefix)
    throw UserError(code::usage, "--prefix",
                    text("\"", escaped(a.compile.prefix), "\" is no C identifier"));
  bind_dims(a);
  set_engine_limits(a);
  if (a.check)
    return check(a);
  std::vector<Output> outputs = plan_outputs(a.model, a.emit, a.output);
  a.compile.target = a.cpu == "host" || a.cpu == "native"
                         ? (a.triple.empty() ? host_target() : target_for("", a.triple))
                         : target_for(a.cpu, a.triple);
  for (const auto& t : a.quoted_targets)
    a.deps.targets.push_back(make_quoted(t));
  a.deps.write |= !a.deps.file.empty();
  set_tuning(a, outputs.front().path);

  Compilation c;
  std::vector<std::string> warnings;
  a.compile.import.warnings = &warnings;
  c.options = a.compile;
  std::optional<NeuralSearch> search;
  if (a.compile.neural && a.compile.plan_file.empty()) {
    check_neural(a.neural, a.compile, a.journal, outputs.front().path);
    c.choose_neural = [&](Compilation& at) { return choose_neural_steps(at, a.neural, search); };
  }
  if (a.neural.explain > 0) {
    if (!c.choose_neural)
      throw UserError(code::usage, "--explain", "is about candidates of a search: not with --plan");
    run_stages(c, "lower");
    fmt::print("{}", explain_neural(c, a.neural));
    return 0;
  }
  ProgressLine line(a.quiet     ? ProgressLine::none
                    : a.verbose ? ProgressLine::lines
                                : ProgressLine::live);
  c.progress = [&](const Progress& p) { line.show(p); };
  std::vector<std::string> written = compile(c, outputs, a.deps, a.dump_directory);
  line.clear();
  if (search && !a.quiet && a.neural.candidate == 0)
    std::cerr << summary(*search);
  if (search && !search->winner && a.neural.candidate == 0)
    warnings.push_back(
        text(escaped(a.model), ": warning: ", why_none(*search), ": the exact network is compiled"));
  if (!a.no_warnings)
    for (const auto& w : warnings)
      std::cerr << w << '\n';
  if (a.verbose) {
    for (const auto& r : c.remarks)
      std::cerr << "remark: " << escaped(r) << '\n';
    for (const auto& path : written)
      std::cerr << "wrote " << escaped(path) << '\n';
  }
  if (a.time_passes)
    std::cerr << time_table(c.times);
  return 0;
}

} // namespace

int main(int argc, char** argv) {
  if (argc > 1 && std::string_view(argv[1]) == "search-bench")
    return search_bench_main(argc - 1, argv + 1);
  return run_tool("nasc", [&] { return body(argc, argv); });
}
