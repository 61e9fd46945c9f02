// Shared edits of loop trees.
#include "polyhedral/edit.h"

#include <algorithm>

namespace nasc {

Expected<void> check_free(const TreePath& path, const std::string& name) {
  bool taken = false;
  for (size_t d = 0; d + 1 < path.nodes.size(); ++d)
    taken |= path.nodes[d]->kind == LoopTree::loop && path.nodes[d]->mark.name == name;
  visit(path.node()->children[0], [&](const TreePath& p) {
    taken |= p.node()->kind == LoopTree::loop && p.node()->mark.name == name;
  });
  if (taken) return refuse("name-taken", "a loop around or inside " + path.node()->mark.name + " is called " + name);
  return {};
}

Filter band_part(const Band& band, std::optional<int64_t> first, std::optional<int64_t> last) {
  Filter out;
  auto number = [](const isl::set& on, int64_t value) { return on.pw_aff_on_domain(isl::val(isl_context(), value)); };
  for (const auto& [name, value] : band) {
    isl::set part = value.domain();
    if (first) part = part.intersect(value.ge_set(number(part, *first)));
    if (last) part = part.intersect(value.lt_set(number(part, *last)));
    out.emplace(name, part);
  }
  return out;
}

LoopTreeRef partitioned(const isl::union_set& domain, const TreePath& path, const std::vector<int64_t>& cuts,
                        const std::function<LoopTreeRef(size_t, const LoopTreeRef&)>& f) {
  Filter live = domain_at(domain, path);
  TreeParts parts;
  for (size_t k = 0; k <= cuts.size(); ++k) {
    std::optional<int64_t> first, last;
    if (k > 0) first = cuts[k - 1];
    if (k < cuts.size()) last = cuts[k];
    Filter part = band_part(path.node()->band, first, last);
    std::erase_if(part, [&](const auto& entry) { return entry.second.intersect(live.at(entry.first)).is_empty(); });
    if (LoopTreeRef node = restricted(path.node(), part)) parts.emplace_back(part, f(k, node));
  }
  return sequence(std::move(parts));
}

Band shifted(const Band& band, int64_t by) {
  if (by == 0) return band;
  Band out;
  for (const auto& [name, value] : band) out.emplace(name, value.add_constant(isl::val(isl_context(), by)));
  return out;
}
Band floor_divided(const Band& band, int64_t by) {
  Band out;
  for (const auto& [name, value] : band) out.emplace(name, value.scale_down(isl::val(isl_context(), by)).floor());
  return out;
}
Band modulo(const Band& band, int64_t by) {
  Band out;
  for (const auto& [name, value] : band) out.emplace(name, value.mod(isl::val(isl_context(), by)));
  return out;
}

Kernel with_tree(const Kernel& kernel, const LoopTreeRef& tree) {
  return {kernel.program, schedule_of(kernel.program.domain(), tree)};
}

Expected<Kernel> edit_kernel(const Kernel& kernel, const std::string& loop,
                             const std::function<Expected<LoopTreeRef>(const TreePath&)>& f) {
  auto tree = edit_loops(tree_of(kernel.schedule), loop, f);
  if (!tree) return std::unexpected(tree.error());
  return with_tree(kernel, *tree);
}

Expected<Kernel> annotate(const Kernel& kernel, const std::string& address, Annotation annotation,
                          const std::function<Expected<LoopTreeRef>(const TreePath&)>& check) {
  return edit_kernel(kernel, address, [&](const TreePath& path) -> Expected<LoopTreeRef> {
    auto node = check(path);
    if (!node) return node;
    Mark mark = (*node)->mark;
    if (!mark.has(annotation)) mark.annotations.push_back(annotation);
    return with_mark(*node, mark);
  });
}

bool annotated_around(const TreePath& path, Annotation annotation) {
  return std::any_of(path.nodes.begin(), path.nodes.end() - 1,
                     [&](const LoopTreeRef& n) { return n->kind == LoopTree::loop && n->mark.has(annotation); });
}
bool annotated_below(const LoopTreeRef& node, Annotation annotation) {
  bool found = false;
  visit(node, [&](const TreePath& p) {
    found |= !p.is_root() && p.node()->kind == LoopTree::loop && p.node()->mark.has(annotation);
  });
  return found;
}

std::vector<Step> step_per_loop(const Kernel& kernel, const std::string& name,
                                const std::map<std::string, ArgValue>& args) {
  std::vector<Step> out;
  std::set<std::string> seen;
  LoopTreeRef tree = tree_of(kernel.schedule);
  for (const auto& p : loop_paths(tree)) {
    Step step{name, args};
    step.args["loop"] = address_of(tree, p);
    if (seen.insert(text(step)).second) out.push_back(step);
  }
  return out;
}

std::string unused_name(const Program& p, const std::string& wanted) {
  auto taken = [&](const std::string& name) {
    return p.find_tensor(name) || std::any_of(p.statements.begin(), p.statements.end(),
                                              [&](const auto& s) { return s.name == name; });
  };
  std::string name = wanted;
  for (int k = 1; taken(name); ++k)
    name = text(wanted, k);
  return name;
}

}  // namespace nasc
