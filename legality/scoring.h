// Scoring networks: a Network on a minibatch, made trainable in form (batch statistics, fresh weights, a loss) with the
// adjoints that scores need. Paper: section on Fisher Potential; Theis et al. 2018 for the formula.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "ir/prepared.h"

namespace nasc {

// A call that multiplies by trained weights: convolution, Gemm, or what a neural transformation made of one.
struct ScoredLayer {
  std::string name;      // of the call: an ONNX node, the same in the original and in a candidate
  bool spatial = false;  // rank >= 3: a convolution
  int64_t channels = 0, macs = 0, parameters = 0, fan_in = 0;
};

// A weight tensor that a seed fills.
struct ScoredWeight {
  int buffer = 0;
  std::string layer;
  std::vector<int64_t> shape;
  int64_t fan_in = 0, fan_out = 0;   // fan_out: kernel extents times output channels, whatever the groups
  std::vector<int32_t> elements;     // positions in the draw of the layer's original weight; empty: a draw of its own
  std::vector<int64_t> drawn_shape;  // of the draw
};

enum class Init { he_normal, kaiming_uniform };
// fisher: train mode, cross entropy. flow: absolute weights, no normalization, the sum of the logits for an image of ones.
enum class Measured { fisher, flow };
struct ScoringOptions {
  Measured measured = Measured::fisher;
  bool unit_norm = true;     // unit BatchNormalization behind each convolution that has none
  bool own_weights = false;    // the network's own, trained weights and biases: nothing is drawn (score_trained)
  bool with_jacobian = false;  // also the gradient of the summed logits at the image, for jacov
  Init init = Init::he_normal;
};

// What one network gives for one seed.
struct Scores {
  double loss = 0;
  // Per layer: sum over channels of N/2 * sum over n of (sum of A*g)^2, g of the mean loss; the sum of A*g when the flow is
  // measured, which is that of |w| dR/d|w| over the layer's weights.
  std::vector<double> fisher;
  double naswot = 0;           // log |det| of the kernel of activation codes; 0 without rectifiers
  double jacov = 0;            // only with_jacobian
  double total() const;
};

struct Minibatch {
  HostTensor images;  // [N, ...]
  HostTensor labels;  // one-hot [N, classes]
  bool real = false;  // false: Gaussian images and uniform labels, to be trusted little
  std::string source;
};

class ScoringNetwork {
 public:
  // `base`: one input of rank >= 2 whose first extent is the batch, one output with logits [N, classes, 1..] or their
  // Softmax, all of f32. With `original`, `base` is a rewrite of mark_positions() of the network that `original` was made
  // from: payloads of weights say which part of the original's draw they are. Throws UserError unsupported_* naming what
  // does not fit.
  explicit ScoringNetwork(const Network& base, const ScoringOptions& options = {}, const ScoringNetwork* original = nullptr);

  const std::vector<ScoredLayer>& layers() const { return layers_; }
  const std::vector<ScoredWeight>& weights() const { return weights_; }
  int64_t batch() const { return batch_; }
  int64_t classes() const { return classes_; }
  std::vector<int64_t> image_shape() const;
  int64_t macs() const;        // per image
  int64_t parameters() const;  // of layers

  // Weights from hash(seed, layer).
  Scores score(uint64_t seed, const Minibatch& data) const;
  Scores score_trained(const Minibatch& data) const;
  Scores flow(uint64_t seed) const;  // of a network made for Measured::flow
  // Given weights, by position in weights().
  Scores score_with(const std::vector<const HostTensor*>& weights, const Minibatch& data) const;
  const Network& network() const { return *network_; }  // with all that was added
  Prepared& prepared() { return *prepared_; }
  bool any_thread() const { return prepared_->any_thread(); }  // score() may be called in several threads at once

 private:
  Scores scores_of(const std::map<int, const HostTensor*>& bound) const;
  std::unique_ptr<Network> network_;
  std::unique_ptr<Prepared> prepared_;
  std::vector<ScoredLayer> layers_;
  std::vector<ScoredWeight> weights_;
  std::vector<int64_t> rectified_;  // features per rectifier
  ScoringOptions options_;
  int64_t batch_ = 0, classes_ = 0;
  int image_ = 0, labels_ = -1, seed_ = -1;
};

// The Network with weights that hold their own positions, 0, 1, 2, ..: what neural transformations keep or slice can be
// told from what they make anew.
Network mark_positions(Network base);

// The draw of a layer: normal of deviation sqrt(2 / fan_out), or uniform in +-1/sqrt(fan_in). The same on all machines;
// remembered for all threads up to 256 MiB.
std::shared_ptr<const HostTensor> drawn_weight(Init init, uint64_t seed, const std::string& layer, const std::vector<int64_t>& shape,
                                               int64_t fan_in, int64_t fan_out);

}  // namespace nasc
