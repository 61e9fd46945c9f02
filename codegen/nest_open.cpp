// Read off isl's bounds.
#include "codegen/nest_open.h"

#include <algorithm>

#include "codegen/nest_text.h"
#include "ir/isl_box.h"
#include "ir/text.h"

namespace nasc {
namespace {
// Sums and quotients of parameters, times the denominator.
NestExprRef numerator(const QuasiAff& f) {
  NestExprRef out = nest_constant(f.linear.constant);
  auto add = [&](int64_t by, const NestExprRef& e) {
    out = nest_op(NestExpr::add, {out, by == 1 ? e : nest_op(NestExpr::mul, {nest_constant(by), e})});
  };
  for (const auto& [name, by] : f.linear.parameters) add(by, nest_variable(name));
  for (const auto& [by, inner] : f.floors) add(by, nest_op(NestExpr::floordiv, {numerator(inner), nest_constant(inner.linear.denominator)}));
  return out;
}

}  // namespace

int64_t greatest_denominator(const QuasiAff& f) {
  int64_t out = f.linear.denominator;
  for (const auto& [by, inner] : f.floors) out = std::max(out, greatest_denominator(inner));
  return out;
}

bool mentions(const QuasiAff& f, int iterator) {
  if (f.linear.coefficients[iterator]) return true;
  for (const auto& floor : f.floors)
    if (mentions(floor.second, iterator)) return true;
  return false;
}

bool has_parameters(const QuasiAff& f) {
  if (!f.linear.parameters.empty()) return true;
  for (const auto& floor : f.floors)
    if (has_parameters(floor.second)) return true;
  return false;
}

std::optional<Slice> slice_of(const isl::set& domain) {
  Slice out{domain, {}};
  std::string names, limits;
  const auto parameters = static_cast<unsigned>(isl_set_dim(domain.get(), isl_dim_param));
  const auto plain = plain_ranges(domain);
  for (int d = 0; d < dims(domain); ++d) {
    names += text(d ? ", i" : "i", d);
    if (plain[static_cast<size_t>(d)] || constant_range(domain, d)) continue;
    isl::pw_aff most = isl::manage(isl_set_dim_max(domain.copy(), d));
    most = most.gist(most.domain());
    if (!most.isa_aff()) return std::nullopt;
    QuasiAff f = quasi(most.as_aff());
    if (f.linear.denominator != 1) return std::nullopt;
    NestExprRef last = numerator(f);
    limits += text(limits.empty() ? "" : " and ", "0 <= i", d, " <= ", text(last));
    out.last[d] = last;
    out.domain = isl::manage(isl_set_fix_si(out.domain.release(), isl_dim_set, static_cast<unsigned>(d), 0));
  }
  out.domain = isl::manage(isl_set_project_out(out.domain.release(), isl_dim_param, 0, parameters));
  isl::set all = out.domain;
  for (const auto& [d, last] : out.last)
    all = isl::manage(isl_set_drop_constraints_involving_dims(all.release(), isl_dim_set, static_cast<unsigned>(d), 1));
  std::string given;
  for (unsigned p = 0; p < parameters; ++p) given += text(p ? ", " : "", isl_set_get_dim_name(domain.get(), isl_dim_param, p));
  isl::set intervals(isl_context(), text("[", given, "] -> { ", tuple_name(domain), "[", names, "] : ", limits.empty() ? "true" : limits, " }"));
  if (!all.intersect(intervals).is_equal(domain)) return std::nullopt;
  return out;
}

}  // namespace nasc
