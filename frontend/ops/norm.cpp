// Normalizations.
#include "frontend/op.h"

namespace nasc {
namespace {

const Registered<OpDef> batch_normalization{{"BatchNormalization", 1, R"(
  type T: float
  type T1: float
  type T2: float
  in X[N, I..]: T, S[C]: T1, B[C]: T1, M[C]: T2, V[C]: T2
  attr epsilon: float = 1e-5
  attr momentum: float = 0.9
  attr training_mode: int = 0
  attr spatial: int = 1
  attr is_test: int = 0
  refuse training_mode != 0: "training mode is not supported"
  refuse opset < 9 and spatial == 0: "per-element statistics are not supported"
  need len(I) == 0 or C == I[0]
  need len(I) > 0 or C == 1
  out Y[N, I..]: T
  let W = accumulator(T)
  Y[n, i..] = (X[n, i] - cast(W, M[len(I) == 0 ? 0 : i[0]])) / sqrt(cast(W, V[len(I) == 0 ? 0 : i[0]]) + epsilon)
    * cast(W, S[len(I) == 0 ? 0 : i[0]]) + cast(W, B[len(I) == 0 ? 0 : i[0]])
)"}};

const Registered<OpDef> instance_normalization{{"InstanceNormalization", 1, R"(
  type T: float
  in X[N, C, I..]: T, S[C]: T, B[C]: T
  attr epsilon: float = 1e-5
  out Y[N, C, I..]: T
  tmp M[N, C]: accumulator(T), V[N, C]: accumulator(T)
  M[n, c] = 0
  M[n, c] += X[n, c, i..] / product(I)
  V[n, c] = 0
  V[n, c] += (X[n, c, i..] - M[n, c]) * (X[n, c, i] - M[n, c]) / product(I)
  Y[n, c, i..] = (X[n, c, i] - M[n, c]) / sqrt(V[n, c] + epsilon) * S[c] + B[c]
)"}};

// Opset 18 has one scale per group, opset 21 one per channel.
const char* const kGroupNorm = R"(
  type T: float
  in X[N, C, I..]: T, S[D]: T, B[D]: T
  attr num_groups: int
  attr epsilon: float = 1e-5
  attr stash_type: int = 1
  need num_groups >= 1
  need C % num_groups == 0
  let L = C/num_groups
  need D == (opset < 21 ? num_groups : C)
  out Y[N, C, I..]: T
  tmp M[N, num_groups]: accumulator(T), V[N, num_groups]: accumulator(T)
  let count = L*product(I)
  M[n, g] = 0
  M[n, g] += X[n, g*L + l, i..] / count for l in L, i.. in I
  V[n, g] = 0
  V[n, g] += (X[n, g*L + l, i] - M[n, g]) * (X[n, g*L + l, i] - M[n, g]) / count for l in L, i.. in I
  Y[n, c, i..] = (X[n, c, i] - M[n, c/L]) / sqrt(V[n, c/L] + epsilon) * S[opset < 21 ? c/L : c] + B[opset < 21 ? c/L : c]
)";
const Registered<OpDef> group_normalization{{"GroupNormalization", 18, kGroupNorm}};

const Registered<OpDef> layer_normalization{{"LayerNormalization", 17, R"(
  type T: float
  type R: float
  in X[I..]: T, S[J..]: R, B[K..]?: R
  attr axis: int = -1
  attr epsilon: float = 1e-5
  attr stash_type: int = 1
  let r = len(I)
  let a = axis < 0 ? axis + r : axis
  need 0 <= a and a < r: "axis is out of range"
  need broadcast(I, J) == I
  need K == none or broadcast(I, K) == I
  let W = accumulator(T)
  let outer = I[:a]
  let inner = I[a:]
  out Y[I..]: T, Q[outer ++ fill(r - a, 1)]?: W, R1[outer ++ fill(r - a, 1)]?: W
  tmp M[outer]: W, V[outer]: W
  M[o..] = 0
  M[o..] += X[o, k..] / product(inner)
  V[o..] = 0
  V[o..] += (X[o, k..] - M[o]) * (X[o, k] - M[o]) / product(inner)
  def at(i, L) = [surely(L[d] == 1) and not(surely(I[r - len(L) + d] == 1)) ? 0 : i[r - len(L) + d] for d in range(len(L))]
  Y[i..] = (X[i] - M[i[:a]]) / sqrt(V[i[:a]] + epsilon) * cast(W, S[at(i, J)]) + (cast(W, B[K == none ? [] : at(i, K)]) or 0)
  if present(Q) { Q[o..] = M[o[:a]] }
  if present(R1) { R1[o..] = 1/sqrt(V[o[:a]] + epsilon) }
)"}};

const Registered<OpDef> rms_normalization{{"RMSNormalization", 23, R"(
  type T: float
  type R: float
  in X[I..]: T, S[J..]: R
  attr axis: int = -1
  attr epsilon: float = 1e-5
  attr stash_type: int = 1
  let r = len(I)
  let a = axis < 0 ? axis + r : axis
  need 0 <= a and a < r: "axis is out of range"
  need broadcast(I, J) == I
  let W = accumulator(T)
  out Y[I..]: R
  tmp V[I[:a]]: W
  V[o..] = 0
  V[o..] += X[o, k..] * X[o, k] / product(I[a:])
  def at(i, L) = [surely(L[d] == 1) and not(surely(I[r - len(L) + d] == 1)) ? 0 : i[r - len(L) + d] for d in range(len(L))]
  Y[i..] = X[i] / sqrt(V[i[:a]] + epsilon) * cast(W, S[at(i, J)])
)"}};

const Registered<OpDef> lrn{{"LRN", 1, R"(
  type T: float
  in X[N, C, I..]: T
  attr size: int
  attr alpha: float = 0.0001
  attr beta: float = 0.75
  attr bias: float = 1.0
  need size >= 1
  out Y[N, C, I..]: T
  tmp S[N, C, I..]: accumulator(T)
  S[n, c, i..] = 0
  S[n, c, i..] += X[n, c + k - (size - 1)/2, i] * X[n, c + k - (size - 1)/2, i] for k in size
  Y[n, c, i..] = X[n, c, i] / pow(bias + alpha/real(size)*S[n, c, i], beta)
)"}};

const Registered<OpDef> lp_normalization{{"LpNormalization", 1, R"(
  type T: float
  in X[I..]: T
  attr axis: int = -1
  attr p: int = 2
  need p in [1, 2]
  let r = len(I)
  let a = axis < 0 ? axis + r : axis
  need 0 <= a and a < r: "axis is out of range"
  out Y[I..]: T
  tmp S[I[:a] ++ I[a + 1:]]: accumulator(T)
  S[o..] = 0
  S[o..] += p == 1 ? abs(X[o[:a] ++ [k] ++ o[a:]]) : X[o[:a] ++ [k] ++ o[a:]] * X[o[:a] ++ [k] ++ o[a:]] for k in I[a]
  def norm(s) = p == 1 ? s : sqrt(s)
  Y[i..] = select(S[i[:a] ++ i[a + 1:]] == 0, 0, X[i] / norm(S[i[:a] ++ i[a + 1:]]))
)"}};

const Registered<OpDef> mean_variance_normalization{{"MeanVarianceNormalization", 9, R"(
  type T: float
  in X[I..]: T
  attr axes: ints = [0, 2, 3]
  let r = len(I)
  let a = normal(axes, r)
  need all([0 <= k and k < r for k in a]) and distinct(a)
  let kept = complement(a, r)
  let count = product(I[a])
  out Y[I..]: T
  tmp M[I[kept]]: accumulator(T), V[I[kept]]: accumulator(T)
  def at(o, k) = [d in a ? k[find(a, d)] : o[find(kept, d)] for d in range(r)]
  M[o..] = 0
  M[o..] += X[at(o, k)] / count for k.. in I[a]
  V[o..] = 0
  V[o..] += X[at(o, k)] * X[at(o, k)] / count for k.. in I[a]
  Y[i..] = (X[i] - M[i[kept]]) / (sqrt(V[i[kept]] - M[i[kept]]*M[i[kept]]) + 1e-9)
)"}};

}  // namespace
}  // namespace nasc
