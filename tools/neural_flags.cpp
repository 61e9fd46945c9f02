// From flags to a search.
#include "tools/neural_flags.h"

#include "tools/neural/report.h"
#include "tools/staging.h"

namespace nasc {

void declare_neural(CLI::App& app, NeuralOptions& n) {
  const char* group = "Neural transformations, with --neural: they change what the model computes";
  std::vector<CLI::Option*> all = {
      app.add_option("--space", n.space, "what may be done to which layers: builtin:NAME or a file")->capture_default_str(),
      app.add_option("--strategy", n.strategy, "how candidates are chosen; options as NAME:option=value,..\n" + strategy_help())
          ->capture_default_str(),
      app.add_option("--objective", n.objective,
                     "over predicted_ms, macs, params, macs_ratio, params_ratio:\nmin E, max E, pareto(..), each s.t. E <= N, ..")
          ->capture_default_str(),
      app.add_option("--budget", n.budget, "candidates, a time (300s, 5m), or both; whichever is reached first")
          ->capture_default_str(),
      app.add_option("--legality", n.legality, "judges that must all allow a candidate, comma separated")->capture_default_str(),
      app.add_option("--fisher-data", n.data,
                     "labelled images for the judges: IDX pair IMAGES,LABELS, CIFAR binary, npz, each also .gz;\n"
                     "default: noise, to be trusted little"),
      app.add_option("--seed", n.seed, "of everything random")->capture_default_str(),
      app.add_option("--candidate", n.candidate, "compile this candidate of the journal, without a search"),
      app.add_option("--report", n.report, "write a page about the search")};
  for (CLI::Option* o : all)
    o->group(group)->needs("--neural");
}

void check_neural(NeuralOptions& n, const CompileOptions& compile, const std::string& journal, const std::string& output) {
  if (!compile.model.ends_with(".onnx"))
    throw UserError(code::usage, "--neural", "needs an ONNX model");
  parse_budget(n.budget);
  parse_strategy(n.strategy);
  parse_objective(n.objective);
  parse_legality(n.legality);
  n.journal = journal;
  n.stem = output;
  if (n.candidate > 0 && n.journal.empty())
    throw UserError(code::usage, "--candidate", "needs --journal");
}

std::vector<Step> choose_neural_steps(Compilation& c, NeuralOptions n, std::optional<NeuralSearch>& search) {
  if (n.journal.empty())
    n.journal = default_journal(n.stem, c.network.model_hash, n);
  search = search_neural(c.network, c.options.model, c.options.import, c.options.target, n, [&](const NeuralProgress& p) {
    c.progress({.name = p.what.c_str(), .done = p.done, .total = p.total});
  });
  if (!n.report.empty() && n.candidate == 0)
    write_atomically(n.report, report_html(*search, c.options.model, n));
  return search->plan;
}

} // namespace nasc
