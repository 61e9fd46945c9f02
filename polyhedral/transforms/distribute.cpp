// distribute(loop=w) -- give each part of a sequence its own copy of the loop around it.
//   before  for w { S  T }        after  for w { S }  for w { T }
// Refuses  no-such-loop, ambiguous-loop, not-a-sequence.
// Legal    when no dependence is reversed (judged in legality/order).
// Source   loop distribution (fission); the inverse of fuse_loops.
#include "polyhedral/edit.h"

namespace nasc {
namespace {

Expected<Kernel> apply_distribute(const Kernel& kernel, const Args& a) {
  return edit_kernel(kernel, a.word("loop"), [&](const TreePath& path) -> Expected<LoopTreeRef> {
    const LoopTree& node = *path.node();
    if (node.children[0]->kind != LoopTree::sequence)
      return refuse("not-a-sequence", "loop " + node.mark.name + " has no sequence directly inside");
    TreeParts parts = parts_of(node.children[0]);
    for (auto& [filter, body] : parts) {
      Band band;
      for (const auto& s : body->statements) band.emplace(s, node.band.at(s));
      body = loop(node.mark, band, body, node.isolate);
    }
    return sequence(std::move(parts));
  });
}

std::vector<Step> choices(const Kernel& kernel) { return step_per_loop(kernel, "distribute"); }

const Registered<Transformation> distribute{{
    .name = "distribute",
    .kind = Kind::schedule,
    .parameters = {{Parameter::loop, "loop", "loop directly around a sequence"}},
    .doc = "Give each part of a sequence its own copy of the loop around it.",
    .refusals = {"no-such-loop", "ambiguous-loop", "not-a-sequence"},
    .on_kernel = apply_distribute,
    .on_module = nullptr,
    .choices = choices}};

}  // namespace
}  // namespace nasc
