// GraphPatch: what a rewritten Network means for the Graph that it was lowered from, as plain data.
#pragma once

#include <array>
#include <map>
#include <string>
#include <vector>

#include "ir/graph.h"

namespace nasc {

// One Conv in the place of a part of another: which channels, rows and columns of its image it reads, and where its
// result belongs.
struct PatchConv {
  int64_t groups = 1;
  std::vector<int64_t> channels;                            // of the image; empty: all of them, in order
  std::array<int64_t, 2> first{}, last{};                   // rows, columns that are read: first <= i < last
  std::array<int64_t, 2> before{}, after{};                 // zeros around them
  std::array<int64_t, 2> stride{1, 1}, dilation{1, 1}, repeat{1, 1};
  std::array<int64_t, 3> at{}, extent{};                    // channel, row, column of the result, after repetition
  Constant weights;
  std::optional<Constant> bias;
};

// Values are named as in Graph::values, which Buffers of a lowered Network are named after.
struct GraphPatch {
  struct Layer {
    std::string value;  // what the Conv gives
    std::vector<PatchConv> parts;
  };
  struct Operand {
    std::string value;     // what the node gives
    std::string constant;  // that it reads
    Constant now;
  };
  std::vector<Layer> layers;
  std::vector<Operand> operands;
  std::map<std::string, Shape> shapes;  // that changed
};

}  // namespace nasc
