// Trees from and to isl's schedule trees.
#include "polyhedral/loop_tree.h"

namespace nasc {
namespace {

Names names_of(const isl::union_set& set) {
  Names out;
  for (const auto& s : sets(set)) out.insert(tuple_name(s));
  return out;
}

Isolate isolate_of(const isl::schedule_node_band& band) {
  for (const auto& option : sets(band.ast_build_options()))
    if (option.is_wrapping()) return option.unwrap().range();
  return {};
}

LoopTreeRef read(const isl::schedule_node& node, const Names& live) {
  if (node.isa<isl::schedule_node_leaf>()) return leaf(live);
  if (node.isa<isl::schedule_node_mark>()) {
    auto mark = parse_mark(mark_name(node.as<isl::schedule_node_mark>()));
    NASC_CHECK(mark) << mark.error().text;
    isl::schedule_node below = node.child(0);
    if (mark->kind != Mark::loop) return region(*mark, read(below, live));
    NASC_CHECK(below.isa<isl::schedule_node_band>()) << "mark " << mark->name << " names no band";
    auto band = below.as<isl::schedule_node_band>();
    NASC_CHECK(band.n_member() == 1) << "band " << mark->name << " has " << band.n_member() << " members";
    Band values;
    for (const auto& value : pw_affs(band.partial_schedule().at(0)))
      if (live.count(domain_name(value))) values.emplace(domain_name(value), value);
    NASC_CHECK(values.size() == live.size()) << "band " << mark->name << " misses a statement";
    return loop(*mark, values, read(below.child(0), live), isolate_of(band));
  }
  NASC_CHECK(node.isa<isl::schedule_node_sequence>()) << "schedules have marks, bands and sequences only";
  LoopTree t;
  TreeParts parts;
  for (unsigned k = 0; k < node.n_children(); ++k) {
    isl::schedule_node part = node.child(k);
    Filter filter;
    Names below;
    for (const auto& s : sets(part.as<isl::schedule_node_filter>().filter()))
      if (live.count(tuple_name(s))) {
        filter.emplace(tuple_name(s), s);
        below.insert(tuple_name(s));
      }
    if (!below.empty()) parts.emplace_back(filter, read(part.child(0), below));
  }
  return sequence(std::move(parts));
}

isl::union_set union_of(const Filter& filter) {
  isl::union_set out = isl::union_set(isl_context(), "{ }");
  for (const auto& [name, set] : filter) out = out.unite(isl::union_set(set));
  return out;
}

isl::multi_union_pw_aff schedule_of(const Band& band) {
  auto first = band.begin();
  isl::union_pw_aff out = first->second;
  for (auto it = std::next(first); it != band.end(); ++it) out = out.union_add(isl::union_pw_aff(it->second));
  return out;
}

// { isolate[[c0, c1] -> [x]] : ... } with one entry per enclosing band.
isl::union_set isolate_option(int depth, const isl::set& full) {
  std::string outer;
  for (int d = 0; d < depth; ++d) outer += text(d ? ", c" : "c", d);
  isl::map any(isl_context(), "{ [" + outer + "] -> [x] }");
  return isl::union_set(renamed(any.intersect_range(full).wrap(), "isolate"));
}

// The subtree inserted at a leaf; returns its topmost node.
isl::schedule_node write(isl::schedule_node at, const LoopTreeRef& tree, int depth) {
  switch (tree->kind) {
    case LoopTree::leaf: return at;
    case LoopTree::region: return insert_mark(write(at, tree->children[0], depth), text(tree->mark)).parent();
    case LoopTree::loop: {
      at = at.insert_partial_schedule(schedule_of(tree->band));
      if (tree->isolate)
        at = at.as<isl::schedule_node_band>().set_ast_build_options(isolate_option(depth, *tree->isolate));  // NOLINT(bugprone-unchecked-optional-access)
      at = write(at.child(0), tree->children[0], depth + 1).parent();
      return insert_mark(at, text(tree->mark)).parent();
    }
    case LoopTree::sequence: break;
  }
  isl::union_set_list filters(isl_context(), static_cast<int>(tree->filters.size()));
  for (const auto& f : tree->filters) filters = filters.add(union_of(f));
  at = at.insert_sequence(filters);
  for (size_t k = 0; k < tree->children.size(); ++k)
    at = write(at.child(static_cast<int>(k)).child(0), tree->children[k], depth).parent().parent();
  return at;
}

}  // namespace

struct Schedule::Forms {
  isl::union_set domain;
  std::optional<isl::schedule> tree;
  LoopTreeRef loops;
  std::string text;
};

Schedule::Schedule(isl::schedule tree) : forms_(std::make_shared<Forms>(Forms{tree.domain(), tree, nullptr, ""})) {}

Schedule::Schedule(isl::union_set domain, LoopTreeRef loops, std::string text)
    : forms_(std::make_shared<Forms>(Forms{std::move(domain), std::nullopt, std::move(loops), std::move(text)})) {}

const isl::union_set& Schedule::domain() const { return forms_->domain; }

const isl::schedule& Schedule::tree() const {
  Forms& f = *forms_;
  if (!f.tree && !f.text.empty()) f.tree = parse_schedule(f.text);
  if (!f.tree) f.tree = write(isl::schedule::from_domain(f.domain).root().child(0), f.loops, 0).schedule();
  return *f.tree;
}

const LoopTreeRef& Schedule::loop_tree() const {
  Forms& f = *forms_;
  if (!f.loops) f.loops = read(f.tree->root().child(0), names_of(f.domain));
  return f.loops;
}

Schedule schedule_of(const isl::union_set& domain, const LoopTreeRef& tree) { return {domain, tree}; }

}  // namespace nasc
