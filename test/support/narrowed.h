// Results of the executor in double precision, as the type of what they are compared with.
#pragma once

#include "ir/host_tensor.h"

namespace nasc {

inline HostTensor narrowed(const HostTensor& wide, DType type) {
  HostTensor out = zeros(type, wide.shape);
  for (int64_t i = 0; i < out.count(); ++i)
    set(out, i, get(wide, i));
  return out;
}

} // namespace nasc
