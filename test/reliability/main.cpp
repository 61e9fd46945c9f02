// Reliability of scores: many candidates by many seeds, journalled line by line so that a run can be resumed, and the
// statistics of a journal.
#include <CLI/CLI.hpp>

#include <fstream>
#include <iostream>
#include <set>
#include <sstream>

#include "legality/dataset.h"
#include "test/reliability/candidates.h"
#include "test/reliability/statistics.h"
#include "test/zoo/networks.h"

using namespace nasc;

namespace {
std::string model_bytes(const std::string& name) {
  constexpr ZooStem kStem{.channels = 16, .kernel = 3, .stride = 1, .pool = false};
  if (name == "resnet20-cifar") return make_resnet("resnet20-cifar", {}, {32, 10, kStem, {3, 3, 3}, {16, 32, 64}, false, 1, 1});
  if (name == "resnet34-quarter")
    return make_resnet("resnet34-quarter", {}, {32, 10, kStem, {3, 4, 6, 3}, {16, 32, 64, 128}, false, 1, 1});
  if (!name.ends_with(".onnx")) return zoo_model(name);
  std::ifstream in(name, std::ios::binary);
  if (!in) throw UserError(code::no_input, name, "cannot read the file");
  return {std::istreambuf_iterator<char>(in), {}};
}

struct Run {
  std::string model = "resnet20-cifar", journal = "reliability.tsv", data;
  int candidates = 200, seeds = 24, batch = 16;
  bool jacobian = true, report = false, singles = false, trained = false;
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
  ScoringOptions options{.own_weights = run.trained, .with_jacobian = run.jacobian};
  ScoringNetwork original(all.network({}), options);
  std::vector<Minibatch> data = run.data.empty() ? noise_minibatches(original, run.seeds, 7)
                                                 : minibatches(read_dataset(run.data), original, run.seeds, 7);
  std::ofstream out(run.journal, std::ios::app);
  for (size_t k = 0; k < candidates.size(); ++k) {
    std::unique_ptr<ScoringNetwork> network;
    for (int seed = 0; seed < run.seeds; ++seed) {
      if (done.count({static_cast<int>(k), seed})) continue;
      if (!network) network = std::make_unique<ScoringNetwork>(all.network(candidates[k]), options, run.trained ? nullptr : &original);
      const Minibatch& m = data[static_cast<size_t>(seed)];
      Scores s = run.trained ? network->score_trained(m) : network->score(static_cast<uint64_t>(seed), m);
      out << k << '\t' << seed << '\t' << network->macs() << '\t' << network->parameters() << '\t' << s.loss << '\t' << s.naswot << '\t'
          << s.jacov << '\t' << text(candidates[k]) << '\t';
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
  app.add_flag("--jacobian,!--no-jacobian", run.jacobian, "jacov too, at the price of a second adjoint");
  app.add_flag("--trained", run.trained, "the model's own weights, kept or sliced, instead of draws: seeds are minibatches");
  app.add_flag("--singles", run.singles, "every change of a single layer instead of random candidates");
  app.add_flag("--report", run.report, "only the statistics of the journal");
  try {
    app.parse(argc, argv);
    if (!run.report) measure(run);
    print_statistics(read_journal(run.journal), std::cout);
    return 0;
  } catch (const CLI::ParseError& e) {
    return app.exit(e);
  } catch (const UserError& e) {
    std::cerr << e.line() << '\n';
    return static_cast<int>(e.code->exit);
  }
}
