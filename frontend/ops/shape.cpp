// Views and what only looks at shapes: Reshape, Flatten, Squeeze, Identity, Shape, ...
#include "frontend/ops/elementwise.h"

namespace nasc {
namespace {

const char* const kReshape = R"(
  let r = len(shape)
  def at(k) = surely(shape[k] == 0) and allowzero == 0 ? I[k] : shape[k]
  let given = [at(k) for k in range(r)]
  let wild = [k for k in range(r) if surely(given[k] == -1)]
  need len(wild) <= 1: "more than one -1 in the new shape"
  let rest = product([given[k] for k in range(r) if not (k in wild)])
  let O = [k in wild ? (surely(rest == 0) ? 0 : product(I)/rest) : given[k] for k in range(r)]
  need product(O) == product(I): "the new shape has another number of elements"
  out Y[O..]: T
  view X
)";
const Registered<OpDef> reshape_1{{"Reshape", 1, std::string(R"(
  in X[I..]: T
  attr shape: ints
  let allowzero = 0
)") + kReshape}};
const Registered<OpDef> reshape{{"Reshape", 5, std::string(R"(
  in X[I..]: T, shape[R]!: i64
  attr allowzero: int = 0
)") + kReshape}};

const Registered<OpDef> flatten{{"Flatten", 1, R"(
  in X[I..]: T
  attr axis: int = 1
  let r = len(I)
  let a = axis < 0 ? axis + r : axis
  need 0 <= a and a <= r: "axis is out of range"
  out Y[product(I[:a]), product(I[a:])]: T
  view X
)"}};

const char* const kSqueeze = R"(
  let r = len(I)
  let given = axes == none ? [k for k in range(r) if surely(I[k] == 1)] : normal(axes, r)
  need all([0 <= a and a < r for a in given]): "axes are out of range"
  need distinct(given)
  need I[given] == 1
  out Y[I[complement(given, r)]]: T
  view X
)";
const Registered<OpDef> squeeze_1{{"Squeeze", 1, std::string("in X[I..]: T\nattr axes: ints?\n") + kSqueeze}};
const Registered<OpDef> squeeze{{"Squeeze", 13, std::string("in X[I..]: T, axes[L]?!: i64\n") + kSqueeze}};

const char* const kUnsqueeze = R"(
  let r = len(I) + len(axes)
  let given = normal(axes, r)
  need all([0 <= a and a < r for a in given]): "axes are out of range"
  need distinct(given)
  let rest = complement(given, r)
  out Y[[d in given ? 1 : I[find(rest, d)] for d in range(r)]]: T
  view X
)";
const Registered<OpDef> unsqueeze_1{{"Unsqueeze", 1, std::string("in X[I..]: T\nattr axes: ints\n") + kUnsqueeze}};
const Registered<OpDef> unsqueeze{{"Unsqueeze", 13, std::string("in X[I..]: T, axes[L..]!: i64\n") + kUnsqueeze}};

const Registered<OpDef> identity{{"Identity", 1, "in X[I..]: T\nout Y[I..]: T\nview X"}};

const char* const kDropout = R"(
  if outputs > 1 {
    out Y[I..]: T, M[I..]?: opset < 10 ? T : bool
    Y = X
    M = 1
  } else {
    out Y[I..]: T
    view X
  }
)";
const Registered<OpDef> dropout_1{{"Dropout", 1, std::string(R"(
  type T: float
  in X[I..]: T
  attr ratio: float = 0.5
  attr is_test: int = 0
  refuse opset < 7 and is_test == 0 and ratio != 0: "training mode is not supported"
)") + kDropout}};
const Registered<OpDef> dropout{{"Dropout", 12, std::string(R"(
  type T: float
  in X[I..]: T, ratio[A..]?: R, training[B..]?: bool
  attr seed: int?
  let on = present(training) ? content(training) : [0]
  let by = present(ratio) ? content(ratio) : [0.5]
  refuse on == none: "training_mode depends on run-time data"
  refuse any(on) and (by == none or any(by)): "training mode is not supported"
)") + kDropout}};

const Registered<OpDef> shape_op{{"Shape", 1, R"(
  in X[I..]: T
  attr start: int = 0
  attr end: int = 9223372036854775807
  let part = I[start:end]
  out Y[len(part)]: i64
  content part
)"}};
const Registered<OpDef> size{{"Size", 1, "in X[I..]: T\nout Y[]: i64\ncontent [product(I)]"}};

const Registered<OpDef> constant_of_shape{{"ConstantOfShape", 9, R"(
  in shape[L]!: i64
  attr value: tensor?
  need shape >= 0
  need value == none or len(value) == 1
  out Y[shape]: value == none ? f32 : value_type
  Y = value == none ? 0 : value[0]
)"}};

const Registered<OpDef> eye_like{{"EyeLike", 9, R"(
  in X[M, N]: T
  attr dtype: int?
  attr k: int = 0
  let R = dtype == none ? T : dtype(dtype)
  let by = k
  out Y[M, N]: R
  Y[i, j] = select(j == i + by, cast(R, 1), cast(R, 0))
)"}};

const Registered<OpDef> range{{"Range", 11, R"(
  type T: f16 f32 f64 i16 i32 i64
  in start[A..]!: T, limit[B..]!: T, delta[D..]!: T
  need len(start) == 1 and len(limit) == 1 and len(delta) == 1
  let first = start[0]
  let step = delta[0]
  need step != 0
  out Y[is_float(T) ? integer(max(ceil((limit[0] - first)/step), 0))
    : surely(step == 1) and not(known(limit)) ? limit[0] - first : max(ceil_div_signed(limit[0] - first, step), 0)]: T
  Y[i] = cast(T, first + i*step)
)"}};

const Registered<OpDef> one_hot{{"OneHot", 9, R"(
  type T1: num
  type T2: num
  type T: any
  in X[I..]: T1, depth[D..]!: T2, values[V]: T
  attr axis: int = -1
  need len(depth) == 1
  need V == 2
  let n = integer(depth[0])
  need n >= 1
  let r = len(I) + 1
  let a = axis < 0 ? axis + r : axis
  need 0 <= a and a < r: "axis is out of range"
  out Y[I[:a] ++ [n] ++ I[a:]]: T
  def wrapped(x) = select(x < 0, x + n, x)
  Y[o..] = select(wrapped(cast(i64, X[o[:a] ++ o[a + 1:]])) == o[a], values[1], values[0])
)"}};

const Registered<OpDef> trilu{{"Trilu", 14, R"(
  in X[B.., M, N]: T, k[L..]?!: i64
  attr upper: int = 1
  let by = k == none ? 0 : clamp(k[0], -2147483648, 2147483648)
  out Y[B.., M, N]: T
  Y[b.., i, j] = select(upper != 0 ? j - i >= by : j - i <= by, X[b, i, j], 0)
)"}};

}  // namespace
}  // namespace nasc
