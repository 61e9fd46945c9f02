// The benchmark networks and their tiny cousins, by name.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace nasc {

struct ZooOptions {
  uint64_t seed = 1;
  bool fold_bn = true;
  std::string batch = {};  // zoo_model: name of a symbolic batch extent; empty: a batch of 1
};

struct ZooModel {
  const char* name;
  std::string (*make)(const ZooOptions& options);  // the serialized model
};

// All networks, full-size ones first; names of tiny ones begin with "tiny-".
const std::vector<ZooModel>& zoo_models();

// The same model for any batch: the first extent of inputs and outputs becomes the parameter `name`, and Reshapes keep it.
std::string with_symbolic_batch(const std::string& model, const std::string& name);

// The serialized ONNX model; throws UserError for a name that is not in the zoo.
std::string zoo_model(const std::string& name, const ZooOptions& options = {});

}  // namespace nasc
