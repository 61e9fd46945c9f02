// Text of a Target.
#include "ir/target.h"

#include "ir/diag.h"

namespace nasc {
std::string Target::text() const {
  return nasc::text(triple, "/", cpu, " ", vector_bits, "x", vector_registers, " cores ", cores, " cache ", l1_bytes,
                    "/", l2_bytes, "/", l3_bytes);
}
}  // namespace nasc
