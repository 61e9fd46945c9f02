// The table of derivatives and the walk that applies it.
#include "ir/derivative.h"

#include <numbers>

#include "ir/diag.h"

namespace nasc {
namespace {
ExprRef number(const ExprRef& like, double value) { return constant(like->dtype, value); }
bool is_number(const ExprRef& e, double value) {
  return e->fn == Fn::constant && is_float(e->dtype) && e->number == value;
}
ExprRef neg(const ExprRef& a) { return apply(Fn::neg, {a}); }
ExprRef add(const ExprRef& a, const ExprRef& b) { return apply(Fn::add, {a, b}); }
ExprRef sub(const ExprRef& a, const ExprRef& b) { return apply(Fn::sub, {a, b}); }
ExprRef div(const ExprRef& a, const ExprRef& b) { return is_number(b, 1) ? a : apply(Fn::div, {a, b}); }
ExprRef mul(const ExprRef& a, const ExprRef& b) {
  if (is_number(a, 1)) return b;
  return is_number(b, 1) ? a : apply(Fn::mul, {a, b});
}
ExprRef square(const ExprRef& a) { return mul(a, a); }
ExprRef root(const ExprRef& a) { return apply(Fn::sqrt, {a}); }
ExprRef where(Fn compare, const ExprRef& a, const ExprRef& b, const ExprRef& yes, const ExprRef& no) {
  return apply(Fn::select, {apply(compare, {a, b}), yes, no});
}

// g * d f(a, b) / d a (or b), where f is the value itself. A row without a function has derivative zero.
using Pull = ExprRef (*)(const std::vector<ExprRef>& x, const ExprRef& f, const ExprRef& g);
struct Row {
  Fn fn;
  Pull by[3];
};
#define PULL [](const std::vector<ExprRef>& x, const ExprRef& f, const ExprRef& g) -> ExprRef
#define UNUSED (void)x, (void)f, (void)g
const Row kRows[] = {
    {Fn::neg, {PULL { UNUSED; return neg(g); }}},
    {Fn::abs, {PULL { UNUSED; return mul(g, apply(Fn::sign, {x[0]})); }}},
    {Fn::sign, {}},
    {Fn::ceil, {}},
    {Fn::floor, {}},
    {Fn::round, {}},
    {Fn::exp, {PULL { UNUSED; return mul(g, f); }}},
    {Fn::log, {PULL { UNUSED; return div(g, x[0]); }}},
    {Fn::sqrt, {PULL { UNUSED; return div(mul(number(g, 0.5), g), f); }}},
    {Fn::sin, {PULL { UNUSED; return mul(g, apply(Fn::cos, {x[0]})); }}},
    {Fn::cos, {PULL { UNUSED; return neg(mul(g, apply(Fn::sin, {x[0]}))); }}},
    {Fn::tan, {PULL { UNUSED; return mul(g, add(number(g, 1), square(f))); }}},
    {Fn::asin, {PULL { UNUSED; return div(g, root(sub(number(g, 1), square(x[0])))); }}},
    {Fn::acos, {PULL { UNUSED; return neg(div(g, root(sub(number(g, 1), square(x[0]))))); }}},
    {Fn::atan, {PULL { UNUSED; return div(g, add(number(g, 1), square(x[0]))); }}},
    {Fn::sinh, {PULL { UNUSED; return mul(g, apply(Fn::cosh, {x[0]})); }}},
    {Fn::cosh, {PULL { UNUSED; return mul(g, apply(Fn::sinh, {x[0]})); }}},
    {Fn::tanh, {PULL { UNUSED; return mul(g, sub(number(g, 1), square(f))); }}},
    {Fn::asinh, {PULL { UNUSED; return div(g, root(add(square(x[0]), number(g, 1)))); }}},
    {Fn::acosh, {PULL { UNUSED; return div(g, root(sub(square(x[0]), number(g, 1)))); }}},
    {Fn::atanh, {PULL { UNUSED; return div(g, sub(number(g, 1), square(x[0]))); }}},
    {Fn::erf,
     {PULL { UNUSED; return mul(g, mul(number(g, 2 * std::numbers::inv_sqrtpi), apply(Fn::exp, {neg(square(x[0]))}))); }}},
    {Fn::add, {PULL { UNUSED; return g; }, PULL { UNUSED; return g; }}},
    {Fn::sub, {PULL { UNUSED; return g; }, PULL { UNUSED; return neg(g); }}},
    {Fn::mul, {PULL { UNUSED; return mul(g, x[1]); }, PULL { UNUSED; return mul(g, x[0]); }}},
    {Fn::div, {PULL { UNUSED; return div(g, x[1]); }, PULL { UNUSED; return neg(div(mul(g, f), x[1])); }}},
    {Fn::max,
     {PULL { UNUSED; return where(Fn::gt, x[0], x[1], g, number(g, 0)); },
      PULL { UNUSED; return where(Fn::gt, x[0], x[1], number(g, 0), g); }}},
    {Fn::min,
     {PULL { UNUSED; return where(Fn::lt, x[0], x[1], g, number(g, 0)); },
      PULL { UNUSED; return where(Fn::lt, x[0], x[1], number(g, 0), g); }}},
    {Fn::pow,
     {PULL { UNUSED; return mul(g, mul(x[1], apply(Fn::pow, {x[0], sub(x[1], number(g, 1))}))); },
      PULL { UNUSED; return mul(g, mul(f, apply(Fn::log, {x[0]}))); }}},
    {Fn::select,
     {nullptr, PULL { UNUSED; return apply(Fn::select, {x[0], g, number(g, 0)}); },
      PULL { UNUSED; return apply(Fn::select, {x[0], number(g, 0), g}); }}},
};
#undef PULL
#undef UNUSED

const Row* find_row(Fn fn) {
  for (const Row& row : kRows)
    if (row.fn == fn) return &row;
  return nullptr;
}

bool reads(const ExprRef& e, int k) {
  bool found = false;
  visit(e, [&](const Expr& x) { found |= x.fn == Fn::read && x.index == k; });
  return found;
}
}  // namespace

ExprRef pull_back(const ExprRef& e, int k, const ExprRef& g) {
  if (e->fn == Fn::read) return e->index == k ? g : nullptr;
  if (!is_float(e->dtype) || !reads(e, k)) return nullptr;
  if (e->fn == Fn::cast) {
    const ExprRef& from = e->args[0];
    return is_float(from->dtype) ? pull_back(from, k, cast(from->dtype, g)) : nullptr;
  }
  const Row* row = find_row(e->fn);
  if (!row) throw UserError(code::unsupported_op, "adjoint", text("the function ", info(e->fn).name, " has no derivative here"));
  ExprRef sum;
  for (size_t a = 0; a < e->args.size(); ++a) {
    if (!row->by[a] || !reads(e->args[a], k)) continue;
    ExprRef part = pull_back(e->args[a], k, row->by[a](e->args, e, g));
    if (part) sum = sum ? add(sum, part) : part;
  }
  return sum;
}

}  // namespace nasc
