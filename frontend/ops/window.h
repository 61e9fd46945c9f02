// Lines that convolutions and pools share: padding and output extents of a sliding window K over the extents I.
#pragma once

#include <string>

namespace nasc {
// Needs I and K; gives strides, dilations, head and tail (padding per side) and span (dilated kernel).
inline const std::string kWindow = R"(
  let r = len(I)
  attr auto_pad: string = "NOTSET"
  attr strides: ints[r] = 1
  attr dilations: ints[r] = 1
  attr pads: ints[2*r] = 0
  need auto_pad in ["NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID"]
  need strides >= 1
  need dilations >= 1
  need pads >= 0
  let span = (K - 1)*dilations + 1
  let same = max(0, (ceil_div(I, strides) - 1)*strides + span - I)
  let head = auto_pad == "SAME_UPPER" ? same/2 : auto_pad == "SAME_LOWER" ? same - same/2
    : auto_pad == "VALID" ? fill(r, 0) : pads[:r]
  let tail = auto_pad == "SAME_UPPER" ? same - same/2 : auto_pad == "SAME_LOWER" ? same/2
    : auto_pad == "VALID" ? fill(r, 0) : pads[r:]
)";
}  // namespace nasc
