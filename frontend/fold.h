// Values known before anything runs: constants by interpretation, integer contents symbolically.
#pragma once

#include "frontend/infer.h"

namespace nasc {

struct FoldBudget {
  int64_t bytes = 0, steps = 0;  // spent
};

// Sets constants and contents of the node's outputs where they follow from those of its inputs. True when that gives
// all outputs, so that the node is not needed.
bool fold_node(Graph& graph, const Node& node, const Instance& instance, const InferOptions& options, FoldBudget& budget);

// Integer elements as extents; nothing when it is no integer constant of at most 4096 elements.
std::optional<std::vector<Extent>> content_of(const Value& value);

}  // namespace nasc
