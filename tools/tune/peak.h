// What this machine's arithmetic reaches, as a yardstick.
#pragma once

#include "ir/target.h"

namespace nasc {

// Operations per second of one core on independent vector multiply-adds in registers. Takes some 20 ms.
double measured_peak(const Target& target);

} // namespace nasc
