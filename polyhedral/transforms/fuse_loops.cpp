// fuse_loops(first=init.n, second=mac.n, levels=4) -- run two adjacent nests under common outermost loops.
//   before  for n { S }  for n { T }        after  for n { S  T }
// Refuses  no-such-loop, ambiguous-loop, not-adjacent, bad-levels, name-taken, annotated.
// Legal    when no dependence is reversed (judged in legality/order).
// Source   loop fusion; "compute_at" of Halide.
#include "polyhedral/edit.h"

namespace nasc {
namespace {

// One loop around both bodies; further levels fuse the loops directly inside.
Expected<LoopTreeRef> fused(const TreeParts& pair, int64_t levels) {
  const LoopTreeRef &a = pair[0].second, &b = pair[1].second;
  if (a->kind != LoopTree::loop || b->kind != LoopTree::loop)
    return refuse("bad-levels", "the nests do not have that many common loops");
  if (a->mark.annotations != b->mark.annotations)
    return refuse("annotated", "loops " + a->mark.name + " and " + b->mark.name + " have different annotations");
  Band band = a->band;
  band.insert(b->band.begin(), b->band.end());
  for (const auto& s : a->statements)
    if (b->statements.count(s)) return refuse("not-adjacent", "statement " + s + " is in both nests");
  TreeParts bodies = {{pair[0].first, a->children[0]}, {pair[1].first, b->children[0]}};
  if (levels == 1) {
    LoopTreeRef out = loop(a->mark, band, sequence(bodies));
    bool taken = false;
    visit(b->children[0], [&](const TreePath& p) {
      taken |= p.node()->kind == LoopTree::loop && p.node()->mark.name == a->mark.name;
    });
    if (taken) return refuse("name-taken", "a loop inside " + b->mark.name + " is called " + a->mark.name);
    return out;
  }
  auto inner = fused(bodies, levels - 1);
  if (!inner) return inner;
  return loop(a->mark, band, *inner);
}

Expected<Kernel> apply_fuse(const Kernel& kernel, const Args& a) {
  LoopTreeRef tree = tree_of(kernel.schedule);
  auto first = find_loops(tree, a.word("first")), second = find_loops(tree, a.word("second"));
  if (!first) return std::unexpected(first.error());
  if (!second) return std::unexpected(second.error());
  int64_t levels = a.has("levels") ? a.integer("levels") : 1;
  if (levels < 1) return refuse("bad-levels", text(levels, " levels"));
  const TreePath &p = first->front(), &q = second->front();
  TreePath parent = p;
  bool adjacent = first->size() == 1 && second->size() == 1 && !p.is_root() && p.at.size() == q.at.size() &&
                  std::equal(p.at.begin(), p.at.end() - 1, q.at.begin()) && q.at.back() == p.at.back() + 1;
  if (!adjacent)
    return refuse("not-adjacent", a.word("second") + " does not directly follow " + a.word("first"));
  parent = p.parent();
  TreeParts parts = parts_of(parent.node());
  auto at = parts.begin() + p.at.back();
  auto both = fused({at[0], at[1]}, levels);
  if (!both) return std::unexpected(both.error());
  Filter filter = at[0].first;
  filter.insert(at[1].first.begin(), at[1].first.end());
  *at = {filter, *both};
  parts.erase(at + 1);
  return with_tree(kernel, replaced(tree, parent, sequence(parts)));
}

std::vector<Step> choices(const Kernel& kernel) {
  std::vector<Step> out;
  LoopTreeRef tree = tree_of(kernel.schedule);
  std::vector<TreePath> all = loop_paths(tree);
  for (const auto& p : all)
    for (const auto& q : all)
      if (p.at.size() == q.at.size() && !p.is_root() && std::equal(p.at.begin(), p.at.end() - 1, q.at.begin()) &&
          q.at.back() == p.at.back() + 1)
        out.push_back({"fuse_loops", {{"first", address_of(tree, p)}, {"second", address_of(tree, q)}}});
  return out;
}

const Registered<Transformation> fuse_loops{{
    .name = "fuse_loops",
    .kind = Kind::schedule,
    .parameters = {{Parameter::loop, "first", "outermost loop of a nest"},
                   {Parameter::loop, "second", "outermost loop of the nest that follows"},
                   {Parameter::integer, "levels", "how many directly nested loops to fuse, 1 by default", false}},
    .doc = "Run two adjacent nests under common outermost loops.",
    .refusals = {"no-such-loop", "ambiguous-loop", "not-adjacent", "bad-levels", "name-taken", "annotated"},
    .on_kernel = apply_fuse,
    .on_module = nullptr,
    .choices = choices}};

}  // namespace
}  // namespace nasc
