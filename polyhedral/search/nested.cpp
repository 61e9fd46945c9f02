// Sub-spaces by marking nodes.
#include "polyhedral/search/nested.h"

namespace nasc {
namespace {

std::vector<int> outer_only(const Space& space, const std::vector<int>& ids) {
  std::vector<int> out;
  for (int id : ids)
    if (!space.nodes[static_cast<size_t>(id)].inner)
      out.push_back(id);
  return out;
}
} // namespace

// Node ids stay those of the whole space, so that all walks agree; what is not reachable is unused.
Space outer_space(const Space& space) {
  Space out = space;
  for (SpaceGroup& g : out.groups)
    g.roots = outer_only(space, g.roots);
  for (SpaceNode& n : out.nodes)
    for (auto& slot : n.below)
      for (auto& ids : slot)
        ids = outer_only(space, ids);
  return out;
}

Space inner_space(const Space& space, const Dna& outer, int group) {
  Space out = space;
  size_t at = 0;
  for (size_t g = 0; g < out.groups.size(); ++g) {
    std::vector<int> found;
    std::function<void(int)> visit = [&](int id) {
      const SpaceNode& n = space.nodes[static_cast<size_t>(id)];
      if (n.inner) {
        found.push_back(id);
        return;
      }
      size_t start = at;
      at += n.arity();
      for (size_t s = 0; s < n.below.size(); ++s)
        for (int child : below(n, s, outer.values[start + s]))
          visit(child);
    };
    for (int id : space.groups[g].roots)
      visit(id);
    if (group >= 0 && static_cast<size_t>(group) != g)
      found.clear();
    out.groups[g].roots = found;
  }
  return out;
}

Dna joined(const Space& space, const Dna& outer, const Dna& inner) {
  size_t at_outer = 0, at_inner = 0;
  Dna out = walked(space, [&](int id, std::vector<double>& values) {
    const SpaceNode& n = space.nodes[static_cast<size_t>(id)];
    const Dna& from = n.inner ? inner : outer;
    size_t& at = n.inner ? at_inner : at_outer;
    NASC_CHECK(at + n.arity() <= from.values.size()) << n.path;
    for (size_t i = 0; i < n.arity(); ++i)
      values.push_back(from.values[at++]);
  });
  NASC_CHECK(at_outer == outer.values.size() && at_inner == inner.values.size())
      << "parts too long";
  return out;
}

std::pair<Dna, Dna> parted(const Space& space, const Dna& whole) {
  std::pair<Dna, Dna> out;
  for (const Site& site : sites(space, whole)) {
    const SpaceNode& n = space.nodes[static_cast<size_t>(site.node)];
    auto from = whole.values.begin() + static_cast<long>(site.at);
    auto& to = (n.inner ? out.second : out.first).values;
    to.insert(to.end(), from, from + static_cast<long>(n.arity()));
  }
  return out;
}

} // namespace nasc
