// Trees: construction, editing, search by loop address.
#include "polyhedral/loop_tree.h"

#include <algorithm>

#include "ir/joined.h"

namespace nasc {
namespace {
template <class Map>
Names keys(const Map& map) {
  Names out;
  for (const auto& [name, value] : map) out.insert(name);
  return out;
}
template <class Map>
Map only(const Map& map, const Names& names) {
  Map out;
  for (const auto& [name, value] : map)
    if (names.count(name)) out.emplace(name, value);
  return out;
}
LoopTreeRef make(LoopTree tree) { return std::make_shared<const LoopTree>(std::move(tree)); }

Filter intersection(const Filter& a, const Filter& b) {
  Filter out;
  for (const auto& [name, set] : a)
    if (auto it = b.find(name); it != b.end()) {
      isl::set both = set.intersect(it->second);
      if (!both.is_empty()) out.emplace(name, both.coalesce());
    }
  return out;
}
}  // namespace

LoopTreeRef leaf(Names statements) {
  LoopTree t;
  t.statements = std::move(statements);
  return make(std::move(t));
}

LoopTreeRef loop(Mark mark, Band band, LoopTreeRef body, Isolate isolate) {
  LoopTree t;
  t.kind = LoopTree::loop;
  t.statements = keys(band);
  t.mark = std::move(mark);
  t.band = std::move(band);
  t.isolate = std::move(isolate);
  t.children = {std::move(body)};
  return make(std::move(t));
}

LoopTreeRef region(Mark mark, LoopTreeRef body) {
  LoopTree t;
  t.kind = LoopTree::region;
  t.statements = body->statements;
  t.mark = std::move(mark);
  t.children = {std::move(body)};
  return make(std::move(t));
}

LoopTreeRef sequence(TreeParts parts) {
  LoopTree t;
  t.kind = LoopTree::sequence;
  for (auto& [filter, child] : parts) {
    if (!child || filter.empty()) continue;
    if (child->kind == LoopTree::sequence) {
      for (size_t k = 0; k < child->children.size(); ++k) {
        t.filters.push_back(intersection(filter, child->filters[k]));
        t.children.push_back(child->children[k]);
      }
    } else {
      t.filters.push_back(std::move(filter));
      t.children.push_back(std::move(child));
    }
  }
  NASC_CHECK(!t.children.empty()) << "empty sequence";
  if (t.children.size() == 1) return t.children[0];
  for (const auto& f : t.filters) t.statements.merge(keys(f));
  return make(std::move(t));
}

LoopTreeRef with_children(const LoopTreeRef& node, std::vector<LoopTreeRef> children) {
  if (children == node->children) return node;
  if (node->kind == LoopTree::sequence) {
    TreeParts parts;
    for (size_t k = 0; k < children.size(); ++k) parts.emplace_back(node->filters[k], children[k]);
    return sequence(std::move(parts));
  }
  LoopTree t = *node;
  t.children = std::move(children);
  return make(std::move(t));
}

LoopTreeRef with_mark(const LoopTreeRef& node, Mark mark) {
  LoopTree t = *node;
  t.mark = std::move(mark);
  return make(std::move(t));
}

TreePath TreePath::parent() const {
  TreePath p = *this;
  p.nodes.pop_back();
  p.at.pop_back();
  return p;
}

namespace {
void visit_from(TreePath& path, const std::function<void(const TreePath&)>& f) {
  f(path);
  LoopTreeRef node = path.node();
  for (size_t k = 0; k < node->children.size(); ++k) {
    path.nodes.push_back(node->children[k]);
    path.at.push_back(static_cast<int>(k));
    visit_from(path, f);
    path.nodes.pop_back();
    path.at.pop_back();
  }
}
}  // namespace

void visit(const LoopTreeRef& tree, const std::function<void(const TreePath&)>& f) {
  TreePath path{{tree}, {}};
  visit_from(path, f);
}

std::vector<TreePath> loop_paths(const LoopTreeRef& tree) {
  std::vector<TreePath> out;
  visit(tree, [&](const TreePath& p) {
    if (p.node()->kind == LoopTree::loop) out.push_back(p);
  });
  return out;
}

LoopTreeRef replaced(const LoopTreeRef& tree, const TreePath& path, const LoopTreeRef& by) {
  std::vector<LoopTreeRef> nodes = {tree};
  for (int k : path.at) nodes.push_back(nodes.back()->children[k]);
  LoopTreeRef node = by;
  for (size_t d = path.at.size(); d-- > 0;) {
    std::vector<LoopTreeRef> children = nodes[d]->children;
    children[path.at[d]] = node;
    node = with_children(nodes[d], std::move(children));
  }
  return node;
}

LoopTreeRef restricted(const LoopTreeRef& tree, const Filter& filter) {
  Names names;
  for (const auto& s : tree->statements)
    if (filter.count(s)) names.insert(s);
  if (names.empty()) return nullptr;
  switch (tree->kind) {
    case LoopTree::leaf: return leaf(std::move(names));
    case LoopTree::loop: {
      LoopTreeRef body = restricted(tree->children[0], filter);
      return loop(tree->mark, only(tree->band, names), std::move(body), tree->isolate);
    }
    case LoopTree::region: return region(tree->mark, restricted(tree->children[0], filter));
    case LoopTree::sequence: break;
  }
  TreeParts parts;
  for (size_t k = 0; k < tree->children.size(); ++k) {
    Filter both = intersection(tree->filters[k], filter);
    if (both.empty()) continue;
    Filter universe = only(filter, keys(both));
    parts.emplace_back(std::move(both), restricted(tree->children[k], universe));
  }
  return parts.empty() ? nullptr : sequence(std::move(parts));
}

LoopTreeRef with_renamed_statement(const LoopTreeRef& tree, const std::string& from, const std::string& to) {
  if (!tree->statements.count(from)) return tree;
  LoopTree t = *tree;
  t.statements.erase(from);
  t.statements.insert(to);
  if (auto node = t.band.extract(from)) t.band.emplace(to, renamed_domain(node.mapped(), to));
  for (auto& f : t.filters)
    if (auto node = f.extract(from)) f.emplace(to, renamed(node.mapped(), to));
  for (auto& c : t.children) c = with_renamed_statement(c, from, to);
  return make(std::move(t));
}

Filter domain_at(const isl::union_set& domain, const TreePath& path) {
  Filter out;
  for (const auto& set : sets(domain))
    if (path.node()->statements.count(tuple_name(set))) out.emplace(tuple_name(set), set);
  for (size_t d = 0; d < path.at.size(); ++d)
    if (path.nodes[d]->kind == LoopTree::sequence)
      for (const auto& [name, part] : path.nodes[d]->filters[path.at[d]])
        if (auto it = out.find(name); it != out.end()) it->second = it->second.intersect(part);
  return out;
}

TreeParts parts_of(const LoopTreeRef& tree) {
  TreeParts out;
  NASC_CHECK(tree->kind == LoopTree::sequence) << "not a sequence";
  for (size_t k = 0; k < tree->children.size(); ++k)
    out.emplace_back(tree->filters[k], tree->children[k]);
  return out;
}

Expected<std::vector<TreePath>> find_loops(const LoopTreeRef& tree, const std::string& address) {
  std::vector<TreePath> all = loop_paths(tree), found;
  for (const auto& p : all)
    if (p.node()->mark.name == address) found.push_back(p);
  bool ambiguous = std::any_of(found.begin(), found.end(), [&](const TreePath& p) {
    return p.node()->statements != found[0].node()->statements;
  });
  if (!found.empty() && !ambiguous) return found;
  std::vector<std::string> choices;
  if (ambiguous) {
    for (const auto& p : found)
      for (const auto& s : p.node()->statements) choices.push_back(s + "." + address);
    return refuse("ambiguous-loop", "loop " + address + " is one of " + joined(choices));
  }
  size_t dot = address.find('.');
  if (dot != std::string::npos)
    for (const auto& p : all)
      if (p.node()->statements.count(address.substr(0, dot)) &&
          p.node()->mark.name == address.substr(dot + 1))
        found.push_back(p);
  if (!found.empty()) return found;
  for (const auto& p : all) {
    choices.push_back(p.node()->mark.name);
    for (const auto& s : p.node()->statements) choices.push_back(s + "." + p.node()->mark.name);
  }
  std::string near = nearest(address, choices);
  return refuse("no-such-loop",
                "no loop " + address + (near.empty() ? "" : ", did you mean " + near + "?"));
}

std::string address_of(const LoopTreeRef& tree, const TreePath& path) {
  const LoopTree& node = *path.node();
  if (find_loops(tree, node.mark.name)) return node.mark.name;
  // A statement that only the loops with these statements have under this name.
  for (const auto& s : node.statements) {
    auto found = find_loops(tree, s + "." + node.mark.name);
    if (found && found->size() == 1) return s + "." + node.mark.name;
  }
  return *node.statements.begin() + "." + node.mark.name;
}

Expected<LoopTreeRef> edit_loops(const LoopTreeRef& tree, const std::string& address,
                             const std::function<Expected<LoopTreeRef>(const TreePath&)>& f) {
  auto found = find_loops(tree, address);
  if (!found) return std::unexpected(found.error());
  LoopTreeRef out = tree;
  for (size_t k = found->size(); k-- > 0;) {
    auto by = f((*found)[k]);
    if (!by) return by;
    out = replaced(out, (*found)[k], *by);
  }
  return out;
}

}  // namespace nasc
