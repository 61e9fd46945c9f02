// The table of scalar functions and the builders of expressions.
#include "ir/expr.h"

#include <algorithm>

#include "ir/diag.h"

namespace nasc {
namespace {
const std::vector<FnInfo>& table() {
  static const std::vector<FnInfo> rows = {
      {Fn::constant, "const", 0, nullptr, false}, {Fn::read, "read", 0, nullptr, false},
      {Fn::iterator, "iter", 0, nullptr, false},  {Fn::extent, "extent", 0, nullptr, false},
      {Fn::neg, "neg", 1, nullptr, false},        {Fn::abs, "abs", 1, nullptr, false},
      {Fn::sign, "sign", 1, nullptr, false},      {Fn::exp, "exp", 1, nullptr, false},
      {Fn::log, "log", 1, nullptr, false},        {Fn::sqrt, "sqrt", 1, nullptr, false},
      {Fn::sin, "sin", 1, nullptr, false},        {Fn::cos, "cos", 1, nullptr, false},
      {Fn::tan, "tan", 1, nullptr, false},        {Fn::asin, "asin", 1, nullptr, false},
      {Fn::acos, "acos", 1, nullptr, false},      {Fn::atan, "atan", 1, nullptr, false},
      {Fn::sinh, "sinh", 1, nullptr, false},      {Fn::cosh, "cosh", 1, nullptr, false},
      {Fn::tanh, "tanh", 1, nullptr, false},      {Fn::asinh, "asinh", 1, nullptr, false},
      {Fn::acosh, "acosh", 1, nullptr, false},    {Fn::atanh, "atanh", 1, nullptr, false},
      {Fn::erf, "erf", 1, nullptr, false},        {Fn::ceil, "ceil", 1, nullptr, false},
      {Fn::floor, "floor", 1, nullptr, false},    {Fn::round, "round", 1, nullptr, false},
      {Fn::isnan, "isnan", 1, nullptr, true},     {Fn::isinf, "isinf", 1, nullptr, true},
      {Fn::not_, "not", 1, nullptr, false},       {Fn::cast, "cast", 1, nullptr, false},
      {Fn::add, "add", 2, "+", false},            {Fn::sub, "sub", 2, "-", false},
      {Fn::mul, "mul", 2, "*", false},            {Fn::div, "div", 2, "/", false},
      {Fn::min, "min", 2, nullptr, false},        {Fn::max, "max", 2, nullptr, false},
      {Fn::pow, "pow", 2, nullptr, false},        {Fn::mod, "mod", 2, nullptr, false},
      {Fn::fmod, "fmod", 2, nullptr, false},      {Fn::eq, "eq", 2, "==", true},
      {Fn::ne, "ne", 2, "!=", true},              {Fn::lt, "lt", 2, "<", true},
      {Fn::le, "le", 2, "<=", true},              {Fn::gt, "gt", 2, ">", true},
      {Fn::ge, "ge", 2, ">=", true},              {Fn::and_, "and", 2, "&", false},
      {Fn::or_, "or", 2, "|", false},             {Fn::xor_, "xor", 2, "^", false},
      {Fn::shl, "shl", 2, "<<", false},           {Fn::shr, "shr", 2, ">>", false},
      {Fn::select, "select", 3, nullptr, false},
  };
  return rows;
}
ExprRef make(Expr e) { return std::make_shared<const Expr>(std::move(e)); }
}  // namespace

const FnInfo& info(Fn fn) {
  const FnInfo& row = table()[static_cast<size_t>(fn)];
  NASC_CHECK(row.fn == fn) << "table of scalar functions out of order at " << row.name;
  return row;
}
const FnInfo* find_fn(std::string_view name) {
  for (const auto& row : table())
    if (name == row.name || (row.infix && name == row.infix)) return &row;
  return nullptr;
}
const std::vector<FnInfo>& all_fns() { return table(); }

ExprRef constant(DType dtype, double value) {
  if (!is_float(dtype)) return constant_int(dtype, static_cast<int64_t>(value));
  return make({.fn = Fn::constant, .dtype = dtype, .args = {}, .number = value, .extent_value = {}});
}
ExprRef constant_int(DType dtype, int64_t value) {
  if (is_float(dtype)) return constant(dtype, static_cast<double>(value));
  return make({.fn = Fn::constant, .dtype = dtype, .args = {}, .integer = value, .extent_value = {}});
}
ExprRef read(int index, DType dtype) {
  return make({.fn = Fn::read, .dtype = dtype, .args = {}, .index = index, .extent_value = {}});
}
ExprRef iterator(int index) {
  return make({.fn = Fn::iterator, .dtype = DType::i64, .args = {}, .index = index, .extent_value = {}});
}
ExprRef extent(const Extent& value) {
  return make({.fn = Fn::extent, .dtype = DType::i64, .args = {}, .extent_value = value});
}

ExprRef apply(Fn fn, std::vector<ExprRef> args) {
  const FnInfo& row = info(fn);
  NASC_CHECK(static_cast<int>(args.size()) == row.arity && fn != Fn::cast) << "arguments of " << row.name;
  size_t first = fn == Fn::select ? 1 : 0;
  for (size_t i = first + 1; i < args.size(); ++i)
    NASC_CHECK(args[i]->dtype == args[first]->dtype)
        << "operands of " << row.name << ": " << name(args[first]->dtype) << " and " << name(args[i]->dtype);
  NASC_CHECK(fn != Fn::select || args[0]->dtype == DType::boolean) << "condition of select";
  DType type = row.gives_bool ? DType::boolean : args[first]->dtype;
  return make({.fn = fn, .dtype = type, .args = std::move(args), .extent_value = {}});
}
ExprRef cast(DType to, ExprRef e) {
  if (e->dtype == to) return e;
  return make({.fn = Fn::cast, .dtype = to, .args = {std::move(e)}, .extent_value = {}});
}

ExprRef rewrite(const ExprRef& e, const std::function<ExprRef(const ExprRef&)>& f) {
  std::vector<ExprRef> args;
  bool changed = false;
  for (const auto& a : e->args) {
    args.push_back(rewrite(a, f));
    changed |= args.back() != a;
  }
  if (!changed) return f(e);
  Expr copy = *e;
  copy.args = std::move(args);
  return f(make(std::move(copy)));
}
void visit(const ExprRef& e, const std::function<void(const Expr&)>& f) {
  for (const auto& a : e->args) visit(a, f);
  f(*e);
}
bool same(const ExprRef& a, const ExprRef& b) {
  if (a == b) return true;
  if (a->fn != b->fn || a->dtype != b->dtype || a->args.size() != b->args.size() || a->index != b->index ||
      a->integer != b->integer || !(a->extent_value == b->extent_value) ||
      !(a->number == b->number || (a->number != a->number && b->number != b->number)))
    return false;
  for (size_t i = 0; i < a->args.size(); ++i)
    if (!same(a->args[i], b->args[i])) return false;
  return true;
}
size_t depth(const ExprRef& e) {
  size_t d = 0;
  for (const auto& a : e->args) d = std::max(d, depth(a));
  return d + 1;
}

}  // namespace nasc
