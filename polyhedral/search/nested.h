// Nested search: an outer loop takes the points that are not `inner`, an inner loop the rest.
#pragma once

#include "polyhedral/search/dna.h"

namespace nasc {

// Without the inner nodes. Nodes keep their paths, groups and order.
Space outer_space(const Space& space);
// The inner nodes that exist under these outer decisions, of one group, or of all (-1); all are
// roots. May be without nodes.
Space inner_space(const Space& space, const Dna& outer, int group = -1);
// The whole point; `inner` is of inner_space(space, outer).
Dna joined(const Space& space, const Dna& outer, const Dna& inner);
// Its outer and inner parts again.
std::pair<Dna, Dna> parted(const Space& space, const Dna& whole);

} // namespace nasc
