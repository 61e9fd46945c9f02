// Recognition of statement groups.
#include "polyhedral/group.h"

#include <algorithm>

namespace nasc {
namespace {

std::string expression(const LinearAff& a, const Statement& s) {
  std::string out;
  for (size_t i = 0; i < a.coefficients.size(); ++i) {
    if (!a.coefficients[i]) continue;
    out += (out.empty() ? "" : " + ") + (a.coefficients[i] == 1 ? "" : std::to_string(a.coefficients[i]) + "*") +
           s.iterators[i];
  }
  for (const auto& [name, c] : a.parameters) out += (out.empty() ? "" : " + ") + std::to_string(c) + "*" + name;
  if (a.constant || out.empty()) out += (out.empty() ? "" : " + ") + std::to_string(a.constant);
  return out;
}
}  // namespace

const GroupMember* Group::reduction() const {
  const GroupMember* best = nullptr;
  for (const auto& m : members)
    if (!m.reduction.empty() && (!best || m.reduction.size() > best->reduction.size())) best = &m;
  return best;
}

static Expected<Group> recognised(const Program& program) {
  Group g;
  std::vector<std::string> last_used;  // per dimension of the widest statement
  size_t widest = 0;
  for (const Statement& s : program.statements) {
    const Tensor& t = program.tensor(s.write.tensor);
    if (!g.members.empty() && !(t.shape == g.extents))
      return refuse("different-index-spaces", s.name + " writes " + text(t.shape) + ", others " + text(g.extents));
    g.extents = t.shape;
    GroupMember m{s.name, {}, {}};
    std::vector<bool> used(s.iterators.size());
    std::vector<std::string> names;
    for (int k = 0; k < t.rank(); ++k) {
      std::optional<LinearAff> a = linear(s.write.map.at(k));
      if (!a || a->denominator != 1) return refuse("not-affine", s.name + " writes " + t.name + " through a division");
      m.index.push_back(expression(*a, s));
      std::string name = "i" + std::to_string(k);
      for (size_t i = 0; i < a->coefficients.size(); ++i)
        if (a->coefficients[i]) used[i] = true, name = s.iterators[i];
      names.push_back(name);
    }
    for (size_t i = 0; i < used.size(); ++i)
      if (!used[i]) m.reduction.push_back(s.iterators[i]);
    if (g.members.empty() || s.iterators.size() > widest) {
      widest = s.iterators.size();
      g.names = names;
    }
    g.members.push_back(std::move(m));
  }
  if (g.members.empty()) return refuse("different-index-spaces", "no statements");
  for (size_t k = 0; k < g.names.size(); ++k)  // constant indices of different dimensions must not share a name
    for (size_t j = 0; j < k; ++j)
      if (g.names[j] == g.names[k]) g.names[k] += std::to_string(k);
  return g;
}

Expected<Group> group_of(const Program& program) {
  return with_quota(IslEntry::analysis, [&] { return recognised(program); });
}

}  // namespace nasc
