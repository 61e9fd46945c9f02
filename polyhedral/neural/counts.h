// Multiply-accumulates and parameters of the convolutions and matrix products of a Network.
#pragma once

#include <string>
#include <vector>

#include "ir/network.h"

namespace nasc {

// One call that sums products with a constant. Taps that fall into padding count, as is usual; an extent that is
// symbolic counts as one, so a symbolic batch gives the figures of one image.
struct LayerCounts {
  int call = 0;
  std::string name, origin;  // of the call; ONNX operator
  int64_t macs = 0, parameters = 0;
};
// In the order of the calls. Weights that several calls share count for the first of them.
std::vector<LayerCounts> count_layers(const Network& network);

// Parameters: the elements of all floating constants that calls read, those of normalisations included.
struct NetworkCounts {
  int64_t macs = 0, parameters = 0;
};
NetworkCounts count_network(const Network& network);

// Of one Program: points of the boxes of its sums of products.
int64_t count_macs(const Program& program);

}  // namespace nasc
