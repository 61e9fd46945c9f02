// Quantization.
#include "frontend/op.h"

namespace nasc {
namespace {

// A scale is one number, one per index of `axis`, or one per block of it.
const std::string kScale = R"(
  let r = len(I)
  let a = axis < 0 ? axis + r : axis
  need product(L) == 1 or (0 <= a and a < r)
  need product(L) == 1 and len(L) <= 1 or (block_size == 0 ? L == [I[a]] : len(L) == r)
  need block_size >= 0
  def at(i) = len(L) <= 1 and product(L) == 1 ? fill(len(L), 0) : block_size == 0 ? [i[a]]
    : [d == a ? i[d]/block_size : i[d] for d in range(r)]
)";

const std::string kQuantize = R"(
  attr axis: int = 1
  attr block_size: int = 0
  attr saturate: int = 1
  attr output_dtype: int = 0
  attr precision: int = 0
  let R = ZT != none ? ZT : output_dtype != 0 ? dtype(output_dtype) : u8
  refuse is_float(R)
)" + kScale + R"(
  need Z == none or Z == L or product(Z) == 1 and product(L) == 1
  out Y[I..]: R
  Y[i..] = cast(R, clamp(round(cast(f32, X[i])/cast(f32, S[at(i)])) + (cast(f32, zero[Z == none ? [] : Z == L ? at(i) : fill(len(Z), 0)]) or 0),
    lowest(R), highest(R)))
)";
const Registered<OpDef> quantize_linear{{"QuantizeLinear", 10, R"(
  type T: f16 f32 i32
  type Q: f16 f32
  type ZT: u8 i8 u16 i16
  in X[I..]: T, S[L..]: Q, zero[Z..]?: ZT
)" + kQuantize}};

const Registered<OpDef> dequantize_linear{{"DequantizeLinear", 10, R"(
  type T: u8 i8 u16 i16 i32
  type Q: f16 f32
  in X[I..]: T, S[L..]: Q, zero[Z..]?: T
  attr axis: int = 1
  attr block_size: int = 0
  attr output_dtype: int = 0
)" + kScale + R"(
  need not(present(zero)) or Z == L or product(Z) == 1 and product(L) == 1
  out Y[I..]: output_dtype == 0 ? Q : dtype(output_dtype)
  Y[i..] = (cast(f32, X[i]) - (cast(f32, zero[Z == none ? [] : Z == L ? at(i) : fill(len(Z), 0)]) or 0)) * cast(f32, S[at(i)])
)"}};

const Registered<OpDef> dynamic_quantize_linear{{"DynamicQuantizeLinear", 11, R"(
  in X[I..]: f32
  out Y[I..]: u8, S[]: f32, Z[]: u8
  tmp L[]: f32, H[]: f32, D[]: f32, F[]: f32
  L[] = 0
  L[] min= X[i..]
  H[] = 0
  H[] max= X[i..]
  D[] = (H[] - L[])/255
  F[] = clamp(round(select(D[] == 0, 0, 0 - L[])/select(D[] == 0, 1, D[])), 0, 255)
  if present(S) { S[] = D[] }
  if present(Z) { Z[] = cast(u8, F[]) }
  Y[i..] = cast(u8, clamp(round(X[i]/select(D[] == 0, 1, D[])) + F[], 0, 255))
)"}};

}  // namespace
}  // namespace nasc
