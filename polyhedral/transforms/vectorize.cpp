// vectorize(loop=co.v) -- make the iterations of a loop the lanes of vectors.
//   before  for co.v < 16 { S }        after  S(0..15)
// Refuses  no-such-loop, ambiguous-loop, unknown-trip-count, bad-lanes, nested-vector.
// Legal    when the loop carries no dependence, or reductions that may be re-associated (judged in legality/order).
// Source   "vectorize" of Halide and TVM; checks of codegen-route section 7.
#include "polyhedral/edit.h"

namespace nasc {
namespace {
constexpr int64_t kMaxLanes = 64;

Expected<Kernel> apply_vectorize(const Kernel& kernel, const Args& a) {
  isl::union_set domain = kernel.program.domain();
  return annotate(kernel, a.word("loop"), Annotation::vectorize, [&](const TreePath& path) -> Expected<LoopTreeRef> {
    const LoopTreeRef& node = path.node();
    auto range = trips(domain, path).same();
    if (!range)
      return refuse("unknown-trip-count", "loop " + node->mark.name + " does not have equal lanes everywhere");
    int64_t lanes = range->second - range->first + 1;
    if (lanes < 2 || lanes > kMaxLanes)
      return refuse("bad-lanes", text("loop ", node->mark.name, " has ", lanes, " lanes; 2 to ", kMaxLanes, " fit"));
    if (annotated_around(path, Annotation::vectorize) || annotated_below(node, Annotation::vectorize))
      return refuse("nested-vector", "a loop around or inside " + node->mark.name + " is vectorized");
    return loop(node->mark, shifted(node->band, -range->first), node->children[0]);
  });
}

std::vector<Step> choices(const Kernel& kernel) { return step_per_loop(kernel, "vectorize"); }

const Registered<Transformation> vectorize{{
    .name = "vectorize",
    .kind = Kind::mapping,
    .parameters = {{Parameter::loop, "loop", "loop of 2 to 64 iterations"}},
    .doc = "Make the iterations of a loop the lanes of vectors.",
    .refusals = {"no-such-loop", "ambiguous-loop", "unknown-trip-count", "bad-lanes", "nested-vector"},
    .on_kernel = apply_vectorize,
    .on_module = nullptr,
    .choices = choices}};

}  // namespace
}  // namespace nasc
