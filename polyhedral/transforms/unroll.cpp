// unroll(loop=kw) -- let the code generator expand a loop.
//   before  for kw < 3 { S }        after  S(0) S(1) S(2)
// Refuses  no-such-loop, ambiguous-loop, unknown-trip-count, too-many-iterations.
// Legal    always: the order of instances does not change.
// Source   loop unrolling; expanded by the emitter on one AST loop (codegen-route section 7).
#include "polyhedral/edit.h"

namespace nasc {
namespace {
constexpr int64_t kMaxUnroll = 64;

Expected<Kernel> apply_unroll(const Kernel& kernel, const Args& a) {
  isl::union_set domain = kernel.program.domain();
  return annotate(kernel, a.word("loop"), Annotation::unroll, [&](const TreePath& path) -> Expected<LoopTreeRef> {
    const std::string& name = path.node()->mark.name;
    auto most = trips(domain, path).most();
    if (!most) return refuse("unknown-trip-count", "the trip count of loop " + name + " is not constant");
    if (*most > kMaxUnroll)
      return refuse("too-many-iterations", text("loop ", name, " has ", *most, " iterations, more than ", kMaxUnroll));
    return path.node();
  });
}

std::vector<Step> choices(const Kernel& kernel) { return step_per_loop(kernel, "unroll"); }

const Registered<Transformation> unroll{{
    .name = "unroll",
    .kind = Kind::mapping,
    .parameters = {{Parameter::loop, "loop", "loop of constant trip count"}},
    .doc = "Expand a loop of at most 64 iterations.",
    .refusals = {"no-such-loop", "ambiguous-loop", "unknown-trip-count", "too-many-iterations"},
    .on_kernel = apply_unroll,
    .on_module = nullptr,
    .choices = choices}};

}  // namespace
}  // namespace nasc
