// Integer division towards minus infinity.
#pragma once

#include <cstdint>

namespace nasc {

// b is not 0, and the quotient fits.
inline int64_t floor_div(int64_t a, int64_t b) { return a / b - (a % b != 0 && (a < 0) != (b < 0)); }

}  // namespace nasc
