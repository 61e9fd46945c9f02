// interchange(outer=i, inner=j) -- swap two directly nested loops.
//   before  for i { for j { S } }        after  for j { for i { S } }
// Refuses  no-such-loop, ambiguous-loop, not-adjacent.
// Legal    when no dependence is reversed (judged in legality/order).
// Source   paper, section on program transformations; "reorder" of Halide and TVM.
#include "polyhedral/edit.h"

namespace nasc {
namespace {

bool is_called(const LoopTreeRef& node, const std::string& address) {
  if (node->kind != LoopTree::loop) return false;
  if (node->mark.name == address) return true;
  for (const auto& s : node->statements)
    if (s + "." + node->mark.name == address) return true;
  return false;
}

Expected<Kernel> apply_interchange(const Kernel& kernel, const Args& a) {
  std::string inner_name = a.word("inner");
  if (auto found = find_loops(tree_of(kernel.schedule), inner_name); !found && found.error().code == "no-such-loop")
    return std::unexpected(found.error());
  return edit_kernel(kernel, a.word("outer"), [&](const TreePath& path) -> Expected<LoopTreeRef> {
    const LoopTreeRef& outer = path.node();
    const LoopTreeRef& inner = outer->children[0];
    if (!is_called(inner, inner_name))
      return refuse("not-adjacent", "loop " + inner_name + " is not directly inside " + outer->mark.name);
    return with_children(inner, {with_children(outer, inner->children)});
  });
}

std::vector<Step> choices(const Kernel& kernel) {
  std::vector<Step> out;
  LoopTreeRef tree = tree_of(kernel.schedule);
  for (const auto& p : loop_paths(tree))
    if (const auto& inner = p.node()->children[0]; inner->kind == LoopTree::loop) {
      TreePath below = p;
      below.nodes.push_back(inner);
      below.at.push_back(0);
      out.push_back({"interchange", {{"outer", address_of(tree, p)}, {"inner", address_of(tree, below)}}});
    }
  return out;
}

const Registered<Transformation> interchange{{
    .name = "interchange",
    .kind = Kind::schedule,
    .parameters = {{Parameter::loop, "outer", "outer loop"}, {Parameter::loop, "inner", "loop directly inside it"}},
    .doc = "Swap two directly nested loops.",
    .refusals = {"no-such-loop", "ambiguous-loop", "not-adjacent"},
    .on_kernel = apply_interchange,
    .on_module = nullptr,
    .choices = choices}};

}  // namespace
}  // namespace nasc
