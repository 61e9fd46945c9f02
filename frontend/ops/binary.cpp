// Elementwise operators of two or more inputs, with the broadcasting of their opset.
#include "frontend/ops/elementwise.h"

namespace nasc {
namespace {

struct Row {
  const char* name;
  int since;
  const char* types;
  const char* result;  // type of Y
  const char* body;    // of a and b
  bool legacy;         // had attributes axis and broadcast before opset 7
};

// Before opset 7 B's shape is a run of A's that starts at `axis`.
std::string legacy_text(const Row& r) {
  return std::string("type T: ") + r.types + R"(
    in A[I..]: T, B[J..]: T
    attr broadcast: int = 0
    attr axis: int?
    let at = axis == none ? len(I) - len(J) : axis < 0 ? axis + len(I) : axis
    need broadcast != 0 or I == J
    need at >= 0 and at + len(J) <= len(I)
    need all([J[k] == 1 or J[k] == I[at + k] for k in range(len(J))])
    out Y[I..]: )" + r.result + R"(
    def f(a, b) = )" + r.body + R"(
    Y[i..] = f(A[i], B[[surely(J[k] == 1) and not(surely(I[at + k] == 1)) ? 0 : i[at + k] for k in range(len(J))]])
  )";
}
std::string text_of(const Row& r) {
  return std::string("type T: ") + r.types + R"(
    def f(a, b) = )" + r.body + R"(
    in A[I..]: T, B[J..]: T
    out Y[broadcast(I, J)]: )" + r.result + R"(
    Y = f(A, B)
  )";
}

const OpTable table = [] {
  const Row rows[] = {
      {"Add", 7, "num", "T", "a + b", true},
      {"Sub", 7, "num", "T", "a - b", true},
      {"Mul", 7, "num", "T", "a*b", true},
      {"Div", 7, "num", "T", "a/b", true},
      {"And", 7, "bool", "bool", "and(a, b)", true},
      {"Or", 7, "bool", "bool", "or(a, b)", true},
      {"Xor", 7, "bool", "bool", "xor(a, b)", true},
      {"Equal", 7, "any", "bool", "a == b", true},
      {"Greater", 7, "num", "bool", "a > b", true},
      {"Less", 7, "num", "bool", "a < b", true},
      {"GreaterOrEqual", 12, "num", "bool", "a >= b", false},
      {"LessOrEqual", 12, "num", "bool", "a <= b", false},
      {"BitwiseAnd", 18, "int", "T", "and(a, b)", false},
      {"BitwiseOr", 18, "int", "T", "or(a, b)", false},
      {"BitwiseXor", 18, "int", "T", "xor(a, b)", false},
  };
  OpTable t;
  for (const Row& r : rows) {
    t.add(r.name, r.since, text_of(r));
    if (r.legacy) t.add(r.name, 1, legacy_text(r));
  }
  return t;
}();

const Registered<OpDef> mod{{"Mod", 10, R"(
  type T: num
  in A[I..]: T, B[J..]: T
  attr fmod: int = 0
  need fmod != 0 or opset < 13 or not(is_float(T))
  out Y[broadcast(I, J)]: T
  Y = fmod != 0 ? fmod(A, B) : mod(A, B)
)"}};

const Registered<OpDef> bit_shift{{"BitShift", 11, R"(
  type T: unsigned
  in A[I..]: T, B[J..]: T
  attr direction: string
  need direction in ["LEFT", "RIGHT"]
  out Y[broadcast(I, J)]: T
  Y = select(B >= cast(T, bits(T)), 0, direction == "LEFT" ? shl(A, B) : shr(A, B))
)"}};

// The exponent may have another type: the power is taken in the wider of single precision and the base's type.
const Registered<OpDef> pow_op{{"Pow", 1, R"(
  type T: f16 f32 f64 i32 i64
  type E: num
  in A[I..]: T, B[J..]: E
  attr broadcast: int = 0
  attr axis: int?
  refuse opset < 7 and axis != none
  let W = T == E ? T : is_float(T) ? accumulator(T) : is_float(E) ? f64 : i64
  out Y[broadcast(I, J)]: T
  let e = content(B)
  let p = e != none and len(e) == 1 ? e[0] : none
  if p != none and p == 2 and is_float(T) { Y = A*A }
  else if p != none and p == 1 { Y = A }
  else if p != none and p == 3 and is_float(T) { Y = A*A*A }
  else if p != none and p == 0.5 and is_float(T) { Y = sqrt(A) }
  else { Y = T == E ? pow(A, B) : cast(T, pow(cast(W, A), cast(W, B))) }
)"}};

const Registered<OpDef> where_op{{"Where", 9, R"(
  type T: any
  in C[K..]: bool, A[I..]: T, B[J..]: T
  out Y[broadcast(K, broadcast(I, J))]: T
  Y = select(C, A, B)
)"}};

// Sum, Mean, Max, Min: one statement over all inputs.
std::string variadic(const char* types, const char* next, const char* last) {
  return std::string("type T: ") + types + R"(
    in X*[I..]: T
    let n = len(X)
    def next(a, x) = )" + next + R"(
    def last(a, n) = )" + last + R"(
    out Y[reduce("broadcast", [shape(x) for x in X])]: T
    Y = last(reduce("next", X), n)
  )";
}
const OpTable variadics = [] {
  OpTable t;
  t.add("Sum", 1, variadic("float", "a + x", "a"));
  t.add("Mean", 1, variadic("float", "a + x", "a/n"));
  t.add("Max", 1, variadic("num", "max(a, x)", "a"));
  t.add("Min", 1, variadic("num", "min(a, x)", "a"));
  return t;
}();

}  // namespace
}  // namespace nasc
