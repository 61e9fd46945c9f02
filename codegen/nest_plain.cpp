// The fallback nest: statements in textual order, each over the bounds of its domain.
#include "codegen/nest.h"
#include "codegen/nest_text.h"

namespace nasc {
namespace {

NestExprRef scaled(NestExprRef e, long by) {
  return by == 1 ? e : nest_op(NestExpr::mul, {std::move(e), nest_constant(by)});
}

NestExprRef value(const QuasiAff& aff, const std::vector<NestExprRef>& dims) {
  const LinearAff& l = aff.linear;
  NestExprRef sum = nest_constant(l.constant);
  auto add = [&](NestExprRef e, long by) { sum = nest_op(NestExpr::add, {sum, scaled(std::move(e), by)}); };
  for (size_t i = 0; i < l.coefficients.size(); ++i)
    if (l.coefficients[i]) add(dims[i], l.coefficients[i]);
  for (const auto& [name, by] : l.parameters) add(nest_variable(name), by);
  for (const auto& [by, inner] : aff.floors) add(value(inner, dims), by);
  return l.denominator == 1 ? sum : nest_op(NestExpr::floordiv, {sum, nest_constant(l.denominator)});
}

NestExprRef condition(const isl::set& set, const std::vector<NestExprRef>& dims) {
  NestExprRef any;
  for (const auto& part : conditions(set)) {
    NestExprRef all;
    for (const auto& c : part) {
      QuasiAff numerator = c.aff;
      numerator.linear.denominator = 1;  // the sign does not depend on it
      auto one = nest_op(c.equality ? NestExpr::eq : NestExpr::ge, {value(numerator, dims), nest_constant(0)});
      all = all ? nest_op(NestExpr::and_, {all, one}) : one;
    }
    if (!all) all = nest_op(NestExpr::eq, {nest_constant(0), nest_constant(0)});
    any = any ? nest_op(NestExpr::or_, {any, all}) : all;
  }
  return any ? any : nest_op(NestExpr::eq, {nest_constant(0), nest_constant(1)});
}

using Pieces = std::vector<std::pair<isl::set, isl::aff>>;
NestExprRef bound(const Pieces& pieces, int64_t otherwise) {
  NestExprRef out;
  for (const auto& [where, aff] : pieces) {
    NestExprRef v = value(quasi(aff), {});
    out = out ? nest_op(NestExpr::select, {condition(where, {}), v, out}) : v;
  }
  return out ? out : nest_constant(otherwise);
}

// The bounds alone describe the domain: one conjunction of conditions on one dimension each, with one piece per bound.
bool is_box(const isl::set& domain, const std::vector<Pieces>& lower, const std::vector<Pieces>& upper) {
  for (const auto& list : {lower, upper})
    for (const auto& p : list)
      if (p.size() != 1) return false;
  auto parts = conditions(domain);
  if (parts.size() != 1) return false;
  for (const auto& c : parts[0]) {
    int dims = 0;
    for (long k : c.aff.linear.coefficients) {
      dims += k != 0;
      if (k > 1 || k < -1) return false;
    }
    if (dims != 1 || !c.aff.floors.empty()) return false;
  }
  return true;
}

NestRef nest_of(const Statement& s, const Program& program) {
  auto parameters = program.parameters();
  std::vector<NestExprRef> dims;
  std::vector<std::string> names;
  for (const auto& i : s.iterators) {
    names.push_back(parameters.count(i) ? i + "_" : i);
    dims.push_back(nest_variable(names.back()));
  }
  auto user = std::make_shared<NestNode>();
  user->kind = NestNode::user;
  user->statement = s.name;
  user->args = dims;
  NestRef body = user;
  if (s.domain.is_empty()) return nest_block({});

  std::vector<Pieces> lower, upper;
  for (size_t d = 0; d < s.iterators.size(); ++d) {
    lower.push_back(dim_min(s.domain, static_cast<int>(d)));
    upper.push_back(dim_max(s.domain, static_cast<int>(d)));
  }
  if (!is_box(s.domain, lower, upper)) {
    auto guard = std::make_shared<NestNode>();
    guard->kind = NestNode::if_;
    guard->condition = condition(s.domain, dims);
    guard->children.push_back(body);
    body = guard;
  }
  for (size_t d = s.iterators.size(); d-- > 0;) {
    auto loop = std::make_shared<NestNode>();
    loop->kind = NestNode::loop;
    loop->variable = names[d];
    loop->lower = bound(lower[d], 0);
    loop->upper = bound(upper[d], -1);
    loop->mark.name = s.iterators[d];
    loop->children.push_back(body);
    body = loop;
  }
  return body;
}

}  // namespace

NestRef plain_nest(const Program& program) {
  std::vector<NestRef> children;
  for (const auto& s : program.statements) children.push_back(nest_of(s, program));
  return nest_block(std::move(children));
}

}  // namespace nasc
