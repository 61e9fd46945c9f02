// Roles from isl's affine functions.
#include "polyhedral/neural/roles.h"

#include <unordered_map>

namespace nasc {
namespace {

using Ranges = std::vector<std::optional<std::pair<int64_t, int64_t>>>;

IndexRole role(const isl::aff& index, const Ranges& ranges) {
  IndexRole out;
  auto single = [&](size_t k) { return ranges[k] && ranges[k]->first == ranges[k]->second; };
  for (size_t k = 0; k < ranges.size(); ++k)
    if (!single(k) && involves(index, static_cast<int>(k))) out.iterators.push_back(static_cast<int>(k));
  auto a = linear(index);
  if (!a || a->denominator != 1 || !a->parameters.empty()) return out;
  out.offset = a->constant;
  for (size_t k = 0; k < a->coefficients.size(); ++k) {
    if (!a->coefficients[k]) continue;
    if (single(k)) {
      out.offset += a->coefficients[k] * ranges[k]->first;
      continue;
    }
    if (a->coefficients[k] != 1 || out.iterator >= 0) return {false, -1, 0, out.iterators};
    out.iterator = static_cast<int>(k);
  }
  out.plain = true;
  return out;
}

StatementRoles roles(const Program& p, const Statement& s) {
  StatementRoles out;
  for (int k = 0; k < static_cast<int>(s.iterators.size()); ++k) out.ranges.push_back(constant_range(s.box, k));
  auto add = [&](const Access& a, bool is_read) {
    AccessRoles r{a.tensor, is_read, p.tensor(a.tensor).role == Role::weight, {}};
    for (int d = 0; d < static_cast<int>(a.map.size()); ++d) r.dims.push_back(role(a.map.at(d), out.ranges));
    out.accesses.push_back(std::move(r));
  };
  add(s.write, false);
  for (const Access& r : s.reads) add(r, true);
  std::set<int> coupled;
  auto single = [&](int k) { return out.ranges[k] && out.ranges[k]->first == out.ranges[k]->second; };
  for (const auto& together : coupled_dims(s.domain)) {
    int many = 0;
    for (int d : together) many += !single(d);
    for (int d : together)
      if (many > 1 && !single(d)) coupled.insert(d);
  }
  out.coupled.assign(coupled.begin(), coupled.end());
  visit(s.body, [&](const Expr& e) {
    if (e.fn == Fn::iterator && !single(e.index)) out.in_body.insert(e.index);
  });
  return out;
}
}  // namespace

const ProgramRoles& roles_of(const std::shared_ptr<const Program>& program) {
  struct Entry {
    std::weak_ptr<const Program> alive;
    ProgramRoles roles;
  };
  static thread_local std::unordered_map<const Program*, Entry> cache;
  Entry& e = cache[program.get()];
  if (e.alive.lock() != program) {
    e = {program, {}};
    for (const Statement& s : program->statements) e.roles.statements.push_back(roles(*program, s));
  }
  return e.roles;
}

}  // namespace nasc
