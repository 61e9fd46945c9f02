// partition(loop=h, at=40, names=[h.a, h.b]) -- run the values of a loop below `at` first, then the others.
//   before  for h < 49 { S }        after  for h < 40 { S }  for 40 <= h < 49 { S }
// Refuses  no-such-loop, ambiguous-loop, outside-range, name-taken.
// Legal    always: the order of instances does not change.
// Source   index-set splitting; codegen-route section 4.
#include "polyhedral/edit.h"

namespace nasc {
namespace {

Expected<Kernel> apply_partition(const Kernel& kernel, const Args& a) {
  int64_t at = a.integer("at");
  std::vector<std::string> names;
  if (a.has("names")) names = a.words("names");
  if (!names.empty() && names.size() != 2) return refuse("name-taken", "names needs one name for each part");
  isl::union_set domain = kernel.program.domain();
  return edit_kernel(kernel, a.word("loop"), [&](const TreePath& path) -> Expected<LoopTreeRef> {
    if (auto range = trips(domain, path).same(); range && (at <= range->first || at > range->second))
      return refuse("outside-range", text("loop ", path.node()->mark.name, " runs from ", range->first, " to ",
                                          range->second, "; it has no part on each side of ", at));
    for (const auto& n : names)
      if (auto free = check_free(path, n); !free) return std::unexpected(free.error());
    return partitioned(domain, path, {at}, [&](size_t part, const LoopTreeRef& node) {
      Mark mark = node->mark;
      if (!names.empty()) mark.name = names[part];
      return with_mark(node, mark);
    });
  });
}

std::vector<Step> choices(const Kernel& kernel) { return step_per_loop(kernel, "partition", {{"at", 1}}); }

const Registered<Transformation> partition{{
    .name = "partition",
    .kind = Kind::schedule,
    .parameters = {{Parameter::loop, "loop", "loop to divide"},
                   {Parameter::integer, "at", "first value of the second part"},
                   {Parameter::words, "names", "loop name in each part; unchanged by default", false}},
    .doc = "Divide the values of a loop into two loops, one after the other.",
    .refusals = {"no-such-loop", "ambiguous-loop", "outside-range", "name-taken"},
    .on_kernel = apply_partition,
    .on_module = nullptr,
    .choices = choices}};

}  // namespace
}  // namespace nasc
