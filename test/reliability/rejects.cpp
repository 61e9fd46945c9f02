// What the table of sensitivities refuses, judged as whole networks after all.
#include <fstream>
#include <iostream>
#include <set>

#include "legality/dataset.h"
#include "legality/protocol.h"
#include "test/reliability/candidates.h"
#include "test/reliability/command.h"

using namespace nasc;

namespace {
std::string option_text(const Change& c) { return (c.bottleneck > 1 ? "b" : "g") + std::to_string(c.bottleneck > 1 ? c.bottleneck : c.group); }
Change change_of(const std::string& option) {
  int by = std::stoi(option.substr(1));
  return option[0] == 'b' ? Change{1, by} : Change{by, 1};
}

struct Scored {
  Candidates all;
  std::shared_ptr<const ScoringNetwork> network;
  std::shared_ptr<ScoreData> data = std::make_shared<ScoreData>();

  Scored(const std::string& model, int batch, const std::string& images)
      : all(model_bytes(model), model, batch), network(std::make_shared<const ScoringNetwork>(all.network({}))) {
    data->minibatches = images.empty() ? noise_minibatches(*network, 24, 7) : minibatches(read_dataset(images), *network, 24, 7);
  }
  std::unique_ptr<SeededScores> scores(const Candidate& candidate) const {
    return std::make_unique<SeededScores>(std::make_shared<const ScoringNetwork>(all.network(candidate), ScoringOptions{}, network.get()), data);
  }
  // Layers of equal shapes share table entries.
  std::string class_of(const std::string& layer) const {
    for (const ScoredLayer& l : network->layers())
      if (l.name == layer) return text(l.channels, " ", l.fan_in, " ", l.macs);
    return layer;
  }
};
}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Runs the protocol on random candidates and judges rejects of its table as whole networks.", "table-rejects");
  std::string model = "resnet20-cifar", images, judges = "naswot,fisher:median";
  int candidates = 1000, batch = 16, rescored = 50, table = 150, whole = 30;
  app.add_option("--model", model, "as in reliability")->capture_default_str();
  app.add_option("--data", images, "labelled images; Gaussian noise when absent");
  app.add_option("--legality", judges, "without capacity, which would refuse some of them again")->capture_default_str();
  app.add_option("--candidates", candidates, "random candidates")->capture_default_str();
  app.add_option("--batch", batch, "images of a minibatch")->capture_default_str();
  app.add_option("--table", table, "most evaluations for the table")->capture_default_str();
  app.add_option("--whole", whole, "most evaluations of survivors")->capture_default_str();
  app.add_option("--rejects", rescored, "of the table, evenly spaced, judged whole")->capture_default_str();
  return run_command(app, argc, argv, [&] {
    Scored s(model, batch, images);
    std::unique_ptr<SeededScores> original = s.scores({});
    std::set<std::string> seen = {text(Candidate{})};
    uint64_t seed = 0;
    ProtocolHooks hooks;
    hooks.next = [&]() -> std::optional<ProtocolCandidate> {
      for (;;) {
        Candidate c = s.all.random(++seed);
        if (!seen.insert(text(c)).second) continue;
        ProtocolCandidate out;
        out.id = text(c);
        for (const auto& [layer, change] : c) out.choices.push_back({layer, s.class_of(layer), option_text(change)});
        out.latency = -static_cast<double>(c.size());
        return out;
      }
    };
    hooks.build = [&](const std::vector<LayerChoice>& choices) {
      Candidate c;
      for (const LayerChoice& x : choices) c[x.layer] = change_of(x.option);
      return s.scores(c);
    };
    hooks.progress = [](const std::string& line) { std::cout << line << std::endl; };
    ProtocolOptions options;
    options.judges = parse_legality(judges);
    options.candidates = candidates;
    options.table_evaluations = table;
    options.evaluations = whole;
    options.rescored = rescored;
    ProtocolReport report = run_protocol(*original, hooks, options);
    std::cout << text(report);
  });
}
