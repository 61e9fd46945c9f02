// Whether this thread rounds to nearest: PPL's initialisation would leave it rounding upward.
#pragma once

#include <cfenv>

namespace nasc {

// Both by the mode register and by what arithmetic does, in double and in float.
inline bool rounds_to_nearest() {
  volatile double one = 1, three = 3, tiny = 1e-30;
  volatile float one_f = 1, three_f = 3;
  return std::fegetround() == FE_TONEAREST && one + tiny == 1 && -one - tiny == -1 &&
         one / three == 0x1.5555555555555p-2 && -one / three == -0x1.5555555555555p-2 &&
         one_f / three_f == 0x1.555556p-2f;
}

} // namespace nasc
