// parallel(loop=co.t) -- divide the iterations of a loop among the threads.
//   before  for co.t { S }        after  for co.t of this thread's part { S }
// Refuses  no-such-loop, ambiguous-loop, nested-parallel, inside-stage.
// Legal    when the loop carries no dependence (judged in legality/order).
// Source   static partition of architecture decision 9; "parallel" of Halide and TVM.
#include <algorithm>

#include "polyhedral/edit.h"

namespace nasc {
namespace {

Expected<Kernel> apply_parallel(const Kernel& kernel, const Args& a) {
  return annotate(kernel, a.word("loop"), Annotation::parallel, [&](const TreePath& path) -> Expected<LoopTreeRef> {
    const LoopTreeRef& node = path.node();
    if (annotated_around(path, Annotation::parallel) || annotated_below(node, Annotation::parallel))
      return refuse("nested-parallel", "a loop around or inside " + node->mark.name + " is parallel");
    if (std::any_of(path.nodes.begin(), path.nodes.end(), [](const auto& n) { return n->kind == LoopTree::region; }))
      return refuse("inside-stage", "loop " + node->mark.name + " is inside a region of staged values");
    return node;
  });
}

std::vector<Step> choices(const Kernel& kernel) { return step_per_loop(kernel, "parallel"); }

const Registered<Transformation> parallel{{
    .name = "parallel",
    .kind = Kind::mapping,
    .parameters = {{Parameter::loop, "loop", "loop without dependences between iterations"}},
    .doc = "Divide the iterations of a loop among the threads.",
    .refusals = {"no-such-loop", "ambiguous-loop", "nested-parallel", "inside-stage"},
    .on_kernel = apply_parallel,
    .on_module = nullptr,
    .choices = choices}};

}  // namespace
}  // namespace nasc
