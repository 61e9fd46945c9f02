// Pooling of any rank.
#include "frontend/op.h"
#include "frontend/ops/window.h"

namespace nasc {
namespace {

// The last window of ceil_mode has to start inside the input or its head padding.
const std::string kPoolShape = R"(
  attr kernel_shape: ints[len(I)]
  need kernel_shape >= 1
  let K = kernel_shape
  attr ceil_mode: int = 0
)" + kWindow + R"(
  need I + head + tail >= span
  let room = I + head + tail - span
  let up = ceil_div(room, strides) + 1
  let late = (up - 1)*strides >= I + head
  let O = ceil_mode == 0 or auto_pad == "VALID" ? room/strides + 1
    : [late[k] ? up[k] - 1 : up[k] for k in range(r)]
)";

const Registered<OpDef> max_pool{{"MaxPool", 1, R"(
  type T: f16 f32 f64 i8 u8
  in X[N, C, I..]: T
  attr storage_order: int = 0
)" + kPoolShape + R"(
  out Y[N, C, O..]: T, J[N, C, O..]?: i64
  Y[n, c, o..] = lowest(T)
  Y[n, c, o..] max= X[n, c, o*strides + k*dilations - head] for k.. in K
  if present(J) {
    # the first position of the maximum, counted over the whole tensor
    let w = storage_order == 0 ? [product(I[d + 1:]) for d in range(r)] : [product(I[:d]) for d in range(r)]
    let none_yet = N*C*product(I)
    J[n, c, o..] = none_yet
    J[n, c, o..] min= select(X[n, c, o*strides + k*dilations - head] == Y[n, c, o],
      cast(i64, sum((o*strides + k*dilations - head)*w) + (n*C + c)*product(I)), none_yet) for k.. in K
  }
)"}};

const Registered<OpDef> average_pool{{"AveragePool", 1, R"(
  type T: float
  in X[N, C, I..]: T
  attr count_include_pad: int = 0
)" + kPoolShape + R"(
  out Y[N, C, O..]: T
  let A = accumulator(T)
  tmp S[N, C, O..]: A
  S[n, c, o..] = 0
  S[n, c, o..] += X[n, c, o*strides + k*dilations - head] for k.. in K
  # every window whole: a constant count; else per dimension the taps inside (of the padded input)
  let padded = count_include_pad == 0 ? I : I + head + tail
  let shift = count_include_pad == 0 ? head : fill(r, 0)
  if (count_include_pad != 0 or surely(head ++ tail == 0)) and surely((O - 1)*strides + span <= padded) {
    Y[n, c, o..] = S[n, c, o] / product(K)
  } else {
    let up_to = dilations - 1
    let end = padded + shift
    Y[n, c, o..] = S[n, c, o] / cast(A, product(min(K, (max(end - o*strides, 0) + up_to)/dilations) - (max(shift - o*strides, 0) + up_to)/dilations))
  }
)"}};

const Registered<OpDef> lp_pool{{"LpPool", 2, R"(
  type T: float
  in X[N, C, I..]: T
  attr p: int = 2
  need p >= 1
)" + kPoolShape + R"(
  out Y[N, C, O..]: T
  tmp S[N, C, O..]: accumulator(T)
  S[n, c, o..] = 0
  S[n, c, o..] += p == 1 ? abs(X[n, c, o*strides + k*dilations - head])
    : p == 2 ? X[n, c, o*strides + k*dilations - head] * X[n, c, o*strides + k*dilations - head]
    : pow(abs(X[n, c, o*strides + k*dilations - head]), p) for k.. in K
  Y[n, c, o..] = p == 1 ? S[n, c, o] : p == 2 ? sqrt(S[n, c, o]) : pow(S[n, c, o], 1.0/p)
)"}};

const Registered<OpDef> global_average_pool{{"GlobalAveragePool", 1, R"(
  type T: float
  in X[N, C, I..]: T
  out Y[N, C, fill(len(I), 1)]: T
  tmp S[N, C, fill(len(I), 1)]: accumulator(T)
  S[n, c, o..] = 0
  S[n, c, o..] += X[n, c, k..]
  Y[n, c, o..] = S[n, c, o] / product(I)
)"}};

const Registered<OpDef> global_max_pool{{"GlobalMaxPool", 1, R"(
  type T: float
  in X[N, C, I..]: T
  out Y[N, C, fill(len(I), 1)]: T
  Y[n, c, o..] = lowest(T)
  Y[n, c, o..] max= X[n, c, k..]
)"}};

const Registered<OpDef> global_lp_pool{{"GlobalLpPool", 1, R"(
  type T: float
  in X[N, C, I..]: T
  attr p: int = 2
  need p >= 1
  out Y[N, C, fill(len(I), 1)]: T
  tmp S[N, C, fill(len(I), 1)]: accumulator(T)
  S[n, c, o..] = 0
  S[n, c, o..] += p == 1 ? abs(X[n, c, k..]) : p == 2 ? X[n, c, k..] * X[n, c, k..] : pow(abs(X[n, c, k..]), p)
  Y[n, c, o..] = p == 1 ? S[n, c, o] : p == 2 ? sqrt(S[n, c, o]) : pow(S[n, c, o], 1.0/p)
)"}};

}  // namespace
}  // namespace nasc
