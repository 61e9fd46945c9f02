// Expr: the scalar computation of a statement, an immutable tree shared by reference.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "ir/dtype.h"
#include "ir/extent.h"

namespace nasc {

// Leaves first. Integer division truncates; mod has the sign of the divisor, fmod that of the dividend;
// min, max propagate NaN; round is half-to-even; comparisons and logic give bool; and, or, xor on integers are bitwise.
enum class Fn : uint8_t {
  constant, read, iterator, extent,
  neg, abs, sign, exp, log, sqrt, sin, cos, tan, asin, acos, atan, sinh, cosh, tanh, asinh, acosh, atanh, erf,
  ceil, floor, round, isnan, isinf, not_, cast,
  add, sub, mul, div, min, max, pow, mod, fmod, eq, ne, lt, le, gt, ge, and_, or_, xor_, shl, shr,
  select,
};

// One row per function: its name in text, number of arguments, infix symbol or nullptr.
struct FnInfo {
  Fn fn;
  const char* name;
  int arity;
  const char* infix;
  bool gives_bool;
};
const FnInfo& info(Fn fn);
const FnInfo* find_fn(std::string_view name);
const std::vector<FnInfo>& all_fns();

struct Expr;
using ExprRef = std::shared_ptr<const Expr>;
struct Expr {
  Fn fn;
  DType dtype;  // of the result
  std::vector<ExprRef> args;
  double number = 0;    // constant of a float type
  int64_t integer = 0;  // constant of an integer type or bool
  int index = 0;        // read: k-th read of the statement; iterator: k-th iterator
  Extent extent_value;  // extent: its value as i64
};

ExprRef constant(DType dtype, double value);
ExprRef constant_int(DType dtype, int64_t value);
ExprRef read(int index, DType dtype);
ExprRef iterator(int index);  // i64
ExprRef extent(const Extent& value);
// Result type by the table: bool for comparisons, else that of the first argument (select: of the second).
// Checks that operand types agree (no implicit conversions).
ExprRef apply(Fn fn, std::vector<ExprRef> args);
ExprRef cast(DType to, ExprRef e);

// The tree with `f` applied to each node bottom-up; f returns its argument to keep it.
ExprRef rewrite(const ExprRef& e, const std::function<ExprRef(const ExprRef&)>& f);
void visit(const ExprRef& e, const std::function<void(const Expr&)>& f);
bool same(const ExprRef& a, const ExprRef& b);
size_t depth(const ExprRef& e);

}  // namespace nasc
