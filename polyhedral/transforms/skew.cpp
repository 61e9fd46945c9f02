// skew(loop=j, by_loop=i, factor=1) -- add a multiple of an outer loop to a loop.
//   before  for i { for j { S } }        after  for i { for j' = j + i { S } }
// Refuses  no-such-loop, ambiguous-loop, not-outside, bad-factor, annotated.
// Legal    always: the order of instances does not change; it makes later interchanges legal.
// Source   loop skewing (Wolfe); wavefronts.
#include "polyhedral/edit.h"

namespace nasc {
namespace {

Expected<Kernel> apply_skew(const Kernel& kernel, const Args& a) {
  int64_t factor = a.integer("factor");
  if (factor == 0 || factor < -64 || factor > 64) return refuse("bad-factor", text("factor ", factor));
  std::string by = a.word("by_loop");
  if (auto found = find_loops(tree_of(kernel.schedule), by); !found && found.error().code == "no-such-loop")
    return std::unexpected(found.error());
  return edit_kernel(kernel, a.word("loop"), [&](const TreePath& path) -> Expected<LoopTreeRef> {
    const LoopTreeRef& node = path.node();
    if (!node->mark.annotations.empty())
      return refuse("annotated", "loop " + node->mark.name + " has annotations; skew comes before them");
    for (size_t d = 0; d + 1 < path.nodes.size(); ++d) {
      const LoopTreeRef& outer = path.nodes[d];
      if (outer->kind != LoopTree::loop) continue;
      bool match = outer->mark.name == by;
      for (const auto& s : outer->statements) match |= s + "." + outer->mark.name == by;
      if (!match) continue;
      Band band;
      for (const auto& [name, value] : node->band)
        band.emplace(name, value.add(outer->band.at(name).scale(isl::val(isl_context(), factor))));
      return loop(node->mark, band, node->children[0]);
    }
    return refuse("not-outside", "loop " + by + " is not outside " + node->mark.name);
  });
}

std::vector<Step> choices(const Kernel& kernel) {
  std::vector<Step> out;
  LoopTreeRef tree = tree_of(kernel.schedule);
  for (const auto& p : loop_paths(tree))
    for (TreePath outer = p; !outer.is_root();) {
      outer = outer.parent();
      if (outer.node()->kind != LoopTree::loop) continue;
      out.push_back({"skew",
                     {{"loop", address_of(tree, p)}, {"by_loop", address_of(tree, outer)}, {"factor", int64_t{1}}}});
      break;
    }
  return out;
}

const Registered<Transformation> skew{{
    .name = "skew",
    .kind = Kind::schedule,
    .parameters = {{Parameter::loop, "loop", "loop to skew"},
                   {Parameter::loop, "by_loop", "loop outside it"},
                   {Parameter::integer, "factor", "multiple of by_loop to add, not 0, at most 64"}},
    .doc = "Add a multiple of an outer loop to a loop.",
    .refusals = {"no-such-loop", "ambiguous-loop", "not-outside", "bad-factor", "annotated"},
    .on_kernel = apply_skew,
    .on_module = nullptr,
    .choices = choices}};

}  // namespace
}  // namespace nasc
