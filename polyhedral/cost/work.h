// What a Program computes and moves, counted from its statements.
#pragma once

#include "ir/program.h"

namespace nasc {

struct Work {
  double operations = 0;   // of floating-point arithmetic; a fused multiply-add is two
  double read_bytes = 0;   // of bound tensors: each element that is read, once
  double write_bytes = 0;  // of bound tensors: each element that is written, once
  double bytes() const { return read_bytes + write_bytes; }
};
// Symbolic extents count as 8. A selection (ir/selection.h) reads what it selects.
Work work_of(const Program& program);

}  // namespace nasc
