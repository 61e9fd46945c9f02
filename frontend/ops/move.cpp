// Operators that move elements to places known from shapes and constants.
#include "frontend/ops/elementwise.h"
#include "frontend/ops/pieces.h"

namespace nasc {
namespace {

const Registered<OpDef> transpose{{"Transpose", 1, R"(
  in X[I..]: T
  attr perm: ints?
  let r = len(I)
  let p = perm == none ? [r - 1 - k for k in range(r)] : perm
  need perm == none or permutation(perm, r)
  let inverse = argsort(p)
  out Y[I[p]]: T
  Y[i..] = X[i[inverse]]
)"}};

std::string concat_text(const char* axis) {
  return std::string("in X*[I..]: T\n") + axis + R"(
    let first = shape(X[0])
    let r = len(first)
    let a = axis < 0 ? axis + r : axis
    need 0 <= a and a < r: "axis is out of range"
    need all([len(shape(x)) == r for x in X]): "inputs have different ranks"
    need all([all([d == a or shape(x)[d] == first[d] for d in range(r)]) for x in X]): "extents off the axis differ"
    let sizes = [shape(x)[a] for x in X]
    out Y[first[:a] ++ [sum(sizes)] ++ first[a + 1:]]: T
    for k in range(len(X)) {
      let at = sum(sizes[:k])
      Y[i[:a] ++ [i[a] + at] ++ i[a + 1:]] = X[k][i..]
    })";
}
const Registered<OpDef> concat_1{{"Concat", 1, concat_text("attr axis: int = 1")}};
const Registered<OpDef> concat{{"Concat", 4, concat_text("attr axis: int")}};

std::string split_text(const char* head) {
  return std::string(head) + R"(
    attr axis: int = 0
    let r = len(I)
    let a = axis < 0 ? axis + r : axis
    need 0 <= a and a < r: "axis is out of range"
    need split != none or pieces_wanted == outputs
    let chunk = even ? I[a]/outputs : ceil_div(I[a], outputs)
    need split != none or not(even) or I[a] % outputs == 0
    let sizes = split != none ? split : even ? fill(outputs, chunk)
      : [max(min(chunk, I[a] - j*chunk), 0) for j in range(outputs)]
    need len(sizes) == outputs
    need sizes >= 0
    need sum(sizes) == I[a]
    out Y*[I[:a] ++ [sizes[k]] ++ I[a + 1:]]: T
    for k in range(outputs) {
      let at = sum(sizes[:k])
      Y[k][i..] = X[i[:a] ++ [i[a] + at] ++ i[a + 1:]]
    })";
}
const Registered<OpDef> split_1{
    {"Split", 1, split_text("in X[I..]: T\nattr split: ints?\nlet pieces_wanted = outputs\nlet even = true")}};
const Registered<OpDef> split_13{
    {"Split", 13, split_text("in X[I..]: T, split[L]?!: i64\nlet pieces_wanted = outputs\nlet even = true")}};
const Registered<OpDef> split{{"Split", 18, split_text(R"(
    in X[I..]: T, split[L]?!: i64
    attr num_outputs: int?
    let pieces_wanted = num_outputs == none ? outputs : num_outputs
    let even = false)")}};

// A bound that is not known when compiling is taken as inside the extent.
const char* const kSlice = R"(
  let r = len(I)
  let count = len(starts)
  let step = steps == none ? fill(count, 1) : steps
  let axis = normal(axes == none ? range(count) : axes, r)
  need len(ends) == count and len(axis) == count and len(step) == count
  need all([0 <= a and a < r for a in axis]): "axes are out of range"
  need distinct(axis)
  need step != 0: "a step is zero"
  let far = 4611686018427387904
  def wrap(s, n) = surely(s < 0) ? s + n : s
  def inside(s, n, lo, hi) = known(n) and known(s) ? clamp(wrap(s, n), lo, hi) : surely(s <= -2147483648) ? lo : surely(s >= 2147483647) ? hi : wrap(s, n)
  let by = [clamp(s, -far, far) for s in step]
  let from = [by[k] > 0 ? inside(starts[k], I[axis[k]], 0, I[axis[k]]) : inside(starts[k], I[axis[k]], 0, I[axis[k]] - 1)
    for k in range(count)]
  let to = [by[k] > 0 ? inside(ends[k], I[axis[k]], 0, I[axis[k]]) : inside(ends[k], I[axis[k]], -1, I[axis[k]] - 1)
    for k in range(count)]
  def number(f, t, s) = s > 0 ? (surely(t <= f) ? 0 : ceil_div(t - f, s)) : surely(f <= t) ? 0 : ceil_div(f - t, -s)
  out Y[[d in axis ? number(from[find(axis, d)], to[find(axis, d)], by[find(axis, d)]) : I[d] for d in range(r)]]: T
  Y[i..] = X[[d in axis ? i[d]*by[find(axis, d)] + from[find(axis, d)] : i[d] for d in range(r)]]
)";
const Registered<OpDef> slice_1{{"Slice", 1, std::string(R"(
  in X[I..]: T
  attr starts: ints
  attr ends: ints
  attr axes: ints?
  let steps = none
)") + kSlice}};
const Registered<OpDef> slice{{"Slice", 10, std::string(R"(
  type S: i32 i64
  in X[I..]: T, starts[L..]!: S, ends[M..]!: S, axes[N..]?!: S, steps[P..]?!: S
)") + kSlice}};

const std::string kPad = R"(
  let r = len(I)
  let axis = axes == none ? range(r) : normal(axes, r)
  let n = len(axis)
  need all([0 <= a and a < r for a in axis]): "axes are out of range"
  need distinct(axis)
  need len(pads) == 2*n
  need mode in ["constant", "reflect", "edge", "wrap"]
  let head = [d in axis ? pads[find(axis, d)] : 0 for d in range(r)]
  let tail = [d in axis ? pads[n + find(axis, d)] : 0 for d in range(r)]
  let O = I + head + tail
  out Y[O..]: T
  if mode == "constant" {
    Y = fill_value
    Y[i + head] = X[i..]
  } else {
    need all([surely(head[d] == 0 and tail[d] == 0) or I[d] >= 1 for d in range(r)])
    def bounce(p, n) = n == 1 ? 0 : p % (2*n - 2) < n ? p % (2*n - 2) : 2*n - 2 - p % (2*n - 2)
    def source(p, n) = mode == "edge" ? clamp(p, 0, n - 1) : mode == "wrap" ? p % n : bounce(p, n)
    let P = [surely(head[d] == 0 and tail[d] == 0) ? [[0, O[d], 1, 0, 1]]
      : pieces([source(o - head[d], I[d]) for o in range(O[d])]) for d in range(r)]
)" + kCopyPieces + "}\n";
const Registered<OpDef> pad_1{{"Pad", 1, R"(
  in X[I..]: T
  attr paddings: ints?
  attr pads: ints = paddings
  attr mode: string = "constant"
  attr value: float = 0.0
  let axes = none
  let fill_value = value
  need pads != none: "attribute pads is missing"
)" + kPad}};
const Registered<OpDef> pad{{"Pad", 11, R"(
  type S: i32 i64
  in X[I..]: T, pads[L]!: i64, V[A..]?: T, axes[M]?!: S
  attr mode: string = "constant"
  need product(A or []) == 1
  def number(v) = content(v) == none ? v : content(v)[0]
  let zero = fill(len(A or []), 0)
  let fill_value = present(V) and content(V) != none ? content(V)[0] : present(V) ? V : 0
  need A == none or len(A) == 0 or len(I) >= 1
)" + kPad}};

const Registered<OpDef> expand{{"Expand", 8, R"(
  in X[I..]: T, shape[L]!: i64
  need shape >= 0
  out Y[broadcast(I, shape)]: T
  Y = X
)"}};

const Registered<OpDef> tile{{"Tile", 6, R"(
  in X[I..]: T, repeats[L]!: i64
  need len(repeats) == len(I)
  need repeats >= 0
  out Y[I*repeats]: T
  Y[i..] = X[[surely(repeats[d] == 1) ? i[d] : surely(I[d] == 1) ? 0 : i[d] % max(I[d], 1) for d in range(len(I))]]
)"}};

const Registered<OpDef> depth_to_space{{"DepthToSpace", 1, R"(
  in X[N, C, H, W]: T
  attr blocksize: int
  attr mode: string = "DCR"
  need blocksize >= 1
  need C % (blocksize*blocksize) == 0
  need mode in ["DCR", "CRD"]
  let b = blocksize
  let D = C/(b*b)
  out Y[N, D, H*b, W*b]: T
  Y[n, c, h, w] = X[n, mode == "DCR" ? (h % b)*(b*D) + (w % b)*D + c : c*(b*b) + (h % b)*b + w % b, h/b, w/b]
)"}};
const Registered<OpDef> space_to_depth{{"SpaceToDepth", 1, R"(
  in X[N, C, H, W]: T
  attr blocksize: int
  need blocksize >= 1
  need H % blocksize == 0 and W % blocksize == 0
  let b = blocksize
  out Y[N, C*b*b, H/b, W/b]: T
  Y[n, p*(b*C) + q*C + c, h, w] = X[n, c, h*b + p, w*b + q] for n in N, p in b, q in b, c in C, h in H/b, w in W/b
)"}};

const char* const kCumulate = R"(
  attr exclusive: int = 0
  attr reverse: int = 0
  let r = len(I)
  need len(axis) == 1
  let a = axis[0] < 0 ? axis[0] + r : axis[0]
  need 0 <= a and a < r: "axis is out of range"
  let n = I[a]
  out Y[I..]: T
  tmp S[I..]: accumulator(T)
  def at(o, k) = o[:a] ++ [k] ++ o[a + 1:]
  def place(k) = reverse != 0 ? n - 1 - k : k
  # S counts along the direction of the sum
)";
const Registered<OpDef> cum_sum{{"CumSum", 11, std::string(R"(
  type T: f16 f32 f64 i32 i64 u32 u64
  type A: i32 i64
  in X[I..]: T, axis[L..]!: A
)") + kCumulate + R"(
  S[o..] = exclusive != 0 ? 0 : X[at(o, place(o[a]))] if o[a] == 0
  S[o..] = S[at(o, o[a] - 1)] + X[at(o, place(o[a] - (exclusive != 0 ? 1 : 0)))] if o[a] >= 1
  Y[o..] = S[at(o, place(o[a]))]
)"}};
const Registered<OpDef> cum_prod{{"CumProd", 26, std::string(R"(
  type T: f16 f32 f64 i32 i64 u32 u64
  type A: i32 i64
  in X[I..]: T, axis[L..]!: A
)") + kCumulate + R"(
  S[o..] = exclusive != 0 ? 1 : X[at(o, place(o[a]))] if o[a] == 0
  S[o..] = S[at(o, o[a] - 1)] * X[at(o, place(o[a] - (exclusive != 0 ? 1 : 0)))] if o[a] >= 1
  Y[o..] = S[at(o, place(o[a]))]
)"}};

}  // namespace
}  // namespace nasc
