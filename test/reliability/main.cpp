// Reliability of scores: many candidates by many seeds, journalled line by line so that a run can be resumed, and the
// statistics of a journal.
#include <cmath>
#include <fstream>
#include <iostream>
#include <set>
#include <sstream>

#include "legality/dataset.h"
#include "test/reliability/candidates.h"
#include "test/reliability/command.h"
#include "test/reliability/statistics.h"

using namespace nasc;

namespace {
struct Run {
  std::string model = "resnet20-cifar", journal = "reliability.tsv", data;
  int candidates = 200, seeds = 24, batch = 16, jacobian = 8, flow = 4;  // the last two: seeds
  bool report = false, singles = false, trained = false;
};

// Candidate 0 is the original; with `singles`, 1.. are one change of one layer each, else random.
std::vector<Candidate> candidates_of(const Run& run, const Candidates& all) {
  std::vector<Candidate> out = {{}};
  std::set<std::string> seen = {text(Candidate{})};
  if (run.singles)
    for (const std::string& layer : all.layers())
      for (Change c : {Change{2, 1}, Change{4, 1}, Change{8, 1}, Change{1, 2}, Change{1, 4}})
        if (c.group > 1 ? all.groups(layer, c.group) : all.narrows(layer)) out.push_back({{layer, c}});
  for (uint64_t seed = 1; !run.singles && static_cast<int>(out.size()) <= run.candidates; ++seed) {
    Candidate c = all.random(seed);
    if (seen.insert(text(c)).second) out.push_back(c);
  }
  return out;
}

void measure(const Run& run) {
  Candidates all(model_bytes(run.model), run.model, run.batch, !run.trained);
  std::vector<Candidate> candidates = candidates_of(run, all);
  std::set<std::pair<int, int>> done;
  for (const Record& r : read_journal(run.journal)) done.insert({r.candidate, r.seed});
  Candidates single(model_bytes(run.model), run.model, 1, true);
  ScoringOptions options{.own_weights = run.trained}, twice = options;
  twice.with_jacobian = true;
  const ScoringOptions flow{.measured = Measured::flow};
  ScoringNetwork original(all.network({}), options), original_flow(single.network({}), flow);
  std::vector<Minibatch> data = run.data.empty() ? noise_minibatches(original, run.seeds, 7)
                                                 : minibatches(read_dataset(run.data), original, run.seeds, 7);
  std::ofstream out(run.journal, std::ios::app);
  for (size_t k = 0; k < candidates.size(); ++k) {
    std::unique_ptr<ScoringNetwork> network, with_jacobian, with_flow;
    auto made = [&](std::unique_ptr<ScoringNetwork>& it, const Candidates& from, const ScoringOptions& how, const ScoringNetwork& of) -> ScoringNetwork& {
      if (!it) it = std::make_unique<ScoringNetwork>(from.network(candidates[k]), how, run.trained ? nullptr : &of);
      return *it;
    };
    for (int seed = 0; seed < run.seeds; ++seed) {
      if (done.count({static_cast<int>(k), seed})) continue;
      bool jacobian = seed < run.jacobian;
      ScoringNetwork& n = jacobian ? made(with_jacobian, all, twice, original) : made(network, all, options, original);
      const Minibatch& m = data[static_cast<size_t>(seed)];
      Scores s = run.trained ? n.score_trained(m) : n.score(static_cast<uint64_t>(seed), m);
      double synflow = Record::kNone;
      if (!run.trained && seed < run.flow) synflow = std::log(made(with_flow, single, flow, original_flow).flow(static_cast<uint64_t>(seed)).total());
      out << k << '\t' << seed << '\t' << n.macs() << '\t' << n.parameters() << '\t' << s.loss << '\t' << s.naswot << '\t'
          << (jacobian ? s.jacov : Record::kNone) << '\t' << synflow << '\t' << run.batch << '\t' << text(candidates[k]) << '\t';
      for (double f : s.fisher) out << f << ' ';
      out << std::endl;
    }
  }
}
}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Scores candidates of a network by many seeds and says how far the seeds decide.", "reliability");
  Run run;
  app.add_option("--model", run.model, "resnet20-cifar, resnet34-quarter, a network of the zoo, or FILE.onnx")->capture_default_str();
  app.add_option("--journal", run.journal, "one line per candidate and seed; what it has is not done again")->capture_default_str();
  app.add_option("--data", run.data, "labelled images, as --fisher-data; Gaussian noise when absent");
  app.add_option("--candidates", run.candidates, "random candidates")->capture_default_str();
  app.add_option("--seeds", run.seeds, "seeds of each")->capture_default_str();
  app.add_option("--batch", run.batch, "images of a minibatch")->capture_default_str();
  app.add_option("--jacobian", run.jacobian, "the first so many seeds have jacov too, at the price of a second adjoint")->capture_default_str();
  app.add_option("--flow", run.flow, "and the first so many synflow")->capture_default_str();
  app.add_flag("--trained", run.trained, "the model's own weights, kept or sliced, instead of draws: seeds are minibatches");
  app.add_flag("--singles", run.singles, "every change of a single layer instead of random candidates");
  app.add_flag("--report", run.report, "only the statistics of the journal");
  return run_command(app, argc, argv, [&] {
    if (!run.report) measure(run);
    print_statistics(read_journal(run.journal), std::cout);
  });
}
