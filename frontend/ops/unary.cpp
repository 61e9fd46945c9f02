// Elementwise operators of one input, one row each.
#include "frontend/ops/elementwise.h"

namespace nasc {
namespace {

struct Row {
  const char* name;
  int since;
  const char* types;
  const char* attributes;
  const char* body;
};

const OpTable table = [] {
  const Row rows[] = {
      {"Relu", 1, "f16 f32 f64 signed", "", "max(X, 0)"},
      {"LeakyRelu", 1, "float", "attr alpha: float = 0.01", "select(X < 0, alpha*X, X)"},
      {"ThresholdedRelu", 1, "float", "attr alpha: float = 1.0", "select(X > alpha, X, 0)"},
      {"Elu", 1, "float", "attr alpha: float = 1.0", "select(X < 0, alpha*(exp(X) - 1), X)"},
      {"Celu", 1, "float", "attr alpha: float = 1.0", "max(X, 0) + min(alpha*(exp(X/alpha) - 1), 0)"},
      {"Selu", 1, "float",
       "attr alpha: float = 1.67326319217681884765625; attr gamma: float = 1.05070102214813232421875",
       "gamma*select(X > 0, X, alpha*exp(X) - alpha)"},
      {"Sigmoid", 1, "float", "", "sigmoid(X)"},
      {"HardSigmoid", 1, "float", "attr alpha: float = 0.2; attr beta: float = 0.5", "clamp(alpha*X + beta, 0, 1)"},
      {"HardSwish", 14, "float", "", "X*clamp(X*0.16666666666666666 + 0.5, 0, 1)"},
      {"Swish", 24, "float", "attr alpha: float = 1.0", "X*sigmoid(alpha*X)"},
      {"Mish", 18, "float", "", "X*tanh(softplus(X))"},
      {"Softplus", 1, "float", "", "softplus(X)"},
      {"Softsign", 1, "float", "", "X/(1 + abs(X))"},
      {"Gelu", 20, "float", "attr approximate: string = \"none\"; need approximate in [\"none\", \"tanh\"]",
       "approximate == \"none\" ? gelu(X) : 0.5*X*(1 + tanh(0.79788456080286535588*(X + 0.044715*X*X*X)))"},
      {"Shrink", 9, "num", "attr lambd: float = 0.5; attr bias: float = 0.0",
       "select(X < cast(T, lambd)*(-1), X + cast(T, bias), select(X > cast(T, lambd), X - cast(T, bias), 0))"},
      {"Tanh", 1, "float", "", "tanh(X)"},
      {"Erf", 9, "num", "", "is_float(T) ? erf(X) : cast(T, erf(cast(f32, X)))"},
      {"Exp", 1, "float", "", "exp(X)"},
      {"Log", 1, "float", "", "log(X)"},
      {"Sqrt", 1, "float", "", "sqrt(X)"},
      {"Reciprocal", 1, "float", "", "1/X"},
      {"Sin", 7, "float", "", "sin(X)"},
      {"Cos", 7, "float", "", "cos(X)"},
      {"Tan", 7, "float", "", "tan(X)"},
      {"Asin", 7, "float", "", "asin(X)"},
      {"Acos", 7, "float", "", "acos(X)"},
      {"Atan", 7, "float", "", "atan(X)"},
      {"Sinh", 9, "float", "", "sinh(X)"},
      {"Cosh", 9, "float", "", "cosh(X)"},
      {"Asinh", 9, "float", "", "asinh(X)"},
      {"Acosh", 9, "float", "", "acosh(X)"},
      {"Atanh", 9, "float", "", "atanh(X)"},
      {"Abs", 1, "num", "", "abs(X)"},
      {"Neg", 1, "f16 f32 f64 signed", "", "neg(X)"},
      {"Sign", 9, "num", "", "sign(X)"},
      {"Ceil", 1, "float", "", "ceil(X)"},
      {"Floor", 1, "float", "", "floor(X)"},
      {"Round", 11, "float", "", "round(X)"},
      {"Not", 1, "bool", "", "not(X)"},
      {"BitwiseNot", 18, "int", "", "xor(X, is_signed(T) ? -1 : highest(T))"},
  };
  OpTable t;
  for (const Row& r : rows)
    t.add(r.name, r.since,
          std::string("type T: ") + r.types + "\nin X[I..]: T\n" + r.attributes + "\nout Y[I..]: T\nY = " + r.body);
  t.add("IsNaN", 9, "type T: float\nin X[I..]: T\nout Y[I..]: bool\nY = isnan(X)");
  t.add("IsInf", 10, R"(
    type T: float
    in X[I..]: T
    attr detect_negative: int = 1
    attr detect_positive: int = 1
    out Y[I..]: bool
    Y = detect_negative != 0 and detect_positive != 0 ? isinf(X) : detect_positive != 0 ? X == inf
      : detect_negative != 0 ? X == -inf : X != X and X == X)");
  return t;
}();

// A value limits too large for an integer type cannot arise: attributes came before integer types.
const Registered<OpDef> clip_6{{"Clip", 1, R"(
  type T: float
  in X[I..]: T
  attr min: float = -3.4028234663852886e38
  attr max: float = 3.4028234663852886e38
  let lo = min
  let hi = max
  out Y[I..]: T
  Y = clamp(X, lo, hi)
)"}};
const Registered<OpDef> clip{{"Clip", 11, R"(
  type T: num
  in X[I..]: T, L[A..]?: T, H[B..]?: T
  need len(A or []) == 0 or A == [1]
  need len(B or []) == 0 or B == [1]
  out Y[I..]: T
  let a = fill(len(A or []), 0)
  let b = fill(len(B or []), 0)
  Y = present(L) ? (present(H) ? min(max(X, L[a]), H[b]) : max(X, L[a])) : present(H) ? min(X, H[b]) : X
)"}};

const Registered<OpDef> prelu{{"PRelu", 1, R"(
  type T: f16 f32 f64 i32 i64 u32 u64
  in X[I..]: T, S[J..]: T
  out Y[I..]: T
  if opset < 7 and len(J) == 1 and len(I) > 1 {
    Y[n, c, o..] = select(X[n, c, o] < 0, S[J[0] == 1 ? 0 : c]*X[n, c, o], X[n, c, o])
  } else {
    need broadcast(I, J) == I
    Y = select(X < 0, S*X, X)
  }
)"}};

// A float to an integer drops its fraction; to bool is a comparison with zero.
const Registered<OpDef> cast_op{{"Cast", 6, R"(
  type T: any
  in X[I..]: T
  attr to: int
  let R = dtype(to)
  out Y[I..]: R
  if R == T { view X } else { Y = R == bool ? X != 0 : cast(R, X) }
)"}};
const Registered<OpDef> cast_like{{"CastLike", 15, R"(
  type T: any
  type R: any
  in X[I..]: T, L[J..]: R
  out Y[I..]: R
  if R == T { view X } else { Y = R == bool ? X != 0 : cast(R, X) }
)"}};

}  // namespace
}  // namespace nasc
