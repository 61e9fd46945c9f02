// From a model file to scoring networks.
#include "tools/neural_scores.h"

#include "frontend/batch.h"
#include "frontend/lower.h"
#include "legality/agreement.h"
#include "legality/dataset.h"

namespace nasc {
namespace {
Network lowered(const std::string& model, const ImportOptions& options, int64_t batch) {
  Instances instances;
  ImportOptions quiet = options;
  quiet.warnings = nullptr;
  quiet.report = nullptr;
  return lower(import_graph(with_batch(read_onnx(model, quiet), batch), instances, quiet), instances);
}
}  // namespace

NeuralScores::NeuralScores(const std::string& model, const NeuralScoresOptions& options)
    : scoring_{.with_jacobian = options.with_jacobian},
      trained_(lowered(model, options.import, options.batch)),
      single_(mark_positions(lowered(model, options.import, 1))) {
  base_ = mark_positions(trained_);
  network_ = std::make_shared<const ScoringNetwork>(base_, scoring_);
  auto data = std::make_shared<ScoreData>();
  data->first_seed = options.seed;
  data->minibatches = options.data.empty() ? noise_minibatches(*network_, options.minibatches, options.seed)
                                           : minibatches(read_dataset(options.data), *network_, options.minibatches, options.seed);
  data_ = data;
  original_ = std::make_unique<SeededScores>(network_, data_, [this] {
    return std::make_shared<const ScoringNetwork>(single_, ScoringOptions{.measured = Measured::flow});
  });
}

Expected<Network> NeuralScores::rewritten(const Network& network, const std::vector<Step>& steps) const {
  Module module = textual_module(network, Target{});
  for (const Step& step : steps) {
    Expected<Module> next = apply(module, step);
    if (!next) return std::unexpected(next.error());
    module = std::move(*next);
  }
  return std::move(module.network);
}

Expected<std::unique_ptr<SeededScores>> NeuralScores::candidate(const std::vector<Step>& steps) const {
  Expected<Network> n = rewritten(base_, steps);
  if (!n) return std::unexpected(n.error());
  auto network = std::make_shared<const ScoringNetwork>(*n, scoring_, network_.get());
  return std::make_unique<SeededScores>(network, data_, [this, steps] {
    ScoringOptions flow{.measured = Measured::flow};
    ScoringNetwork original(single_, flow);
    return std::make_shared<const ScoringNetwork>(rewritten(single_, steps).value(), flow, &original);
  });
}

std::optional<Agreement> NeuralScores::agreement(const std::vector<Step>& steps, bool fit) const {
  if (!data_->real()) return std::nullopt;
  Expected<Network> n = rewritten(trained_, steps);
  if (!n) return std::nullopt;
  return fit ? best_agreement(trained_, *n, data_->minibatches) : compare_outputs(trained_, *n, data_->minibatches);
}

}  // namespace nasc
