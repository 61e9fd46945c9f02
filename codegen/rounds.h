// Rounds: spans of calls that run for a few slices of a symbolic batch at a time, so that what one
// call hands to the next is still in the cache, and its memory is that of a few images whatever the
// batch.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "ir/network.h"
#include "ir/target.h"

namespace nasc {

struct Rounds {
  struct Span {
    int first, last; // calls, both inside
  };
  std::string parameter; // of the graph inputs; empty: no rounds
  int64_t slices = 0;    // per round: floor(L1 / bytes that the largest call of a span touches per
                         // slice), at least 1
  std::vector<Span> spans; // disjoint, in call order

  const Span* span_of(int call) const;
};

// Calls join a span when their Programs are slices along the parameter (polyhedral/slices.h), their
// buffers lie slice behind slice, and reading their weights again in each round costs less than
// sending their tensors through memory.
Rounds plan_rounds(const Network& network, const Target& target);

// Bytes from one slice of the buffer to the next, 0 when it does not grow with the parameter;
// nullopt when its slices are not contiguous.
std::optional<Extent> slice_bytes(const Tensor& buffer, const std::string& parameter);

// The extent with the parameter bounded by the slices of one round.
Extent in_a_round(const Extent& extent, const Rounds& rounds);

} // namespace nasc
