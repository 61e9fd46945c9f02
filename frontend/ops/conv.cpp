// Convolutions of any rank: Conv, ConvTranspose and their integer forms.
#include "frontend/op.h"
#include "frontend/ops/window.h"

namespace nasc {
namespace {

// Channels, groups and extents; needs N C I M D K.
const std::string kConvShape = R"(
  attr group: int = 1
  attr kernel_shape: ints?
  need len(K) == len(I)
  need kernel_shape == none or kernel_shape == K
  need group >= 1
  need C == D*group
  need M % group == 0
)" + kWindow + R"(
  need I + head + tail >= span
  let O = (I + head + tail - span)/strides + 1
)";

const Registered<OpDef> conv{{"Conv", 1, R"(
  type T: float
  in X[N, C, I..]: T, W[M, D, K..]: T, B[M]?: T
)" + kConvShape + R"(
  out Y[N, M, O..]: T
  Y[n, m, o..] = B[m] or 0
  Y[n, m, o..] += X[n, group == 1 ? d : m/max(1, M/group)*D + d, o*strides + k*dilations - head] * W[m, d, k..]
)"}};

const Registered<OpDef> conv_integer{{"ConvInteger", 10, R"(
  type T: u8 i8
  type S: u8 i8
  in X[N, C, I..]: T, W[M, D, K..]: S, Z[Z_shape..]?: T, V[V_shape..]?: S
)" + kConvShape + R"(
  need product(Z_shape or []) == 1
  need product(V_shape or []) == 1 or V_shape == [M]
  out Y[N, M, O..]: i32
  let c = V_shape != none and len(V_shape) == 1 and V_shape[0] == M and not (M == 1)
  Y[n, m, o..] = 0
  Y[n, m, o..] += (cast(i32, X[n, group == 1 ? d : m/max(1, M/group)*D + d, o*strides + k*dilations - head])
      - (cast(i32, Z[fill(len(Z_shape or []), 0)]) or 0))
    * (cast(i32, W[m, d, k..]) - (cast(i32, V[c ? [m] : fill(len(V_shape or []), 0)]) or 0))
)"}};

const Registered<OpDef> qlinear_conv{{"QLinearConv", 10, R"(
  type T1: u8 i8
  type T2: u8 i8
  type T3: u8 i8
  in X[N, C, I..]: T1, XS[A..]: f32, XZ[A2..]: T1, W[M, D, K..]: T2, WS[E..]: f32, WZ[E2..]: T2,
     YS[F..]: f32, YZ[F2..]: T3, B[M]?: i32
)" + kConvShape + R"(
  need product(A ++ A2) == 1
  need product(E) == 1 or E == [M]
  need product(E2) == 1 or E2 == [M]
  need product(F ++ F2) == 1
  out Y[N, M, O..]: T3
  tmp S[N, M, O..]: i32
  let zero = fill(len(A), 0)
  S[n, m, o..] = B[m] or 0
  S[n, m, o..] += (cast(i32, X[n, group == 1 ? d : m/max(1, M/group)*D + d, o*strides + k*dilations - head])
      - cast(i32, XZ[fill(len(A2), 0)])) * (cast(i32, W[m, d, k..]) - cast(i32, WZ[product(E2) == 1 ? fill(len(E2), 0) : [m]]))
  Y[n, m, o..] = cast(T3, clamp(round(cast(f32, S[n, m, o]) * (XS[zero] * WS[product(E) == 1 ? fill(len(E), 0) : [m]]
      / YS[fill(len(F), 0)])) + cast(f32, YZ[fill(len(F2), 0)]), lowest(T3), highest(T3)))
)"}};

// Each output gathers the inputs whose window covers it: x = (o + head - k*dilation)/stride, when that divides.
const Registered<OpDef> conv_transpose{{"ConvTranspose", 1, R"(
  type T: float
  in X[N, C, I..]: T, W[C, M, K..]: T, B[G]?: T
  attr group: int = 1
  attr kernel_shape: ints?
  need len(K) == len(I)
  need kernel_shape == none or kernel_shape == K
  need group >= 1
  need C % group == 0
  need G == none or G == M*group
  let r = len(I)
  attr auto_pad: string = "NOTSET"
  attr strides: ints[r] = 1
  attr dilations: ints[r] = 1
  attr output_padding: ints[r] = 0
  attr output_shape: ints?
  attr pads: ints[2*r] = 0
  need auto_pad in ["NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID"]
  need strides >= 1
  need dilations >= 1
  need output_padding >= 0
  let full = (I - 1)*strides + (K - 1)*dilations + 1 + output_padding
  let same = auto_pad == "SAME_UPPER" or auto_pad == "SAME_LOWER"
  let fixed = output_shape != none and len(output_shape) > 0
  need not fixed or len(output_shape) >= r
  let wanted = fixed ? output_shape[len(output_shape) - r:] : same ? I*strides : none
  let total = wanted == none ? none : max(full - wanted, 0)
  let head = total == none ? (auto_pad == "VALID" ? fill(r, 0) : pads[:r]) : auto_pad == "SAME_UPPER" ? total/2 : total - total/2
  let O = wanted == none ? full - (auto_pad == "VALID" ? fill(r, 0) : pads[:r] + pads[r:]) : wanted
  need O >= 1
  let L = C/group
  out Y[N, M*group, O..]: T
  if strides == 1 {
    Y[n, m, o..] = B[m] or 0
    if group == 1 {
      Y[n, m, o..] += X[n, c, o + head - k*dilations] * W[c, m, k..]
    } else {
      Y[n, m, o..] += X[n, m/M*L + c, o + head - k*dilations] * W[m/M*L + c, m % M, k..] for c in L, k.. in K
    }
  } else {
    Y[n, m, o..] = B[m] or 0
    Y[n, m, o..] += X[n, m/M*L + c, (o + head - k*dilations)/strides] * W[m/M*L + c, m % M, k..] for c in L, k.. in K if (o + head - k*dilations) % strides == 0
  }
)"}};

}  // namespace
}  // namespace nasc
