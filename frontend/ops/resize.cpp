// Resize and Upsample: nearest as affine pieces, linear and cubic one axis after the other.
#include "frontend/op.h"
#include "frontend/ops/pieces.h"

namespace nasc {
namespace {

// Needs I, O (extents), scale and the region from start to stop (per axis), mode, coordinate, rounding, coeff,
// exclude_outside, extrapolation.
const std::string kResample = R"(
  let r = len(I)
  let crop = coordinate == "tf_crop_and_resize"
  let changed = [d for d in range(r) if not(surely(O[d] == I[d])) or scale[d] != 1 or crop and (start[d] != 0 or stop[d] != 1)]
  need all([I[d] >= 1 or O[d] == 0 for d in changed])
  # where output o lies in the input; o may be an iterator
  def half(o, d) = (o + 0.5)/scale[d] - 0.5
  def place(o, d) = coordinate == "half_pixel" ? half(o, d)
    : coordinate == "pytorch_half_pixel" ? (O[d] > 1 ? half(o, d) : 0.0*o)
    : coordinate == "align_corners" ? (O[d] == 1 ? 0.0*o : o*(real(I[d] - 1)/real(O[d] - 1)))
    : coordinate == "asymmetric" ? 1.0*o/scale[d]
    : coordinate == "tf_half_pixel_for_nn" ? (o + 0.5)/scale[d]
    : coordinate == "half_pixel_symmetric" ? 0.5*I[d]*(1.0 - O[d]/(scale[d]*I[d])) + half(o, d)
    : O[d] > 1 ? start[d]*(I[d] - 1) + o*((stop[d] - start[d])*(I[d] - 1)/(O[d] - 1.0))
    : 0.5*(start[d] + stop[d])*(I[d] - 1) + 0.0*o
  def nearest(x, d) = rounding == "simple" ? (scale[d] < 1 ? ceil(x) : floor(x)) : rounding == "floor" ? floor(x) : rounding == "ceil" ? ceil(x)
    : rounding == "round_prefer_ceil" ? floor(x + 0.5) : ceil(x - 0.5)
  def outside(x, d) = crop and (x < 0 or x > I[d] - 1)
  need coordinate in ["half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric", "tf_half_pixel_for_nn",
    "half_pixel_symmetric", "tf_crop_and_resize"]
  need rounding in ["round_prefer_floor", "round_prefer_ceil", "floor", "ceil", "simple"]
  out Y[O]: T
  if mode == "nearest" {
    let inner = [d in changed ? [o for o in range(O[d]) if not(outside(place(o, d), d))] : [] for d in range(r)]
    if crop { Y = extrapolation }
    let P = [not (d in changed) ? [[0, O[d], 1, 0, 1]]
      : moved(pieces([integer(clamp(nearest(place(o, d), d), 0, I[d] - 1)) for o in inner[d]]), inner[d]) for d in range(r)]
)" + kCopyPieces + R"(
  } else {
    let W = is_float(T) ? accumulator(T) : f32
    # the weight of tap k, for an output at distance x behind its base position
    def far_tap(x) = ((coeff*x - 5*coeff)*x + 8*coeff)*x - 4*coeff
    def near_tap(x) = ((coeff + 2)*x - (coeff + 3))*x*x + 1
    def weight(k, x) = mode == "linear" ? (k == 0 ? 1 - x : x)
      : k == -1 ? far_tap(x + 1) : k == 0 ? near_tap(x) : k == 1 ? near_tap(1 - x) : far_tap(2 - x)
    let taps = mode == "linear" ? [0, 1] : [-1, 0, 1, 2]
    let from = X
    for s in range(len(changed)) {
      let d = changed[s]
      let n = I[d]
      tmp S[[k in changed[:s + 1] ? O[k] : I[k] for k in range(r)]]: W
      def clipped(x) = mode == "linear" ? clamp(x, 0, n - 1) : x
      let where = [clipped(place(o, d)) for o in range(O[d])]
      let base = [integer(mode == "linear" ? max(min(floor(x), n - 2), 0) : floor(x)) for x in where]
      let kept = [o for o in range(O[d]) if not(outside(place(o, d), d))]
      if len(kept) < O[d] { S = extrapolation }
      def fits(k) = base[k] + taps[0] >= 0 and base[k] + taps[len(taps) - 1] <= n - 1
      # outputs whose taps all lie inside follow the base; the others are made one by one
      let whole = [k for k in kept if fits(k)]
      refuse len(whole) > 0 and whole[len(whole) - 1] - whole[0] + 1 != len(whole): "the region of interest is reversed"
      for p in moved(pieces(base[whole]), whole) {
        S[i[:d] ++ [p[0] + i[d]] ++ i[d + 1:]] =
          sum([cast(W, from[i[:d] ++ [(p[2]*i[d] + p[3])/p[4] + k] ++ i[d + 1:]])
            * cast(W, weight(k, clipped(place(p[0] + i[d], d)) - 1.0*((p[2]*i[d] + p[3])/p[4]))) for k in taps]) for i.. in [k == d ? p[1] : shape(S)[k] for k in range(r)]
      }
      for o in [k for k in kept if not(fits(k))] {
        let w = [weight(k, where[o] - base[o])
          * (exclude_outside != 0 and (base[o] + k < 0 or base[o] + k > n - 1) ? 0.0 : 1.0) for k in taps]
        let total = exclude_outside != 0 ? sum(w) : 1.0
        S[i[:d] ++ [o] ++ i[d + 1:]] =
          sum([cast(W, from[i[:d] ++ [clamp(base[o] + taps[k], 0, n - 1)] ++ i[d + 1:]])*(w[k]/total) for k in range(len(taps))]) for i.. in [k == d ? 1 : shape(S)[k] for k in range(r)]
      }
      set from = S
    }
    Y = cast(T, from)
  }
)";

// Extents from scales: floor(I*scale), in single precision as the scales are.
const std::string kFromScales = R"(
  def scaled(e, s) = surely(s == 1) ? e : integer(floor(single(real(e)*s)))
)";
const std::string kOldDefaults = R"(
  need len(scales) == len(I)
  need scales > 0
  let scale = scales
  let O = [scaled(I[d], scale[d]) for d in range(len(I))]
  need mode in ["nearest", "linear", "bilinear"]
  let mode = mode == "bilinear" ? "linear" : mode
  let coordinate = "asymmetric"
  let rounding = "simple"
  let start = fill(len(I), 0.0)
  let stop = fill(len(I), 1.0)
  let coeff = -0.75
  let exclude_outside = 0
  let extrapolation = 0
)";

const Registered<OpDef> upsample_7{{"Upsample", 7, R"(
  in X[I..]: T
  attr scales: floats
  attr mode: string = "nearest"
)" + kFromScales + kOldDefaults + kResample, 9}};
const std::string kUpsampleInput = R"(
  in X[I..]: T, scales[L]!: f32
  attr mode: string = "nearest"
)" + kFromScales + kOldDefaults + kResample;
const Registered<OpDef> upsample{{"Upsample", 9, kUpsampleInput}};
const Registered<OpDef> resize_10{{"Resize", 10, kUpsampleInput, 11}};

const Registered<OpDef> resize{{"Resize", 11, R"(
  type R: float
  in X[I..]: T, roi[A]?: R, scales[B]?: f32, sizes[C]?: i64
  attr mode: string = "nearest"
  attr coordinate_transformation_mode: string = "half_pixel"
  attr nearest_mode: string = "round_prefer_floor"
  attr cubic_coeff_a: float = -0.75
  attr exclude_outside: int = 0
  attr extrapolation_value: float = 0.0
  attr antialias: int = 0
  attr axes: ints?
  attr keep_aspect_ratio_policy: string = "stretch"
  need mode in ["nearest", "linear", "cubic"]
  need keep_aspect_ratio_policy in ["stretch", "not_larger", "not_smaller"]
  let rank = len(I)
  let axis = axes == none ? range(rank) : normal(axes, rank)
  need all([0 <= a and a < rank for a in axis])
  need distinct(axis)
  let by_scale = present(scales) and not(surely(B == 0))
  let by_size = present(sizes) and not(surely(C == 0))
  need by_scale or by_size: "needs scales or sizes"
  let given = content(by_scale ? scales : sizes)
  refuse given == none: "scales or sizes depend on run-time data"
  need len(given) == len(axis)
  need given > 0
)" + kFromScales + R"(
  let stretch = by_scale or keep_aspect_ratio_policy == "stretch"
  let ratios = stretch ? [] : [real(given[k])/real(I[axis[k]]) for k in range(len(axis))]
  let ratio = stretch ? 0 : keep_aspect_ratio_policy == "not_larger" ? reduce("min", ratios) : reduce("max", ratios)
  def extent(d) = not (d in axis) ? I[d] : by_scale ? scaled(I[d], given[find(axis, d)])
    : stretch ? given[find(axis, d)] : integer(floor(real(I[d])*ratio + 0.5))
  let O = [extent(d) for d in range(rank)]
  let scale = [not (d in axis) ? 1.0 : by_scale ? given[find(axis, d)] : not(stretch) ? ratio
    : surely(O[d] == I[d]) ? 1.0 : real(O[d])/real(I[d]) for d in range(rank)]
  refuse antialias != 0 and mode != "nearest" and any([s < 1 for s in scale]): "antialias is not supported"
  let coordinate = coordinate_transformation_mode
  let rounding = nearest_mode
  let region = coordinate == "tf_crop_and_resize" and present(roi) ? content(roi) : none
  refuse coordinate == "tf_crop_and_resize" and region == none: "the region of interest depends on run-time data"
  need region == none or len(region) == 2*len(axis)
  let start = [region != none and d in axis ? region[find(axis, d)] : 0.0 for d in range(rank)]
  let stop = [region != none and d in axis ? region[len(axis) + find(axis, d)] : 1.0 for d in range(rank)]
  let coeff = cubic_coeff_a
  let extrapolation = extrapolation_value
)" + kResample}};

}  // namespace
}  // namespace nasc
