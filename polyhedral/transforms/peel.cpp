// peel(loop=h, count=1, side=first) -- take iterations off one end of a loop.
//   before  for 0 <= h < 8 { S }        after  for 0 <= h < 1 { S }  for 1 <= h < 8 { S }
// Refuses  no-such-loop, ambiguous-loop, unknown-trip-count, bad-count.
// Legal    always: the order of instances does not change.
// Source   loop peeling; borders of padded convolutions.
#include "polyhedral/edit.h"

namespace nasc {
namespace {

Expected<Kernel> apply_peel(const Kernel& kernel, const Args& a) {
  int64_t count = a.integer("count");
  std::string side = a.has("side") ? a.word("side") : "first";
  if (side != "first" && side != "last") return refuse("bad-count", "side is first or last, not " + side);
  isl::union_set domain = kernel.program.domain();
  return edit_kernel(kernel, a.word("loop"), [&](const TreePath& path) -> Expected<LoopTreeRef> {
    const std::string& name = path.node()->mark.name;
    auto range = trips(domain, path).same();
    if (!range) return refuse("unknown-trip-count", "loop " + name + " has no constant first and last value");
    if (count < 1 || count > range->second - range->first)
      return refuse("bad-count", text("cannot peel ", count, " of ", range->second - range->first + 1,
                                      " iterations of loop ", name));
    int64_t cut = side == "first" ? range->first + count : range->second + 1 - count;
    return partitioned(domain, path, {cut}, [](size_t, const LoopTreeRef& node) { return node; });
  });
}

std::vector<Step> choices(const Kernel& kernel) {
  std::vector<Step> out = step_per_loop(kernel, "peel", {{"count", 1}});
  for (auto& s : step_per_loop(kernel, "peel", {{"count", 1}, {"side", "last"}})) out.push_back(std::move(s));
  return out;
}

const Registered<Transformation> peel{{
    .name = "peel",
    .kind = Kind::schedule,
    .parameters = {{Parameter::loop, "loop", "loop to peel"},
                   {Parameter::integer, "count", "iterations to take off"},
                   {Parameter::word, "side", "first (default) or last", false}},
    .doc = "Take iterations off one end of a loop.",
    .refusals = {"no-such-loop", "ambiguous-loop", "unknown-trip-count", "bad-count"},
    .on_kernel = apply_peel,
    .on_module = nullptr,
    .choices = choices}};

}  // namespace
}  // namespace nasc
