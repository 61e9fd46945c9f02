// Dependences of a Program: which statement instances must keep their order.
#pragma once

#include "ir/program.h"

namespace nasc {

// Relations { S[i..] -> T[j..] }, S[i] before T[j] in textual order, on logical elements: layouts
// play no part. Value based: pairs that other pairs imply by transitivity are left out, and a write
// that combines counts as a read: pairs that end in it are in `flow` alone. Temp tensors take part
// like all others. The order of the instances of an order-free statement among themselves is free:
// these pairs are only in `reduction`.
struct Dependences {
  isl::union_map flow, anti, output;
  isl::union_map
      reduction; // { S[i..] -> S[j..] } into the same element, i = j included; S order-free

  isl::union_map ordered() const; // flow, anti and output: what a schedule must respect
  isl::union_map all() const;     // with reduction: what a parallel loop must not carry
};

// A reduction whose instances may run in any order: reassociable, and it sees its tensor only
// through the combine (a statement that also reads it, `y[i] += y[i - 1]`, is ordered like any
// other).
bool is_order_free(const Statement& statement);

// By isl's dataflow analysis. Order-free writes do not end the life of a value, so that an
// initialisation precedes every instance of the reduction, and all of these precede whatever reads
// or overwrites the result. Refusal: isl-quota.
Expected<Dependences> dependences(const Program& program);

// Every pair that touches the same element, at least one writing, first before second in textual
// order, without the free pairs: no value analysis, a superset of ordered() with the same
// transitive closure. Refusal: isl-quota.
Expected<isl::union_map> conflicts(const Program& program);
// Dependences::reduction alone.
isl::union_map reduction_pairs(const Program& program);

} // namespace nasc
