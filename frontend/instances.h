// Instances of operators, shared between nodes that are equal: a network repeats its layers.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>

#include "frontend/op.h"

namespace nasc {

class Instances {
 public:
  // instantiate(), remembered by operator, attributes, and the types, shapes and known values of the inputs.
  std::shared_ptr<const Instance> get(const Graph& graph, const Node& node);

 private:
  std::unordered_map<std::string, std::shared_ptr<const Instance>> known_;
};

// Text of everything that the meaning of a node depends on, its inputs given by `name_of`. Empty when it has a body.
std::string node_key(const Node& node, const std::function<std::string(ValueId)>& name_of);

}  // namespace nasc
