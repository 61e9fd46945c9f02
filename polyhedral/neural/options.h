// What may be done to the convolutions of a Network: options generated from their extents.
#pragma once

#include <string>
#include <vector>

#include "polyhedral/neural/form.h"
#include "polyhedral/module.h"
#include "polyhedral/plan.h"

namespace nasc {

// A convolution that neural steps can name.
struct NeuralLayer {
  std::string name;  // for `layer=`
  int call = 0;
  ConvForm form;
};
// Convolutions with constant weights, in the order of the calls.
std::vector<NeuralLayer> neural_layers(const Network& network);

struct OptionLimits {
  int64_t most_groups = 16;      // depthwise apart
  int64_t most_parts = 8;        // of split_domain
  std::vector<int64_t> factors = {2, 4, 8, 16};
  bool loops = false;            // strips, interchanges and ties, too
};
// Every single step on the layer that is accepted, in a fixed order; channel ties are looked at once. All of them apply.
std::vector<Step> legal_options(const Network& network, const std::string& layer, const OptionLimits& limits = {});
// The same without the steps that drop output channels: only the form is needed.
std::vector<Step> local_options(const ConvForm& form, const std::string& layer, const OptionLimits& limits = {});
// Factors by which the outputs of the call may be divided (bottleneck on co), of those given.
std::vector<int64_t> output_factors(const Network& network, int call, const std::vector<int64_t>& factors);

}  // namespace nasc
