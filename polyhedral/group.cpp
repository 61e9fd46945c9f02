// Recognition of statement groups.
#include "polyhedral/group.h"

#include <algorithm>

namespace nasc {

std::string index_text(const LinearAff& a, const Statement& s) {
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
      m.index.push_back(index_text(*a, s));
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

void stage_outputs(Program& p, const std::function<bool(const Tensor&)>& wanted) {
  std::vector<std::string> outputs;
  for (const Statement& s : p.statements)
    if (s.is_reduction() && p.tensor(s.write.tensor).role == Role::output && wanted(p.tensor(s.write.tensor)) &&
        std::find(outputs.begin(), outputs.end(), s.write.tensor) == outputs.end())
      outputs.push_back(s.write.tensor);
  for (const auto& name : outputs) {
    Tensor acc;
    acc.name = name + "_acc";
    acc.dtype = p.tensor(name).dtype;
    acc.shape = p.tensor(name).shape;
    acc.role = Role::temp;
    std::string index;
    for (int k = 0; k < acc.rank(); ++k) index += text(k ? ", o" : "o", k);
    for (Statement& s : p.statements) {
      auto move = [&](Access& a) {
        if (a.tensor != name) return;
        a = {acc.name, isl::multi_aff(a.map.as_map().set_range_tuple(make_id(acc.name)).as_pw_multi_aff().as_multi_aff())};
      };
      move(s.write);
      for (Access& r : s.reads) move(r);
    }
    std::string out = name + "_out";
    Tensor space = acc;
    space.name = out;
    isl::set domain = extent_set(space);
    std::vector<std::string> iterators;
    for (int k = 0; k < acc.rank(); ++k) iterators.push_back("o" + std::to_string(k));
    isl::ctx c = isl_context();
    std::string in = out + "[" + index + "] -> ";
    Statement copy(out, iterators, domain, {name, isl::multi_aff(c, "{ " + in + name + "[" + index + "] }")});
    copy.reads.push_back({acc.name, isl::multi_aff(c, "{ " + in + acc.name + "[" + index + "] }")});
    copy.body = read(0, acc.dtype);
    p.tensors.push_back(std::move(acc));
    p.statements.push_back(std::move(copy));
  }
}

}  // namespace nasc
