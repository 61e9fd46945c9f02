// fuse(first=12, second=13) -- merge the Programs of two calls: a producer and a pointwise consumer of its result.
//   before  call 12: Y[..] = producer    call 13: Z[..] = f(Y[..], ..)
//   after   call 12: Y local to one Program of all their statements
// With keep=[0, 0, 2, 0], which may be of different index spaces: places for two values of Y's third dimension, one pair
// after the other; a schedule has to make and use them so.
// Refuses  no-such-call, not-producer, used-elsewhere, too-many-statements, phase-differs, different-index-spaces, bad-keep.
// Legal    always: the statements keep their textual order, and the buffer had no other reader; with keep, when the
//          schedule lets no two elements of one place live at a time (judged in legality/storage).
// Source   operator fusion of TVM and XLA; "compute_at" once the tile transformation joins the loops; "store_at" of Halide.
#include <algorithm>

#include "polyhedral/group.h"
#include "polyhedral/module_edit.h"
#include "polyhedral/transforms/call_pair.h"

namespace nasc {
namespace {
// The layout of the tensor with places for some values of a dimension only, and no border.
Expected<Layout> folded(const Tensor& t, const std::vector<int64_t>& keep) {
  Layout l = layout_of(t);
  if (keep.size() != t.shape.size()) return refuse("bad-keep", text(keep.size(), " entries for rank ", t.rank()));
  l.halo.assign(t.shape.size(), {0, 0});
  for (size_t d = 0; d < keep.size(); ++d) {
    if (!keep[d]) continue;
    auto of_dim = [&](const LayoutDim& o) { return o.dim == static_cast<int>(d); };
    auto at = std::find_if(l.dims.begin(), l.dims.end(), of_dim);
    const Extent& e = t.shape[d];
    if (keep[d] < 1 || !e.is_constant() || e.constant() % keep[d])
      return refuse("bad-keep", text(keep[d], " of ", e.text(), " values do not go into whole parts"));
    if (std::count_if(l.dims.begin(), l.dims.end(), of_dim) != 1 || at->div != 1 || at->mod)
      return refuse("bad-keep", text("dimension ", d, " of ", t.name, " lies in blocks"));
    at->mod = keep[d];
  }
  return l;
}

Expected<Program> merge(const Program& p, const Program& q, const std::map<std::string, std::string>& names,
                        const std::string& inner, const std::vector<int64_t>& keep) {
  Program renamed_q = with_names(q, names);
  Program merged = p;
  merged.name = p.name + "_" + q.name;
  merged.origin = p.origin + "+" + q.origin;
  merged.tensor(inner).role = Role::temp;
  merged.tensor(inner).layout.reset();
  if (!keep.empty()) {
    auto layout = folded(p.tensor(inner), keep);
    if (!layout) return std::unexpected(layout.error());
    merged.tensor(inner).layout = *layout;
  }
  for (const Tensor& t : renamed_q.tensors)
    if (!merged.find_tensor(t.name)) merged.tensors.push_back(t);
  for (const Statement& s : renamed_q.statements) merged.statements.push_back(s);
  if (!keep.empty()) {
    recut_domains(merged);
    return merged;
  }
  auto group = group_of(merged);
  if (!group) return refuse("different-index-spaces", group.error().text);
  return merged;
}

Expected<Module> apply_fuse(const Module& module, const Args& a) {
  std::vector<int64_t> keep = a.has("keep") ? a.integers("keep") : std::vector<int64_t>{};
  std::string how = "fuse";
  for (int64_t k : keep) how += text(" ", k);
  return merge_calls(module, a, how, [&](const Program& p, const Program& q, const CallPair& pair) { return merge(p, q, pair.names, pair.inner, keep); });
}

const Registered<Transformation> fuse{{
    .name = "fuse",
    .kind = Kind::schedule,
    .parameters = {{Parameter::integer, "first", "call that produces"},
                   {Parameter::integer, "second", "call that consumes"},
                   {Parameter::integers, "keep", "per dimension of what is between them: values with a place, 0 for all", false}},
    .doc = "Merge the Programs of two calls of the Network.",
    .refusals = {"no-such-call", "not-producer", "used-elsewhere", "too-many-statements", "phase-differs",
                 "different-index-spaces", "bad-keep"},
    .on_kernel = nullptr,
    .on_module = apply_fuse,
    .choices = nullptr}};

}  // namespace
}  // namespace nasc
