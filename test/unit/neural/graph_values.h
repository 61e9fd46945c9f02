// The values of small Graphs in double, computed by the definitions of ONNX alone: a second opinion on what is exported.
#pragma once

#include <vector>

#include "ir/graph.h"

namespace nasc::test {

// The first output of a Graph of Conv, Slice, Gather, Resize (nearest, whole factors) and Concat nodes on one image
// batch [N, C, H, W]. Throws InternalError on anything else.
std::vector<double> graph_values(const Graph& graph, const std::vector<int64_t>& shape, const std::vector<double>& image);

}  // namespace nasc::test
