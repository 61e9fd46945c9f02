// Gather and scatter. Indices known when compiling become affine pieces; others are compared with every position.
#include "frontend/op.h"
#include "frontend/ops/pieces.h"

namespace nasc {
namespace {

const Registered<OpDef> gather{{"Gather", 1, R"(
  type S: i32 i64
  in X[I..]: T, J[L..]: S
  attr axis: int = 0
  let r = len(I)
  let a = axis < 0 ? axis + r : axis
  need 0 <= a and a < r: "axis is out of range"
  let q = len(L)
  let n = I[a]
  let c = content(J)
  let sure = c != none and known(c) and known(n)
  need not(sure) or all([-n <= k and k < n for k in c]): "an index is out of range"
  let table = sure ? pieces([k < 0 ? k + n : k for k in c]) : none
  let exact = sure and len(table) <= 512 and (q <= 1 or len(table) <= 1)
  out Y[I[:a] ++ L ++ I[a + 1:]]: T
  if exact and q == 0 {
    Y[o..] = X[o[:a] ++ [c[0] < 0 ? c[0] + n : c[0]] ++ o[a:]]
  } else if exact and q == 1 {
    let P = [d == a ? table : [[0, I[d], 1, 0, 1]] for d in range(r)]
)" + kCopyPieces + R"(
  } else if exact and len(table) == 1 {
    let w = [product(L[d + 1:]) for d in range(q)]
    let t = table[0]
    Y[o..] = X[o[:a] ++ [(t[2]*sum(o[a:a + q]*w) + t[3])/t[4]] ++ o[a + q:]]
  } else {
    refuse not(known(n)) or n > 65536: "run-time indices on an axis this long are not supported"
    def wrapped(j) = select(j < 0, j + n, j)
    if T == bool {
      tmp B[shape(Y)]: i32
      B = 0
      B[o..] += select(wrapped(J[o[a:a + q]]) == k, cast(i32, X[o[:a] ++ [k] ++ o[a + q:]]), 0) for k in n
      Y = B != 0
    } else {
      Y = 0
      Y[o..] += select(wrapped(J[o[a:a + q]]) == k, X[o[:a] ++ [k] ++ o[a + q:]], 0) for k in n
    }
  }
)"}};

const Registered<OpDef> gather_elements{{"GatherElements", 11, R"(
  type S: i32 i64
  in X[I..]: T, J[L..]: S
  attr axis: int = 0
  let r = len(I)
  let a = axis < 0 ? axis + r : axis
  need 0 <= a and a < r: "axis is out of range"
  need len(L) == r
  need all([d == a or L[d] <= I[d] for d in range(r)])
  let n = I[a]
  let c = content(J)
  need c == none or not(known(c)) or not(known(n)) or all([-n <= k and k < n for k in c]): "an index is out of range"
  refuse not(known(n)) or n > 65536: "indices on an axis this long are not supported"
  out Y[L..]: T
  def wrapped(j) = select(j < 0, j + n, j)
  tmp B[L..]: T == bool ? i32 : accumulator(T)
  B = 0
  B[o..] += select(wrapped(J[o]) == k, cast(T == bool ? i32 : accumulator(T), X[o[:a] ++ [k] ++ o[a + 1:]]), 0) for k in n
  Y = T == bool ? B != 0 : B
)"}};

const Registered<OpDef> gather_nd{{"GatherND", 11, R"(
  type S: i64
  in X[I..]: T, J[L.., M]: S
  attr batch_dims: int = 0
  let r = len(I)
  let q = len(L)
  let b = batch_dims
  need 0 <= b and b < r and b <= q
  need known(M) and M >= 1 and M <= r - b
  need I[:b] == L[:b]
  let E = I[b:b + M]
  refuse not(known(E)) or product(E) > 65536: "run-time indices into this many positions are not supported"
  out Y[L ++ I[b + M:]]: T
  def hit(j, k, n) = select(j < 0, j + n, j) == k
  tmp B[shape(Y)]: T == bool ? i32 : accumulator(T)
  B = 0
  B[o..] += select(reduce("and", [hit(J[o[:q] ++ [m]], k[m], E[m]) for m in range(M)]),
    cast(T == bool ? i32 : accumulator(T), X[o[:b] ++ k ++ o[q:]]), 0) for k.. in E
  Y = T == bool ? B != 0 : B
)"}};

// Updates are taken in row-major order, so that the last one wins.
const char* const kScatterElements = R"(
  type S: i32 i64
  in X[I..]: T, J[L..]: S, U[V..]: T
  attr axis: int = 0
  attr reduction: string = "none"
  need reduction in ["none", "add", "mul", "max", "min"]
  let r = len(I)
  let a = axis < 0 ? axis + r : axis
  need 0 <= a and a < r: "axis is out of range"
  need len(L) == r
  need V == L
  need all([d == a or L[d] <= I[d] for d in range(r)])
  let n = I[a]
  let c = content(J)
  need c == none or not(known(c)) or not(known(n)) or all([-n <= k and k < n for k in c]): "an index is out of range"
  out Y[I..]: T
  def at(o, k) = o[:a] ++ [k] ++ o[a + 1:]
  def hit(j, k) = select(j < 0, j + n, j) == k
  Y = X
  if reduction == "none" { Y[o..] = select(hit(J[at(o, k)], o[a]), U[at(o, k)], Y[o]) for k in L[a] }
  if reduction == "add" { Y[o..] += select(hit(J[at(o, k)], o[a]), U[at(o, k)], 0) for k in L[a] }
  if reduction == "mul" { Y[o..] *= select(hit(J[at(o, k)], o[a]), U[at(o, k)], 1) for k in L[a] }
  if reduction == "max" { Y[o..] max= select(hit(J[at(o, k)], o[a]), U[at(o, k)], lowest(T)) for k in L[a] }
  if reduction == "min" { Y[o..] min= select(hit(J[at(o, k)], o[a]), U[at(o, k)], highest(T)) for k in L[a] }
)";
const Registered<OpDef> scatter_elements{{"ScatterElements", 11, kScatterElements}};
const Registered<OpDef> scatter{{"Scatter", 9, kScatterElements}};

const Registered<OpDef> scatter_nd{{"ScatterND", 11, R"(
  type S: i64
  in X[I..]: T, J[L.., M]: S, U[V..]: T
  attr reduction: string = "none"
  need reduction in ["none", "add", "mul", "max", "min"]
  let r = len(I)
  need known(M) and 1 <= M and M <= r
  need V == L ++ I[M:]
  let q = len(L)
  out Y[I..]: T
  def at(o, m) = J[o ++ [m]]
  def one(j, k, n) = select(j < 0, j + n, j) == k
  Y = X
  if reduction == "none" {
    Y[o..] = select(reduce("and", [one(J[u ++ [m]], o[m], I[m]) for m in range(M)]), U[u ++ o[M:]], Y[o]) for u.. in L
  }
  if reduction == "add" {
    Y[o..] += select(reduce("and", [one(J[u ++ [m]], o[m], I[m]) for m in range(M)]), U[u ++ o[M:]], 0) for u.. in L
  }
  if reduction == "mul" {
    Y[o..] *= select(reduce("and", [one(J[u ++ [m]], o[m], I[m]) for m in range(M)]), U[u ++ o[M:]], 1) for u.. in L
  }
  if reduction == "max" {
    Y[o..] max= select(reduce("and", [one(J[u ++ [m]], o[m], I[m]) for m in range(M)]), U[u ++ o[M:]], lowest(T)) for u.. in L
  }
  if reduction == "min" {
    Y[o..] min= select(reduce("and", [one(J[u ++ [m]], o[m], I[m]) for m in range(M)]), U[u ++ o[M:]], highest(T)) for u.. in L
  }
)"}};

}  // namespace
}  // namespace nasc
