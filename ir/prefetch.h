// Prefetches: statements that only name elements which will be needed soon.
#pragma once

#include "ir/program.h"

namespace nasc {

// `select(false, T[..], 0)`: the read's value never matters, so its element may lie outside of the
// tensor, and code generation asks the caches for its line. Whatever executes statements may leave
// such a statement out.
ExprRef prefetch_body(DType dtype);
bool is_prefetch(const Statement& statement);
// The reads that a value depends on: none of a prefetch.
const std::vector<Access>& value_reads(const Statement& statement);

} // namespace nasc
