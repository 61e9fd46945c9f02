// From flags to a search.
#include "tools/neural_flags.h"

#include <algorithm>
#include <chrono>
#include <cmath>

#include "codegen/emit.h"
#include "polyhedral/scheduler.h"
#include "tools/neural/report.h"
#include "tools/stages.h"
#include "tools/staging.h"
#include "tools/tune/bench.h"
#include "tools/tune/turns.h"

namespace nasc {

void declare_neural(CLI::App& app, NeuralOptions& n) {
  const char* group = "Neural transformations, with --neural: they change what the model computes";
  std::vector<CLI::Option*> all = {
      app.add_option("--space", n.space, "what may be done to which layers: builtin:NAME or a file")
          ->capture_default_str(),
      app.add_option("--strategy", n.strategy,
                     "how candidates are chosen; options as NAME:option=value,..\n" +
                         strategy_help())
          ->capture_default_str(),
      app.add_option("--objective", n.objective,
                     "over predicted_ms, macs, params, macs_ratio, params_ratio:\nmin E, max E, "
                     "pareto(..), each s.t. E <= N, ..")
          ->capture_default_str(),
      app.add_option("--budget", n.budget,
                     "candidates, a time (300s, 5m), or both; whichever is reached first")
          ->capture_default_str(),
      app.add_option("--legality", n.legality,
                     "judges that must all allow a candidate, comma separated")
          ->capture_default_str(),
      app.add_option("--fisher-data", n.data,
                     "labelled images for the judges: IDX pair IMAGES,LABELS, CIFAR binary, npz, "
                     "each also .gz;\n"
                     "default: noise, to be trusted little"),
      app.add_option("--seed", n.seed, "of everything random")->capture_default_str(),
      app.add_option("--candidate", n.candidate,
                     "compile this candidate of the journal, without a search"),
      app.add_option(
          "--explain", n.explain,
          "say what this candidate of the journal is, and why it came no further; compile nothing"),
      app.add_flag("--no-measure", n.unmeasured,
                   "do not measure the accepted candidates: the prediction decides, and a search "
                   "of a number of candidates\n"
                   "always ends in the same one"),
      app.add_option("--report", n.report, "write a page about the search")};
  for (CLI::Option* o : all)
    o->group(group)->needs("--neural");
}

void check_neural(NeuralOptions& n, const CompileOptions& compile, const std::string& journal,
                  const std::string& output) {
  if (!compile.model.ends_with(".onnx"))
    throw UserError(code::usage, "--neural", "needs an ONNX model");
  parse_budget(n.budget);
  parse_strategy(n.strategy);
  parse_objective(n.objective);
  parse_legality(n.legality);
  n.journal = journal;
  n.stem = output;
  n.threads = compile.jobs;
  if (n.candidate > 0 && n.journal.empty())
    throw UserError(code::usage, "--candidate", "needs --journal");
}

namespace {

// The inner search, of schedules: --tune on one of `plans` networks, with its share of what --tune
// may take and of `seconds` (0: no limit). Kernels that networks have in common, with the library
// that is compiled in the end, too, are in the journal.
Decide tuned_in_turn(const Compilation& c, const Module& module, const ScheduleOptions& how,
                     size_t plans, double seconds) {
  TuneOptions options = c.options.tune;
  if (options.trials > 0)
    options.trials = std::max<int64_t>(1, options.trials / static_cast<int64_t>(plans));
  options.seconds /= static_cast<double>(plans);
  if (seconds > 0)
    options.seconds = options.seconds > 0 ? std::min(options.seconds, seconds) : seconds;
  return tuned(c, module, how, options).decide;
}

// Whole networks as code in this process, run by turns; the least of each, 0 for those without one.
std::vector<double> measured_ms(const Compilation& c, const std::vector<std::vector<Step>>& plans,
                                double seconds) {
  constexpr double kTurn = 0.02, kLeastLimit = 2,
                   kMostLimit = 30; // seconds of a turn, of all turns
  auto begin = std::chrono::steady_clock::now();
  auto spent = [&] {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  };
  WeightPool pool(size_t{256} << 20);
  std::vector<std::unique_ptr<LoadedModule>> loaded;
  for (const std::vector<Step>& plan : plans) {
    double one = loaded.empty() ? 0 : spent() / static_cast<double>(loaded.size());
    if (seconds > 0 && spent() + one > seconds)
      break;
    Module module = textual_module(c.lowered, c.options.target);
    for (const Step& step : plan) {
      auto next = apply(module, step);
      NASC_CHECK(next) << text(step) << ": " << next.error().text;
      module = std::move(*next);
    }
    ScheduleOptions how{.level = c.options.level, .winograd = c.options.winograd};
    if (c.options.tune.on)
      how.decide = tuned_in_turn(c, module, how, plans.size(),
                                 seconds > 0 ? std::max(1e-3, seconds - spent()) /
                                                   static_cast<double>(plans.size() - loaded.size())
                                             : 0);
    loaded.push_back(
        std::make_unique<LoadedModule>(schedule_module(std::move(module), how).module, pool));
  }
  Team team(c.options.threads > 0 ? c.options.threads : c.options.target.cores);
  // Many turns of short runs: a run between two of other programs is undisturbed, a mean over a
  // turn never is. Runs follow each other within a turn, as a team that sleeps between them is slow
  // to wake on a busy machine.
  std::vector<double> best = least_by_turns(
      loaded.size(), [&](size_t k) { return loaded[k]->least_seconds(kTurn, team); },
      {.seconds =
           seconds > 0 ? std::clamp(seconds - spent(), kLeastLimit, kMostLimit) : kMostLimit});
  if (std::count(best.begin(), best.end(), 0) && c.options.import.warnings)
    c.options.import.warnings->push_back(
        text(escaped(c.options.model), ": warning: the machine is too busy for times of the "
                                       "accepted networks that agree: their predictions decide"));
  for (double& one : best)
    one *= 1e3;
  best.resize(plans.size());
  return best;
}

} // namespace

std::string explain_neural(const Compilation& c, NeuralOptions n) {
  if (n.journal.empty())
    n.journal = default_journal(n.stem, c.network.model_hash, n);
  return explained_candidate(c.network, c.options.target, n);
}

std::vector<Step> choose_neural_steps(Compilation& c, NeuralOptions n,
                                      std::optional<NeuralSearch>& search) {
  if (n.journal.empty())
    n.journal = default_journal(n.stem, c.network.model_hash, n);
  // Without a level there is no scheduler whose code could be measured for what it will be; nor for
  // another machine.
  if (!n.unmeasured && c.options.level >= 2 && c.options.target.text() == host_target().text())
    n.measure = [&](const std::vector<std::vector<Step>>& plans, double seconds) {
      return measured_ms(c, plans, seconds);
    };
  n.schedules = c.options.tune.on ? "tuned" : "";
  search = search_neural(c.network, c.options.model, c.options.import, c.options.target, n,
                         [&](const NeuralProgress& p) {
                           c.progress({.name = p.what.c_str(), .done = p.done, .total = p.total});
                         });
  if (!n.report.empty() && n.candidate == 0)
    write_atomically(n.report, report_html(*search, c.options.model, n));
  return search->plan;
}

} // namespace nasc
