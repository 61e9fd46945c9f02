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
#include <set>

#include "polyhedral/group.h"
#include "polyhedral/memo.h"
#include "polyhedral/module_edit.h"
#include "polyhedral/transformation.h"

namespace nasc {
namespace {
constexpr size_t kMaxStatements = 16;

// A name like `wanted` that is not in `taken`.
std::string unused(const std::string& wanted, std::set<std::string>& taken) {
  std::string name = wanted;
  for (int k = 1; !taken.insert(name).second; ++k) name = text(wanted, "_", k);
  return name;
}

// Names of the consumer's tensors and statements in the merged Program.
std::map<std::string, std::string> names_in_merged(const Program& p, const Program& q,
                                                   const std::vector<std::pair<std::string, std::string>>& same) {
  std::set<std::string> taken;
  for (const Tensor& t : p.tensors) taken.insert(t.name);
  for (const Statement& s : p.statements) taken.insert(s.name);
  std::map<std::string, std::string> names(same.begin(), same.end());
  for (const Tensor& t : q.tensors)
    if (!names.count(t.name)) names[t.name] = unused(t.name, taken);
  for (const Statement& s : q.statements) names[s.name] = unused(s.name, taken);
  return names;
}

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
  const Network& n = module.network;
  int64_t first = a.integer("first"), second = a.integer("second");
  if (first < 0 || second <= first || second >= static_cast<int64_t>(n.calls.size()))
    return refuse("no-such-call", text("calls ", first, " and ", second, " of ", n.calls.size()));
  const Call &producer = n.calls[first], &consumer = n.calls[second];
  const Program &p = *n.programs[producer.program], &q = *n.programs[consumer.program];
  if (p.phase != q.phase) return refuse("phase-differs", text(p.name, " runs at ", name(p.phase)));
  if (p.statements.size() + q.statements.size() > kMaxStatements)
    return refuse("too-many-statements", text(p.statements.size() + q.statements.size(), " > ", kMaxStatements));

  std::vector<int> p_bound = Network::bound(p), q_bound = Network::bound(q);
  int shared = -1;  // the buffer between the two
  std::string inner;
  for (size_t k = 0; k < p_bound.size(); ++k) {
    if (p.tensors[p_bound[k]].role != Role::output) continue;
    if (std::find(consumer.args.begin(), consumer.args.end(), producer.args[k]) == consumer.args.end()) continue;
    shared = producer.args[k];
    inner = p.tensors[p_bound[k]].name;
  }
  if (shared < 0) return refuse("not-producer", text("call ", second, " does not read what call ", first, " writes"));
  bool is_output = std::any_of(n.outputs.begin(), n.outputs.end(), [&](int b) { return n.root(b) == n.root(shared); });
  std::vector<int> users = calls_of(n, shared);
  if (is_output || n.buffers[shared].alias_of >= 0 || users != std::vector<int>{static_cast<int>(first), static_cast<int>(second)} ||
      std::any_of(n.buffers.begin(), n.buffers.end(), [&](const Buffer& b) { return b.alias_of == shared; }))
    return refuse("used-elsewhere", n.buffers[shared].name + " has other users");

  // Which arguments of the consumer the producer has, too.
  std::vector<int64_t> keep = a.has("keep") ? a.integers("keep") : std::vector<int64_t>{};
  std::string how = "fuse";
  for (int64_t k : keep) how += text(" ", k);
  std::vector<std::pair<std::string, std::string>> same;  // names of one buffer in the consumer and in the producer
  for (size_t k = 0; k < q_bound.size(); ++k) {
    const Tensor& t = q.tensors[q_bound[k]];
    auto at = std::find(producer.args.begin(), producer.args.end(), consumer.args[k]);
    if (t.role == Role::output || at == producer.args.end()) continue;
    same.emplace_back(t.name, p.tensors[p_bound[at - producer.args.begin()]].name);
    how += text(" ", same.back().first, "=", same.back().second);
  }
  std::map<std::string, std::string> names = names_in_merged(p, q, same);
  auto merged = remembered({n.programs[producer.program], n.programs[consumer.program]}, how + " " + inner,
                           [&]() { return merge(p, q, names, inner, keep); });
  if (!merged) return std::unexpected(merged.error());

  std::map<std::string, int> buffer_of;
  for (size_t k = 0; k < p_bound.size(); ++k) buffer_of[p.tensors[p_bound[k]].name] = producer.args[k];
  for (size_t k = 0; k < q_bound.size(); ++k) buffer_of[names.at(q.tensors[q_bound[k]].name)] = consumer.args[k];
  Call call{0, {}, producer.name + "+" + consumer.name};
  for (const Tensor& t : (*merged)->tensors)
    if (t.role != Role::temp) call.args.push_back(buffer_of.at(t.name));

  Module out = module;
  out.network.calls[second] = call;
  rebind(out, static_cast<int>(second), *merged);
  out.network.calls.erase(out.network.calls.begin() + first);
  drop_unused(out);
  return out;
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
