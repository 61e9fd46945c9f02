// Channel ties: which indices of which tensors have to go when a convolution stops writing some of its channels.
#pragma once

#include <map>
#include <vector>

#include "polyhedral/module.h"
#include "polyhedral/neural/form.h"

namespace nasc {

using Kept = std::vector<bool>;  // per index of one dimension of a tensor: does it stay

// All changes outside of the convolution itself, found by a fixpoint over plain indices: an iterator that loses a value
// takes it from every index it is, a tensor that loses an index takes it from every iterator that reaches it. Constants
// lose theirs per call, views by their place in memory.
struct ChannelCut {
  std::map<std::pair<int, int>, Kept> buffers;                      // (buffer, dimension)
  std::map<int, std::vector<std::map<int, Kept>>> calls;            // per call and statement: iterator -> values
  std::map<int, ConvForm> forms;                                    // consumers in groups, rewritten
};

// Refusals: pinned (an input or output of the Network would change), tied-channels (another convolution writes the
// same channels, as before an Add), grouped-consumer (groups or strips of a consumer do not divide), coupled-channels
// (an index is no plain iterator), reshaped (a view mixes the channels with others), reduced (channels are summed or
// compared without weights).
Expected<ChannelCut> cut_channels(const Network& network, int call, const Kept& kept);

// Rewrites every call of the cut: buffers and views shrink, constants are sliced into new ones. The convolution's own
// call is left to the caller, its output buffer apart.
void apply_cut(Module& module, const ChannelCut& cut);

// The elements of a row-major constant of `shape` whose index in `dim` is kept; nothing for a payload that is absent.
Payload sliced(const Payload& payload, const std::vector<int64_t>& shape, size_t element_bytes, size_t dim,
               const Kept& kept);

}  // namespace nasc
