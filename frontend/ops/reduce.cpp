// Reductions over axes, ArgMax and ArgMin, softmax.
#include "frontend/ops/elementwise.h"

namespace nasc {
namespace {

struct Row {
  const char* name;
  const char* types;
  int input_since;    // axes became an input
  const char* first;  // initial value
  const char* combine;
  const char* term;   // of x
  const char* last;   // of s
};

std::string reduce_text(const Row& r, bool input) {
  std::string text = std::string("type T: ") + r.types + "\n";
  if (input) {
    text += R"(
      in X[I..]: T, axes[L]?!: i64
      attr noop_with_empty_axes: int = 0
      let given = axes or []
    )";
  } else {
    text += R"(
      in X[I..]: T
      attr axes: ints?
      let noop_with_empty_axes = 0
      let given = axes or []
    )";
  }
  text += R"(
    attr keepdims: int = 1
    let r = len(I)
    let axis = normal(given, r)
    need all([0 <= a and a < r for a in axis]): "axes are out of range"
    need distinct(axis): "axes repeat"
    let noop = len(given) == 0 and noop_with_empty_axes != 0
    let a = len(given) > 0 or noop ? axis : range(r)
    let kept = complement(a, r)
    out Y[keepdims != 0 ? [d in a ? 1 : I[d] for d in range(r)] : I[kept]]: T
    def at(o, k) = [d in a ? k[find(a, d)] : keepdims != 0 ? o[d] : o[find(kept, d)] for d in range(r)]
    let count = product(I[a])
    let none_left = surely(count == 0)
  )";
  text += std::string("def term(x) = ") + r.term + "\ndef last(s) = " + r.last + "\n";
  bool direct = std::string(r.last) == "s";
  std::string target = direct ? "Y" : "S", body = std::string("\n") + (direct ? "" : "tmp S[shape(Y)]: accumulator(T)\n") +
                       target + " = " + r.first + "\n" + target + "[o..] " + r.combine +
                       " term(X[at(o, k)]) for k.. in I[a]\n" + (direct ? "" : "Y = last(S)\n");
  return text + "if noop and " + (input ? "true" : "false") + " { Y = X }\nelse {" + body + "}\n";
}

const OpTable reductions = [] {
  const Row rows[] = {
      {"ReduceSum", "f16 f32 f64 i32 i64 u32 u64", 13, "0", "+=", "x", "s"},
      {"ReduceMean", "f16 f32 f64 i32 i64 u32 u64", 18, "0", "+=", "x", "s/count"},
      {"ReduceProd", "f16 f32 f64 i32 i64 u32 u64", 18, "1", "*=", "x", "s"},
      {"ReduceMax", "num bool", 18, "lowest(T)", "max=", "x", "s"},
      {"ReduceMin", "num bool", 18, "highest(T)", "min=", "x", "s"},
      {"ReduceL1", "f16 f32 f64 i32 i64 u32 u64", 18, "0", "+=", "abs(x)", "s"},
      {"ReduceL2", "f16 f32 f64 i32 i64 u32 u64", 18, "0", "+=", "x*x", "is_float(T) ? sqrt(s) : cast(T, sqrt(cast(f64, s)))"},
      {"ReduceSumSquare", "f16 f32 f64 i32 i64 u32 u64", 18, "0", "+=", "x*x", "s"},
      {"ReduceLogSum", "float", 18, "0", "+=", "x", "log(s)"},
  };
  OpTable t;
  for (const Row& r : rows) {
    t.add(r.name, 1, reduce_text(r, false));
    t.add(r.name, r.input_since, reduce_text(r, true));
  }
  // log(sum(exp(x))) around the maximum, so that nothing overflows
  Row m{"ReduceLogSumExp", "float", 18, "", "", "x", "s"};
  for (bool input : {false, true}) {
    std::string text = reduce_text(m, input);
    text.resize(text.find("def term"));
    t.add(m.name, input ? 18 : 1, text + R"(
      tmp M[shape(Y)]: accumulator(T), S[shape(Y)]: accumulator(T)
      M = lowest(T)
      M[o..] max= X[at(o, k)] for k.. in I[a]
      S = 0
      S[o..] += exp(X[at(o, k)] - select(isinf(M[o]), 0, M[o])) for k.. in I[a]
      Y = log(S) + select(isinf(M), 0, M)
    )");
  }
  return t;
}();

// The position of the first (or last) extreme element; NaN counts as the extreme.
std::string arg_text(const char* lowest, const char* combine) {
  return std::string(R"(
    type T: num
    in X[I..]: T
    attr axis: int = 0
    attr keepdims: int = 1
    attr select_last_index: int = 0
    let r = len(I)
    let a = axis < 0 ? axis + r : axis
    need 0 <= a and a < r: "axis is out of range"
    let n = I[a]
    need n >= 1
    out Y[I[:a] ++ (keepdims != 0 ? [1] : []) ++ I[a + 1:]]: i64
    tmp M[shape(Y)]: accumulator(T)
    def at(o, k) = o[:a] ++ [k] ++ o[keepdims != 0 ? a + 1 : a:]
    def hit(x, m) = is_float(T) ? or(x == m, isnan(x)) : x == m
    M = )") + lowest + "(T)\nM[o..] " + combine + R"( X[at(o, k)] for k in n
    if select_last_index != 0 {
      Y = -1
      Y[o..] max= select(hit(X[at(o, k)], M[o]), k, -1) for k in n
    } else {
      Y = n
      Y[o..] min= select(hit(X[at(o, k)], M[o]), k, n) for k in n
    })";
}
const Registered<OpDef> arg_max{{"ArgMax", 1, arg_text("lowest", "max=")}};
const Registered<OpDef> arg_min{{"ArgMin", 1, arg_text("highest", "min=")}};

// Before opset 13 the tensor is a matrix: everything from `axis` on is one row.
std::string softmax_text(int since, const char* body) {
  std::string text = R"(
    type T: float
    in X[I..]: T
    let r = len(I)
  )";
  text += since >= 13 ? "attr axis: int = -1\n" : "attr axis: int = 1\n";
  text += R"(
    let a = axis < 0 ? axis + r : axis
  )";
  text += since >= 13 ? R"(
    need 0 <= a and a < r: "axis is out of range"
    let row = [a]
  )" : R"(
    need 0 <= a and a <= r: "axis is out of range"
    let row = range(r)[a:]
  )";
  text += R"(
    let kept = complement(row, r)
    let W = accumulator(T)
    let E = I[row]
    def at(o, k) = [d in row ? k[find(row, d)] : o[find(kept, d)] for d in range(r)]
    out Y[I..]: T
    tmp M[I[kept]]: W
    M[o..] = lowest(W)
    M[o..] max= X[at(o, k)] for k.. in E
  )";
  return text + body;
}
const OpTable softmaxes = [] {
  OpTable t;
  for (int since : {1, 13}) {
    t.add("Softmax", since, softmax_text(since, R"(
      tmp P[I..]: W, S[I[kept]]: W
      P[i..] = exp(X[i] - M[i[kept]])
      S[o..] = 0
      S[o..] += P[at(o, k)] for k.. in E
      Y[i..] = P[i] / S[i[kept]])"));
    t.add("LogSoftmax", since, softmax_text(since, R"(
      tmp S[I[kept]]: W
      S[o..] = 0
      S[o..] += exp(X[at(o, k)] - M[o]) for k.. in E
      Y[i..] = X[i] - M[i[kept]] - log(S[i[kept]]))"));
    t.add("Hardmax", since, softmax_text(since, R"(
      tmp F[I[kept]]: i64
      let w = [product(E[d + 1:]) for d in range(len(E))]
      F[o..] = product(E)
      F[o..] min= select(X[at(o, k)] == M[o], cast(i64, sum(k*w)), product(E)) for k.. in E
      Y[i..] = select(F[i[kept]] == sum(i[row]*w), 1.0, 0.0))"));
  }
  return t;
}();

}  // namespace
}  // namespace nasc
