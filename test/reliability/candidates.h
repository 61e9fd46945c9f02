// Grouped and narrowed versions of a network, made on the Graph: what the reliability of judges is measured on.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "ir/network.h"

namespace nasc {

// One change of one convolution: `group` by 2, 4, 8, or `bottleneck`: its output channels divided, with the input channels
// of its reader.
struct Change {
  int group = 1, bottleneck = 1;
};
using Candidate = std::map<std::string, Change>;  // by layer name
std::string text(const Candidate& candidate);     // `conv_5:g4 conv_8:b2`

// The serialized model of resnet20-cifar, resnet34-quarter, a network of the zoo, or FILE.onnx.
std::string model_bytes(const std::string& name);

class Candidates {
 public:
  // The serialized model on a batch; without `positions` weights are the model's own, kept or sliced.
  Candidates(const std::string& model, const std::string& name, int64_t batch, bool positions = true);
  // Convolutions that may be grouped, and those that may be narrowed too (read by one convolution alone).
  const std::vector<std::string>& layers() const { return layers_; }
  bool narrows(const std::string& layer) const;
  // Divides both channels of the layer (after its own bottleneck).
  bool groups(const std::string& layer, int by) const;

  Candidate random(uint64_t seed) const;
  // Its Network with weights that hold their positions in the original; the original itself for {}.
  Network network(const Candidate& candidate) const;

 private:
  struct Data;
  std::shared_ptr<const Data> data_;
  std::vector<std::string> layers_;
};

}  // namespace nasc
