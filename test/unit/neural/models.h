// Networks for tests of neural steps.
#pragma once

#include <initializer_list>
#include <string>
#include <vector>

#include "ir/graph.h"
#include "ir/host_tensor.h"
#include "polyhedral/neural/form.h"
#include "polyhedral/transformation.h"

namespace nasc::test {

struct OneConv {
  int64_t images = 1, channels = 64, outputs = 64, rows = 4, columns = 4, kernel = 3, stride = 1, pad = 1, groups = 1;
  bool bias = true;
};
// One Conv named "conv" from "image" to the output, with seeded weights; as an ONNX model and as a Module.
std::string one_conv_model(const OneConv& conv);
Module one_conv(const OneConv& conv);

Graph graph_of(const std::string& model_bytes);
Module module_of(const Graph& graph);
Module zoo_module(const std::string& name);

// All steps in order; the refusal of the first that refuses.
Expected<Module> with_steps(Module module, const std::vector<std::string>& steps);
// with_steps, checked.
Module after(Module module, const std::vector<std::string>& steps);
Expected<ConvForm> form_after(ConvForm form, const std::vector<std::string>& steps);
ConvForm form_of(const Module& module, const std::string& layer = "conv");

HostTensor noise(const std::vector<int64_t>& shape, uint64_t seed);
std::vector<double> run(const Network& network, uint64_t seed = 1);
// max |a - b| / max |b|
double distance(const std::vector<double>& a, const std::vector<double>& b);

}  // namespace nasc::test
