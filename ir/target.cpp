// Rates and text of a Target.
#include "ir/target.h"

#include "ir/diag.h"

namespace nasc {
double Target::read_rate(double bytes) const {
  constexpr double kShare = 0.6;  // of a cache: other things pass through it
  if (bytes <= static_cast<double>(l2_bytes) * kShare) return l2_rate;
  return bytes <= static_cast<double>(l3_bytes) * kShare ? l3_rate : memory_rate;
}

std::string Target::text() const {
  return nasc::text(triple, "/", cpu, " ", vector_bits, "x", vector_registers, " cores ", cores, " cache ", l1_bytes,
                    "/", l2_bytes, "/", l3_bytes);
}
}  // namespace nasc
