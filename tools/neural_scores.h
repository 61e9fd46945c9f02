// Scores of neural candidates of a model file: the scoring networks of the model and of its neural steps.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "frontend/import.h"
#include "legality/scores.h"
#include "polyhedral/transformation.h"

namespace nasc {

struct NeuralScoresOptions {
  int batch = 16;
  int minibatches = 24;
  std::string data;  // as read_dataset; empty: Gaussian noise
  uint64_t seed = 1;
  bool with_jacobian = false;  // for the judge jacov
  ImportOptions import;        // as the model is compiled with, so that layers have the same names
};

class NeuralScores {
 public:
  // Throws UserError when the model cannot be scored.
  NeuralScores(const std::string& model, const NeuralScoresOptions& options);

  SeededScores& original() { return *original_; }
  const Network& base() const { return base_; }  // on the batch, its weights holding their positions
  // The network after these steps of a plan's network section, drawn and paired with the original.
  Expected<std::unique_ptr<SeededScores>> candidate(const std::vector<Step>& steps) const;

  // Agreement of classes of the model with its weights kept or sliced, and perhaps fitted, on minibatches of the data;
  // nothing without data.
  std::optional<Agreement> agreement(const std::vector<Step>& steps, bool fit = true) const;

 private:
  Expected<Network> rewritten(const Network& network, const std::vector<Step>& steps) const;
  ScoringOptions scoring_;
  Network base_, trained_, single_;  // positions; the model's own weights; positions on a batch of 1
  std::shared_ptr<const ScoreData> data_;
  std::shared_ptr<const ScoringNetwork> network_, flow_;
  std::unique_ptr<SeededScores> original_;
};

}  // namespace nasc
