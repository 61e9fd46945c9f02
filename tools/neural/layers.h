// The convolutions of a model as layers of search spaces.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "ir/network.h"
#include "polyhedral/neural/channels.h"
#include "polyhedral/neural/options.h"

namespace nasc {

// What other layers read less when one writes less.
struct LayerCut {
  std::map<size_t, Kept> inputs;      // by layer: channels of its image that stay
  std::map<size_t, ConvForm> grouped; // by layer: its form, where groups had to be rewritten
};

struct LayerTable {
  explicit LayerTable(const Network& network);
  const Network& network;
  std::vector<NeuralLayer> layers;
  std::vector<int> images;    // by layer: buffer that it reads
  std::vector<size_t> equals; // by layer: the first layer of the same form
  int64_t other_macs = 0, other_parameters = 0; // of what is no convolution

  size_t index(const std::string& name) const; // throws UserError bad_text
  // What follows from the layer writing only these channels; a refusal of the channel ties.
  const Expected<LayerCut>& cut(size_t layer, const std::vector<int64_t>& kept);

private:
  std::map<std::pair<size_t, std::vector<int64_t>>, Expected<LayerCut>> cuts_;
};

// The form of a convolution that reads fewer channels. Refusal: composed-cuts (it is no plain convolution).
Expected<ConvForm> narrowed_input(const ConvForm& form, int64_t channels);

} // namespace nasc
