// The second engine: the order question proved again by PPL, without isl's dependence analysis or
// emptiness tests.
#pragma once

#include "legality/integer_system.h"
#include "legality/verdict.h"
#include "polyhedral/module.h"

namespace nasc {

// What is proved here on its own: from isl come only the matrices of domains, accesses and
// schedule. Conflicting pairs are enumerated as memory sees them (the same element, at least one
// write, textual order, order-free reductions exempt among themselves: is_order_free), and for each
// the system "and the schedule does not order them" is shown to have no integer point, or an
// integer point is found that satisfies every constraint as first written. Memory-based pairs are a
// superset of isl's value-based ones with the same transitive closure (a write that ends a life is
// ordered with both ends, and so are the instances between), hence for total orders, and for loops
// of schedules whose order is right, both notions give the same answer; no case falls back on the
// flow relation. Parameters are integers >= 0. Undecided when the work exceeds ppl_quota(), or a
// coefficient leaves 64 bits. Systems are simplified first (IntegerSystem, exact); `simplify` =
// false hands PPL each one as it was written, which takes longer and lets a test tell the two
// apart.
Verdict judge_order_by_ppl(const Kernel& kernel, bool simplify = true);

// Work of one judgement: PPL's deterministic weight plus the rows handled; 1 gives up at once.
void set_ppl_quota(uint64_t weight);
uint64_t ppl_quota();

enum class Emptiness { empty, point, gave_up };
struct IntegerAnswer {
  Emptiness emptiness = Emptiness::gave_up;
  std::vector<int64_t> point; // values of all variables of the system
};
// Takes from `weight`. Rounding is to nearest before and after, whatever happens.
IntegerAnswer ppl_integer_point(IntegerSystem system, uint64_t& weight, bool simplify = true);

// Tests: called inside each entry while PPL's rounding mode is set.
void set_ppl_probe_for_tests(void (*probe)());

} // namespace nasc
