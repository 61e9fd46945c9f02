// Dna: the decisions of one point of a Space, in pre-order, and nothing else.
#pragma once

#include <functional>
#include <optional>

#include "polyhedral/search/rng.h"
#include "polyhedral/search/space.h"

namespace nasc {

// Per node its numbers, then what lies below each slot. Text nests: `[(0,[0,1]),0]` has a decision
// per root; `(index, decisions below...)` for a candidate with choices, `[...]` for manyof,
// permute.
struct Dna {
  std::vector<double> values;
  bool operator==(const Dna&) const = default;
  uint64_t hash() const;
};

std::string text(const Space& space, const Dna& dna); // dna is valid
// Throws UserError bad_text `where:COLUMN` when the text is no point of this space.
Dna parse_dna(const Space& space, const std::string& text, const std::string& where = "dna");
// Why dna is no point of the space; nothing when it is one.
std::optional<std::string> invalid(const Space& space, const Dna& dna);
// Sorts what the space calls sorted. Equal points have equal canonical Dnas.
Dna canonical(const Space& space, const Dna& dna);

// The active nodes in pre-order; values[at, at + arity) are a node's own, [at, end) with all below.
struct Site {
  int node;
  size_t at, end;
};
std::vector<Site> sites(const Space& space, const Dna& dna);

// --- drawing: uniform over a node's values (on its scale), sets by drawing and sorting.
Dna sampled(const Space& space, Rng& rng);
void draw(const SpaceNode& node, Rng& rng, std::vector<double>& values); // a node's own numbers
// Another point: a group that has a choice, then one of its active nodes, each uniformly; the node
// is redrawn until it differs, and all below it anew.
Dna mutated(const Space& space, const Dna& dna, Rng& rng);
// All points that differ in one number of one node (ranges: the two next values on `steps` values);
// what lies below a changed candidate is that of `rng`.
std::vector<Dna> neighbours(const Space& space, const Dna& dna, Rng& rng, int steps = 16);
// Each decision from one of both, by fair coins, where both have it; else the first's.
Dna crossed(const Space& space, const Dna& first, const Dna& second, Rng& rng);
// The first point, and the next in lexicographic order; ranges take `steps` values.
Dna first_dna(const Space& space, int steps = 16);
bool advance(const Space& space, Dna& dna, int steps = 16);

// The values a range takes when it is cut in `steps`, in order (all of an intv that has no more).
std::vector<double> range_values(const Choice& choice, int steps);

// A range's value as its fraction of the range on its scale, and back (rounded for intv).
double to_unit(const Choice& choice, double x);
double from_unit(const Choice& choice, double u);

// Walks the active nodes: `decide(node id, values)` appends the node's numbers to values.
using Decider = std::function<void(int, std::vector<double>&)>;
Dna walked(const Space& space, const Decider& decide);
void walk_below(const Space& space, int node, std::vector<double>& values, const Decider& decide);
// Nodes below `node` for a slot's number.
const std::vector<int>& below(const SpaceNode& node, size_t slot, double value);

} // namespace nasc
