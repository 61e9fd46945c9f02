// split(loop=w, by=14, names=[w.t, w.i], remainder=isolate) or split(loop=p, sizes=[10, 10, 9]) -- strip-mine a loop.
//   before  for w { S }        after  for w.t { for w.i { S } }
// Refuses  no-such-loop, ambiguous-loop, bad-size, tile-too-large, indivisible, name-taken, annotated.
// Legal    always: the order of instances does not change.
// Source   strip-mining; "split" of Halide and TVM; codegen-route section 4 for remainders.
#include <numeric>

#include "polyhedral/edit.h"

namespace nasc {
namespace {

struct Names2 {
  std::string outer, inner;
};

LoopTreeRef tiled(const LoopTreeRef& node, int64_t first, int64_t by, const Names2& names, Isolate full) {
  Band zero_based = shifted(node->band, -first);
  Mark outer, inner;
  outer.name = names.outer;
  inner.name = names.inner;
  return loop(outer, floor_divided(zero_based, by), loop(inner, modulo(zero_based, by), node->children[0]), full);
}

Expected<LoopTreeRef> uneven(const isl::union_set& domain, const TreePath& path, const Interval& range,
                             const std::vector<int64_t>& sizes, const Names2& names) {
  int64_t extent = range.second - range.first + 1;
  if (std::accumulate(sizes.begin(), sizes.end(), int64_t{0}) != extent)
    return refuse("bad-size", text("sizes do not add up to the extent ", extent, " of ", path.node()->mark.name));
  std::vector<int64_t> cuts, firsts = {range.first}, by = {sizes[0]};
  int64_t end = range.first;
  for (size_t k = 0; k < sizes.size(); ++k) {
    if (k > 0 && sizes[k] != sizes[k - 1]) cuts.push_back(end), firsts.push_back(end), by.push_back(sizes[k]);
    end += sizes[k];
  }
  return partitioned(domain, path, cuts, [&](size_t k, const LoopTreeRef& part) {
    return tiled(part, firsts[k], by[k], names, {});
  });
}

Expected<Kernel> apply_split(const Kernel& kernel, const Args& a) {
  std::vector<int64_t> sizes;
  if (a.has("sizes")) sizes = a.integers("sizes");
  if (a.has("by") == a.has("sizes")) return refuse("bad-size", "give either by or sizes");
  int64_t by = a.has("by") ? a.integer("by") : 1;
  if (by < 1 || (a.has("sizes") && sizes.empty())) return refuse("bad-size", text("tile size ", by));
  for (int64_t s : sizes)
    if (s < 1) return refuse("bad-size", text("tile size ", s));
  std::string remainder = a.has("remainder") ? a.word("remainder") : "isolate";
  if (remainder != "isolate" && remainder != "guard" && remainder != "none")
    return refuse("bad-size", "remainder is isolate, guard or none, not " + remainder);
  if (a.has("names") && a.words("names").size() != 2) return refuse("bad-size", "names needs two names");
  isl::union_set domain = kernel.program.domain();
  return edit_kernel(kernel, a.word("loop"), [&](const TreePath& path) -> Expected<LoopTreeRef> {
    const LoopTreeRef& node = path.node();
    const std::string& name = node->mark.name;
    if (!node->mark.annotations.empty())
      return refuse("annotated", "loop " + name + " has annotations; split comes before them");
    Names2 names = {name + ".t", name + ".i"};
    if (a.has("names")) names = {a.words("names")[0], a.words("names")[1]};
    if (names.outer == names.inner) return refuse("name-taken", "both loops are called " + names.outer);
    for (const auto& n : {names.outer, names.inner})
      if (auto free = check_free(path, n); !free) return std::unexpected(free.error());
    auto range = trips(domain, path).same();
    if (!sizes.empty()) {
      if (!range) return refuse("bad-size", "the extent of loop " + name + " is not constant");
      return uneven(domain, path, *range, sizes, names);
    }
    if (!range) {
      if (remainder == "none") return refuse("indivisible", text("the extent of loop ", name, " is not constant"));
      return tiled(node, 0, by, names, {});
    }
    int64_t extent = range->second - range->first + 1, full = extent / by;
    if (full == 0) return refuse("tile-too-large", text("tile size ", by, " exceeds extent ", extent, " of loop ", name));
    Isolate isolate;
    if (extent % by && remainder == "none")
      return refuse("indivisible", text(by, " does not divide extent ", extent, " of loop ", name));
    if (extent % by && remainder == "isolate")
      isolate = isl::set(isl_context(), text("{ [x] : 0 <= x < ", full, " }"));
    return tiled(node, range->first, by, names, isolate);
  });
}

std::vector<Step> choices(const Kernel& kernel) {
  std::vector<Step> out;
  for (int64_t by : {2, 3, 4})
    for (auto& s : step_per_loop(kernel, "split", {{"by", by}})) out.push_back(std::move(s));
  return out;
}

const Registered<Transformation> split{{
    .name = "split",
    .kind = Kind::schedule,
    .parameters = {{Parameter::loop, "loop", "loop to strip-mine"},
                   {Parameter::integer, "by", "tile size", false},
                   {Parameter::integers, "sizes", "sizes of consecutive tiles, adding up to the extent", false},
                   {Parameter::words, "names", "names of the outer and inner loop; LOOP.t and LOOP.i by default", false},
                   {Parameter::word, "remainder",
                    "isolate full tiles (default), guard the last one, or none: the size must divide", false}},
    .doc = "Strip-mine a loop into tiles.",
    .refusals = {"no-such-loop", "ambiguous-loop", "bad-size", "tile-too-large", "indivisible", "name-taken",
                 "annotated"},
    .on_kernel = apply_split,
    .on_module = nullptr,
    .choices = choices}};

}  // namespace
}  // namespace nasc
