// Losses that exported models carry.
#include "frontend/ops/elementwise.h"

namespace nasc {
namespace {

// Picks the class of each position, weighs and reduces. Needs X (log probabilities) by the expression `chosen`.
const std::string kReduceLoss = R"(
  type S: i32 i64
  attr ignore_index: int?
  attr reduction: string = "mean"
  need reduction in ["none", "sum", "mean"]
  let A = accumulator(T)
  let O = [N] ++ I
  let one = 1.0
  let skip = ignore_index == none ? -9223372036854775807 : ignore_index
)";
const std::string kLossEnd = R"(
  if reduction == "none" {
    out Y[O]: T
    Y = P
  } else {
    out Y[]: T
    tmp Z[]: A, Q[]: A
    Z[] = 0
    Z[] += P[o..]
    Q[] = 0
    Q[] += G[o..]
    Y[] = reduction == "sum" ? Z[] : Z[]/Q[]
  }
)";
const Registered<OpDef> nll{{"NegativeLogLikelihoodLoss", 12, R"(
  type T: float
  in X[N, C, I..]: T, J[N, I..]: S, W[C]?: T
)" + kReduceLoss + R"(
  tmp P[O]: A, G[O]: A
  G[o..] = 0
  G[o..] += select(and(J[o] == c, J[o] != skip), (cast(A, W[c]) or one), 0) for c in C
  P[o..] = 0
  P[o..] += select(and(J[o] == c, J[o] != skip), (0 - X[o[0], c, o[1:]])*(cast(A, W[c]) or 1.0), 0) for c in C
)" + kLossEnd}};

const Registered<OpDef> cross_entropy{{"SoftmaxCrossEntropyLoss", 12, R"(
  type T: float
  in X[N, C, I..]: T, J[N, I..]: S, W[C]?: T
)" + kReduceLoss + R"(
  tmp M[O]: A, E[O]: A, P[O]: A, G[O]: A
  M[n, i..] = lowest(A)
  M[n, i..] max= X[n, c, i]
  E[n, i..] = 0
  E[n, i..] += exp(X[n, c, i] - M[n, i])
  G[o..] = 0
  G[o..] += select(and(J[o] == c, J[o] != skip), (cast(A, W[c]) or one), 0) for c in C
  P[o..] = 0
  P[o..] += select(and(J[o] == c, J[o] != skip), (M[o] + log(E[o]) - X[o[0], c, o[1:]])*(cast(A, W[c]) or 1.0), 0) for c in C
)" + kLossEnd + R"(
  out K[N, C, I..]?: T
  K[n, c, i..] = X[n, c, i] - M[n, i] - log(E[n, i])
)"}};

}  // namespace
}  // namespace nasc
