// Matrix products: Gemm, MatMul and its integer forms, Einsum.
#include "frontend/op.h"

namespace nasc {
namespace {

const Registered<OpDef> gemm{{"Gemm", 1, R"(
  type T: f16 f32 f64 i32 i64 u32 u64
  in A[P, Q]: T, B[R, S]: T, C[L..]?: T
  attr alpha: float = 1.0
  attr beta: float = 1.0
  attr transA: int = 0
  attr transB: int = 0
  attr broadcast: int = 0
  let M = transA != 0 ? Q : P
  let K = transA != 0 ? P : Q
  let N = transB != 0 ? R : S
  need K == (transB != 0 ? S : R)
  need L == none or broadcast(L, [M, N]) == [M, N]
  out Y[M, N]: T
  Y = present(C) ? (beta == 1 ? C : beta == 0 ? 0 : cast(T, beta)*C) : 0
  def f(a, b) = alpha == 1 ? a*b : cast(accumulator(T), alpha)*a*b
  Y[m, n] += f(A[transA != 0 ? [k, m] : [m, k]], B[transB != 0 ? [n, k] : [k, n]]) for k in K
)"}};

// numpy.matmul: a vector on the left is a row, on the right a column; leading dimensions broadcast.
const std::string kMatMulShape = R"(
  need len(I) >= 1
  need len(J) >= 1
  let p = len(I) == 1 ? 0 : len(I) - 2
  let q = len(J) == 1 ? 0 : len(J) - 2
  let K = I[len(I) - 1]
  need K == J[q]
  let L = broadcast(I[:p], J[:q])
  let b = len(L)
  let rows = len(I) == 1 ? [] : [I[p]]
  let columns = len(J) == 1 ? [] : [J[q + 1]]
  let lead_a = b - p
  let lead_b = b - q
)";
const std::string kMatMulIndices = R"(
  Y[y..] += f(A[[surely(I[d] == 1) and not(surely(L[lead_a + d] == 1)) ? 0 : y[lead_a + d] for d in range(p)] ++ (len(I) == 1 ? [] : [y[b]]) ++ [k]],
              B[[surely(J[d] == 1) and not(surely(L[lead_b + d] == 1)) ? 0 : y[lead_b + d] for d in range(q)] ++ [k]
                ++ (len(J) == 1 ? [] : [y[len(y) - 1]])]) for k in K
)";
const Registered<OpDef> matmul{{"MatMul", 1, R"(
  type T: num
  in A[I..]: T, B[J..]: T
)" + kMatMulShape + R"(
  out Y[L ++ rows ++ columns]: T
  def f(a, b) = a*b
  Y = 0
)" + kMatMulIndices}};

const Registered<OpDef> matmul_integer{{"MatMulInteger", 10, R"(
  type T: u8 i8
  type S: u8 i8
  in A[I..]: T, B[J..]: S, AZ[U..]?: T, BZ[V..]?: S
)" + kMatMulShape + R"(
  need len(U or []) <= 1 and len(V or []) <= 1
  need product(U or []) == 1 or U == rows
  need product(V or []) == 1 or V == columns
  out Y[L ++ rows ++ columns]: i32
  tmp DA[I..]: i32, DB[J..]: i32
  DA[i..] = cast(i32, A[i]) - (cast(i32, AZ[len(U) == 0 ? [] : surely(product(U) == 1) ? [0] : [i[p]]]) or 0)
  DB[j..] = cast(i32, B[j]) - (cast(i32, BZ[len(V) == 0 ? [] : surely(product(V) == 1) ? [0] : [j[q + 1]]]) or 0)
  let A = DA
  let B = DB
  def f(a, b) = a*b
  Y = 0
)" + kMatMulIndices}};

const Registered<OpDef> qlinear_matmul{{"QLinearMatMul", 10, R"(
  type T1: u8 i8
  type T2: u8 i8
  type T3: u8 i8
  type R: f16 f32
  in A[I..]: T1, AS[U..]: R, AZ[U2..]: T1, B[J..]: T2, BS[V..]: R, BZ[V2..]: T2, YS[W..]: R, YZ[W2..]: T3
)" + kMatMulShape + R"(
  refuse not (product(U ++ U2) == 1 and product(V ++ V2) == 1 and product(W ++ W2) == 1)
  let O = L ++ rows ++ columns
  out Z[O..]: T3
  tmp Y[O..]: i32, DA[I..]: i32, DB[J..]: i32
  let u = fill(len(U), 0)
  let v = fill(len(V), 0)
  let w = fill(len(W), 0)
  DA[i..] = cast(i32, A[i]) - cast(i32, AZ[fill(len(U2), 0)])
  DB[j..] = cast(i32, B[j]) - cast(i32, BZ[fill(len(V2), 0)])
  let A = DA
  let B = DB
  def f(a, b) = a*b
  Y = 0
)" + kMatMulIndices + R"(
  Z[o..] = cast(T3, clamp(round(cast(f32, Y[o])*(AS[u]*BS[v]/YS[w])) + cast(f32, YZ[fill(len(W2), 0)]), lowest(T3), highest(T3)))
)"}};

}  // namespace
}  // namespace nasc
