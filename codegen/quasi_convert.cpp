// Into quasi-affine sums from nests, extents and isl functions; substitution.
#include <functional>

#include "codegen/quasi.h"

namespace nasc {

Quasi Algebra::value(const NestExprRef& e, const Scope& scope) {
  auto arg = [&](size_t k) { return value(e->args[k], scope); };
  auto divisor = [&] {
    Quasi d = arg(1);
    NASC_CHECK(d.is_constant()) << "loop nest divides by a variable";
    return d.constant;
  };
  switch (e->op) {
    case NestExpr::constant: return e->value;
    case NestExpr::variable: {
      auto it = scope.find(e->name);
      if (it == scope.end()) return parameter(e->name);
      Quasi q;
      q.terms.emplace_back(it->second, 1);
      return q;
    }
    case NestExpr::add: return arg(0) + arg(1);
    case NestExpr::sub: return arg(0) - arg(1);
    case NestExpr::mul: return mul(arg(0), arg(1));
    case NestExpr::neg: return arg(0) * -1;
    case NestExpr::min: return min(arg(0), arg(1));
    case NestExpr::max: return max(arg(0), arg(1));
    case NestExpr::floordiv: return floordiv(arg(0), divisor());
    case NestExpr::mod: return mod(arg(0), divisor());
    case NestExpr::select: return select(condition(e->args[0], scope), arg(1), arg(2));
    default: return select(condition(e, scope), 1, 0);
  }
}

CondRef Algebra::condition(const NestExprRef& e, const Scope& scope) {
  auto arg = [&](size_t k) { return value(e->args[k], scope); };
  switch (e->op) {
    case NestExpr::eq: return eq(arg(0) - arg(1));
    case NestExpr::lt: return ge(arg(1) - arg(0) - 1);
    case NestExpr::le: return ge(arg(1) - arg(0));
    case NestExpr::gt: return ge(arg(0) - arg(1) - 1);
    case NestExpr::ge: return ge(arg(0) - arg(1));
    case NestExpr::and_: return both(condition(e->args[0], scope), condition(e->args[1], scope));
    case NestExpr::or_: return either(condition(e->args[0], scope), condition(e->args[1], scope));
    case NestExpr::not_: return negated(condition(e->args[0], scope));
    default: return negated(eq(value(e, scope)));
  }
}

Quasi Algebra::value(const Extent& e) {
  Quasi sum;
  for (const auto& term : e.terms()) {
    Quasi p = term.coefficient;
    for (const auto& a : term.atoms) {
      if (a->kind == Extent::Atom::parameter) {
        p = mul(p, parameter(a->text));
        continue;
      }
      Quasi x = value(a->a), y = value(a->b);
      if (a->kind == Extent::Atom::max) p = mul(p, max(x, y));
      else if (a->kind == Extent::Atom::min) p = mul(p, min(x, y));
      else if (y.is_constant() && y.constant > 0) p = mul(p, floordiv(x, y.constant));
      else p = mul(p, make({Atom::floordiv, "", {x, y}, {}, {-kInfinity, kInfinity}}));
    }
    sum = sum + p;
  }
  return sum;
}

Quasi Algebra::value(const QuasiAff& aff, const std::vector<Quasi>& dims) {
  const LinearAff& l = aff.linear;
  Quasi sum(l.constant);
  for (size_t i = 0; i < l.coefficients.size(); ++i)
    if (l.coefficients[i]) sum = sum + dims[i] * l.coefficients[i];
  for (const auto& [name, by] : l.parameters) sum = sum + parameter(name) * by;
  for (const auto& [by, inner] : aff.floors) sum = sum + value(inner, dims) * by;
  return floordiv(sum, l.denominator);
}

Quasi Algebra::substitute(const Quasi& q, const Bindings& with) {
  Quasi sum(q.constant);
  sum.terms.reserve(q.terms.size());
  Quasi extra;
  for (const auto& [id, c] : q.terms) {
    Atom::Kind kind = atoms_[id].kind;
    if (kind == Atom::variable) {
      auto it = with.find(id);
      if (it == with.end()) sum.terms.emplace_back(id, c);
      else if (it->second.is_constant()) sum.constant += it->second.constant * c;
      else extra = extra + it->second * c;
      continue;
    }
    if (kind == Atom::parameter) {
      sum.terms.emplace_back(id, c);
      continue;
    }
    std::vector<Quasi> before = atoms_[id].args, args;
    for (const auto& a : before) args.push_back(substitute(a, with));
    CondRef condition = atoms_[id].condition ? substitute(atoms_[id].condition, with) : nullptr;
    if (args == before && condition == atoms_[id].condition) {
      sum.terms.emplace_back(id, c);
      continue;
    }
    Quasi v;
    if (kind == Atom::select) v = select(condition, args[0], args[1]);
    else if (kind == Atom::min) v = min(args[0], args[1]);
    else if (kind == Atom::max) v = max(args[0], args[1]);
    else if (kind == Atom::mod) v = mod(args[0], args[1].constant);
    else if (kind == Atom::product) {
      v = 1;
      for (const auto& a : args) v = mul(v, a);
    } else if (args[1].is_constant()) v = floordiv(args[0], args[1].constant);
    else v = make({Atom::floordiv, "", args, {}, {-kInfinity, kInfinity}});
    extra = extra + v * c;
  }
  return extra.terms.empty() && extra.constant == 0 ? sum : sum + extra;
}

CondRef Algebra::substitute(const CondRef& c, const Bindings& with) {
  switch (c->kind) {
    case Cond::ge: return ge(substitute(c->value, with));
    case Cond::eq: return eq(substitute(c->value, with));
    case Cond::and_: return both(substitute(c->a, with), substitute(c->b, with));
    case Cond::or_: return either(substitute(c->a, with), substitute(c->b, with));
    case Cond::not_: return negated(substitute(c->a, with));
    default: return c;
  }
}

bool Algebra::depends(const Quasi& q, int variable) const {
  for (const auto& [id, c] : q.terms) {
    if (id == variable) return true;
    for (const auto& a : atoms_[id].args)
      if (depends(a, variable)) return true;
    if (atoms_[id].condition && depends(atoms_[id].condition, variable)) return true;
  }
  return false;
}
bool Algebra::depends(const CondRef& c, int variable) const {
  if (c->kind == Cond::ge || c->kind == Cond::eq) return depends(c->value, variable);
  return (c->a && depends(c->a, variable)) || (c->b && depends(c->b, variable));
}
bool Algebra::hides(const Quasi& q, int variable) const {
  for (const auto& [id, c] : q.terms) {
    if (id == variable) continue;
    Quasi one;
    one.terms.emplace_back(id, 1);
    if (depends(one, variable)) return true;
  }
  return false;
}

}  // namespace nasc
