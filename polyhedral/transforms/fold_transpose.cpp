// fold_transpose(call=5) -- a call that only permutes dimensions disappears: its readers read what it read, in that order
// of dimensions, or the producer of what it read writes its result.
//   before  call 4: a[i, j, k] = ..    call 5: b[i, k, j] = a[i, j, k]    call 6: .. = b[i, k, j]
//   after   call 4: a[i, j, k] = ..    call 5: .. = a[i, j, k]            or, when a and not b has views,
//           call 4: b[i, k, j] = ..    call 5: .. = b[i, k, j]
// Refuses  no-such-call, not-a-transpose, used-elsewhere, different-index-spaces.
// Legal    always: the same elements, at other addresses.
// Source   "transpose folding" of XLA.
#include <algorithm>

#include "ir/joined.h"
#include "polyhedral/group.h"
#include "polyhedral/module_edit.h"
#include "polyhedral/transformation.h"

namespace nasc {

// y[i..] = x[i[order[0]], i[order[1]], ..], all of both.
std::optional<std::vector<int>> permutation(const Program& p) {
  if (p.phase != Phase::run || p.statements.size() != 1 || p.tensors.size() != 2) return std::nullopt;
  const Statement& s = p.statements[0];
  if (s.combine != Combine::assign || s.reads.size() != 1 || s.body->fn != Fn::read) return std::nullopt;
  int rank = static_cast<int>(s.iterators.size());
  auto iterator = [&](const Access& a, int d) {
    std::optional<LinearAff> f = linear(a.map.at(d));
    if (!f || f->denominator != 1 || f->constant || !f->parameters.empty()) return -1;
    int at = -1;
    for (int i = 0; i < rank; ++i)
      if (int64_t c = f->coefficients[static_cast<size_t>(i)]) at = c == 1 && at == -1 ? i : -2;
    return at;
  };
  std::vector<int> order(static_cast<size_t>(rank), -1);
  if (static_cast<int>(s.write.map.size()) != rank || static_cast<int>(s.reads[0].map.size()) != rank) return std::nullopt;
  for (int d = 0; d < rank; ++d) {
    int from = iterator(s.reads[0], d);
    for (int e = 0; e < rank; ++e)
      if (from >= 0 && iterator(s.write, e) == from) order[static_cast<size_t>(d)] = e;
  }
  std::vector<int> sorted = order;
  std::sort(sorted.begin(), sorted.end());
  for (int d = 0; d < rank; ++d)
    if (sorted[static_cast<size_t>(d)] != d) return std::nullopt;
  const Tensor &x = p.tensor(s.reads[0].tensor), &y = p.tensor(s.write.tensor);
  for (int d = 0; d < rank; ++d)
    if (!(x.shape[static_cast<size_t>(d)] == y.shape[static_cast<size_t>(order[static_cast<size_t>(d)])])) return std::nullopt;
  if (x.layout || y.layout || x.dtype != y.dtype || !s.domain.is_equal(renamed(extent_set(y), s.name))) return std::nullopt;
  return order;
}

namespace {

// The Program with dimension d of the tensor where order[d] was.
Program permuted(Program p, const std::string& tensor, const std::vector<int>& order) {
  Tensor& t = p.tensor(tensor);
  Shape shape;
  std::vector<std::string> from, to;
  for (size_t d = 0; d < order.size(); ++d) {
    shape.push_back(t.shape[static_cast<size_t>(order[d])]);
    from.push_back(text("i", d));
    to.push_back(text("i", order[d]));
  }
  t.shape = shape;
  isl::multi_aff turned(isl_context(), "{ " + tensor + "[" + joined(from) + "] -> " + tensor + "[" + joined(to) + "] }");
  for (Statement& s : p.statements) {
    auto turn = [&](Access& a) {
      if (a.tensor == tensor) a.map = turned.pullback(a.map);
    };
    turn(s.write);
    for (Access& r : s.reads) turn(r);
  }
  return p;
}

bool is_kept(const Network& n, int b) {  // the caller, or a view, sees the buffer as it is
  return n.buffers[b].role != Role::temp || n.buffers[b].alias_of >= 0 || n.buffers[b].layout ||
         std::find(n.outputs.begin(), n.outputs.end(), b) != n.outputs.end() ||
         std::any_of(n.buffers.begin(), n.buffers.end(), [&](const Buffer& o) { return o.alias_of == b; });
}

// Calls `users` bind `to` where they bound `from`, whose dimension order[d] is that one's d.
Expected<Module> bound_to(const Module& module, int folded, const std::vector<int>& users, int from, int to, const std::vector<int>& order) {
  Module out = module;
  for (int c : users) {
    if (c == folded) continue;
    Program p = *module.network.programs[module.network.calls[c].program];
    bool grouped = group_of(p).has_value();
    std::vector<int> bound = Network::bound(p);
    Call& call = out.network.calls[c];
    for (size_t k = 0; k < bound.size(); ++k)
      if (call.args[k] == from) {
        call.args[k] = to;
        p = permuted(std::move(p), p.tensors[static_cast<size_t>(bound[k])].name, order);
      }
    if (grouped && !group_of(p)) return refuse("different-index-spaces", p.name);
    rebind(out, c, std::move(p));
  }
  out.network.calls.erase(out.network.calls.begin() + folded);
  drop_unused(out);
  return out;
}

Expected<Module> apply_fold(const Module& module, const Args& a) {
  const Network& n = module.network;
  int64_t at = a.integer("call");
  if (at < 0 || at >= static_cast<int64_t>(n.calls.size())) return refuse("no-such-call", text("call ", at));
  const Call& call = n.calls[at];
  const Program& p = *n.programs[call.program];
  auto order = permutation(p);
  if (!order) return refuse("not-a-transpose", call.name + " does more than to permute dimensions");
  bool first_read = p.tensors[0].role == Role::input;
  int x = call.args[first_read ? 0 : 1], y = call.args[first_read ? 1 : 0];
  if (n.buffers[n.root(x)].role == Role::weight) return refuse("used-elsewhere", n.buffers[x].name + " is a weight");
  if (!is_kept(n, y)) return bound_to(module, static_cast<int>(at), calls_of(n, y), y, x, *order);
  std::vector<int> users = calls_of(n, x), back(order->size());
  if (is_kept(n, x) || n.buffers[y].layout || users.size() != 2)
    return refuse("used-elsewhere", n.buffers[x].name + " and " + n.buffers[y].name + " are used as they are");
  for (size_t d = 0; d < order->size(); ++d) back[static_cast<size_t>((*order)[d])] = static_cast<int>(d);
  return bound_to(module, static_cast<int>(at), users, x, y, back);
}

const Registered<Transformation> fold_transpose{{
    .name = "fold_transpose",
    .kind = Kind::layout,
    .parameters = {{Parameter::integer, "call", "call of a Transpose"}},
    .doc = "Let readers of a transposed tensor read the other one, or its producer write it transposed.",
    .refusals = {"no-such-call", "not-a-transpose", "used-elsewhere", "different-index-spaces"},
    .on_kernel = nullptr,
    .on_module = apply_fold,
    .choices = nullptr}};

}  // namespace
}  // namespace nasc
