// The same model on another batch size: what scoring networks and throughput runs start from.
#pragma once

#include "ir/graph.h"

namespace nasc {

// `graph` as read (before inference) with the first extent of every input of rank >= 2 set to `batch`, and constant
// targets of Reshape that begin with the old extent beginning with the new one. Inference has to follow.
// Throws UserError bad_shape when inputs disagree on a constant batch.
Graph with_batch(Graph graph, int64_t batch);

}  // namespace nasc
