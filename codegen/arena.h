// Where each buffer of a Network lives: caller memory, weights, or an offset in the arena found from lifetimes.
#pragma once

#include <vector>

#include "codegen/rounds.h"
#include "ir/network.h"

namespace nasc {

struct Placement {
  enum Kind { input, output, arena, weight, state } kind = arena;
  int index = 0;       // input or output number
  Extent offset = 0;   // bytes from the start of that memory; of weights and state too
  Extent bytes = 0;
  Extent slice = 0;  // bytes from one slice of a round to the next
};

struct ArenaPlan {
  std::vector<Placement> buffers;  // one per Network buffer; views have their root's
  Extent arena_bytes = 0, state_bytes = 0;
  int64_t weight_bytes = 0;
};

// Buffers whose live ranges (first write to last read, in call order) do not meet share memory. A buffer with a halo
// shares only with buffers of the same physical shape, so that its zero border, set once, survives. Every
// offset is a multiple of 64 when sizes are constant; symbolic sizes are rounded up to 64.
// scratch[c]: further buffers that call c alone writes and reads. Buffers that only one span of rounds touches hold the
// slices of one round; the others live as long as every span that touches them.
ArenaPlan plan_arena(const Network& network, const std::vector<std::vector<int>>& scratch = {},
                     const Rounds& rounds = {});

}  // namespace nasc
