// The values array of a compiled model: symbolic parameters and everything derived from them.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "ir/network.h"

namespace nasc {

// values[0 .. parameters) are read from dimensions of the graph inputs, the rest is computed by the emitted evaluate
// function. Derived extents are found by the name isl knows them under (isl_text), or by their own text.
class ValueTable {
 public:
  struct Parameter {
    std::string name;
    int input, dim;
  };
  // Throws UserError unsupported_shape when a parameter used anywhere is not an extent of some graph input.
  explicit ValueTable(const Network& network);

  int add(const Extent& extent);  // index of its value; checked: not constant
  const std::vector<Parameter>& parameters() const { return parameters_; }
  int size() const { return static_cast<int>(parameters_.size() + derived_.size()); }
  const std::map<std::string, int>& index() const { return index_; }
  // LLVM IR of `define internal i32 @nasc_evaluate(ptr %values)`; empty when nothing is derived.
  std::string evaluate_ir() const;

 private:
  std::vector<Parameter> parameters_;
  std::vector<Extent> derived_;
  std::map<std::string, int> index_;
};

}  // namespace nasc
