// join(call=5) -- buffers that a Concat puts side by side, or that a Split takes apart, become
// parts of the other one.
//   before  call 3: a = ..    call 4: b = ..    call 5: z[:, 0:64] = a; z[:, 64:] = b
//   after   call 3: a = ..    call 4: b = ..    with a, b views of z: nobody copies
//          call 7: y = z, c next to each other: z, and with it a and b, is a part of y
// Refuses  no-such-call, not-a-copy, caller-memory, view, not-in-one-piece, nothing-joined.
// Legal    always: the parts do not overlap and hold the same elements. What cannot be a part is
// still copied; a Split
//          writes nothing.
// Source   memory sharing of DenseNets (Pleiss et al. 2017); concat elimination of cpu-perf 3.8.
#include <algorithm>

#include "polyhedral/module_edit.h"
#include "polyhedral/transformation.h"

namespace nasc {
namespace {

// One statement: all of `shown` is the range of `whole` that begins at `part`.
struct Link {
  int shown = -1, whole = -1; // buffers
  Part part;
};

// The index is the iterator of this dimension plus a constant, which is returned.
std::optional<int64_t> shifted(const isl::aff& index, int iterator) {
  auto a = linear(index);
  if (!a || a->denominator != 1 || !a->parameters.empty())
    return std::nullopt;
  for (int k = 0; k < static_cast<int>(a->coefficients.size()); ++k)
    if (a->coefficients[k] != (k == iterator))
      return std::nullopt;
  return int64_t{a->constant};
}

// Dimension and distance of an access that moves along at most one dimension.
std::optional<Part> moved(const Access& a, const Statement& s) {
  Part part;
  if (a.map.size() != s.iterators.size())
    return std::nullopt;
  for (int d = 0; d < static_cast<int>(a.map.size()); ++d) {
    auto by = shifted(a.map.at(d), d);
    if (!by)
      return std::nullopt;
    if (!*by)
      continue;
    if (part.at || *by < 0)
      return std::nullopt;
    part = {d, *by};
  }
  return part;
}

// nullopt unless every statement copies all of a tensor to or from a range of another.
std::optional<std::vector<Link>> links_of(const Network& n, const Call& call) {
  const Program& p = *n.programs[call.program];
  std::vector<int> bound = Network::bound(p);
  auto buffer = [&](const std::string& tensor) {
    for (size_t k = 0; k < bound.size(); ++k)
      if (p.tensors[bound[k]].name == tensor)
        return call.args[k];
    return -1;
  };
  std::vector<Link> out;
  if (p.statements.empty() || p.statements[0].reads.empty())
    return {};
  bool split = true; // all else is written from one tensor
  for (const Tensor& t : p.tensors)
    split &= t.role == Role::output || t.name == p.statements[0].reads[0].tensor;
  for (const Statement& s : p.statements) {
    if (s.combine != Combine::assign || s.reads.size() != 1 || s.body->fn != Fn::read ||
        p.phase != Phase::run)
      return {};
    auto to = moved(s.write, s), from = moved(s.reads[0], s);
    if (!to || !from || (split ? to : from)->at)
      return {};
    const Tensor& shown = p.tensor(split ? s.write.tensor : s.reads[0].tensor);
    if (shown.role == Role::temp || !s.domain.is_equal(renamed(extent_set(shown), s.name)))
      return {};
    Link link{buffer(shown.name), buffer(split ? s.reads[0].tensor : s.write.tensor),
              split ? *from : *to};
    if (link.shown < 0 || link.whole < 0 || link.shown == link.whole)
      return {};
    out.push_back(link);
  }
  for (Link& l : out) { // one that begins at 0 is cut where it is smaller
    const Shape &some = n.buffers[l.shown].shape, &all = n.buffers[l.whole].shape;
    if (some.size() != all.size())
      return {};
    for (size_t d = 0; d < all.size() && !l.part.at; ++d)
      if (!(some[d] == all[d]))
        l.part.dim = static_cast<int>(d);
    if (l.part.dim != out[0].part.dim)
      return {};
  }
  if (out.empty() ||
      (split ? n.buffers[out[0].shown].shape == n.buffers[out[0].whole].shape : out.size() < 2))
    return {};
  return out;
}

// Operands that already are all of another buffer, in its order, stand there as that buffer.
std::vector<Link> gathered(const Network& n, std::vector<Link> links) {
  for (size_t k = 0; k < links.size();) {
    const Buffer& first = n.buffers[links[k].shown];
    int64_t end = 0;
    size_t last = k;
    for (; first.part && last < links.size(); ++last) {
      const Buffer& b = n.buffers[links[last].shown];
      if (!b.part || b.alias_of != first.alias_of || b.part->dim != links[k].part.dim ||
          b.part->at != end)
        break;
      end += b.shape[links[k].part.dim].constant();
    }
    if (last == k || !n.buffers[first.alias_of].shape[links[k].part.dim].is(end)) {
      ++k;
      continue;
    }
    links[k].shown = first.alias_of;
    links.erase(links.begin() + static_cast<int64_t>(k) + 1,
                links.begin() + static_cast<int64_t>(last));
    k = 0; // maybe with its neighbours
  }
  return links;
}

bool written_by_runs(const Network& n, int b) {
  for (int c : calls_of(n, b)) {
    const Program& p = *n.programs[n.calls[c].program];
    std::vector<int> bound = Network::bound(p);
    for (size_t k = 0; k < bound.size(); ++k)
      if (n.calls[c].args[k] == b && p.tensors[bound[k]].role == Role::output &&
          p.phase != Phase::run)
        return false;
  }
  return true;
}

bool plainly_viewed(const Network& n, int b) {
  return std::any_of(n.buffers.begin(), n.buffers.end(),
                     [&](const Buffer& o) { return o.alias_of == b && !o.part; });
}

bool is_output(const Network& n, int b) {
  return n.buffers[b].role != Role::temp ||
         std::find(n.outputs.begin(), n.outputs.end(), b) != n.outputs.end();
}

bool can_be_part(const Network& n, const Link& link, const std::vector<Link>& all) {
  const Buffer& b = n.buffers[link.shown];
  return !is_output(n, link.shown) && b.alias_of < 0 && !b.layout &&
         !plainly_viewed(n, link.shown) && written_by_runs(n, link.shown) &&
         std::count_if(
             all.begin(), all.end(), [&](const Link& l) { return l.shown == link.shown; }) == 1;
}

Expected<Module> apply_join(const Module& module, const Args& a) {
  const Network& n = module.network;
  int64_t at = a.integer("call");
  if (at < 0 || at >= static_cast<int64_t>(n.calls.size()))
    return refuse("no-such-call", text("call ", at));
  auto links = links_of(n, n.calls[at]);
  if (!links)
    return refuse("not-a-copy", n.calls[at].name + " does not put tensors side by side");
  int whole = (*links)[0].whole;
  bool concat = whole != n.calls[at].args[0];
  if (concat)
    links = gathered(n, *links);
  int dim = (*links)[0].part.dim;
  Extent sum = 0;
  for (const Link& l : *links)
    sum = sum + n.buffers[l.shown].shape[dim];
  if (concat && !(sum == n.buffers[whole].shape[dim]))
    return refuse("not-a-copy", n.buffers[whole].name + " has elements that belong to no part");
  if (is_output(n, whole))
    return refuse("caller-memory", n.buffers[whole].name + " belongs to the caller");
  if (plainly_viewed(n, whole) || n.buffers[whole].layout)
    return refuse("view", n.buffers[whole].name + " has views");
  for (const Link& l : *links)
    if (!part_offset(n.buffers[l.whole], n.buffers[l.shown], l.part))
      return refuse("not-in-one-piece",
                    n.buffers[l.shown].name + " is scattered in " + n.buffers[l.whole].name);
  std::vector<bool> joined;
  for (const Link& l : *links)
    joined.push_back(can_be_part(n, l, *links));
  if (!concat && std::count(joined.begin(), joined.end(), false))
    return refuse("view", "not every result can be a part");
  if (!std::count(joined.begin(), joined.end(), true))
    return refuse("nothing-joined", "every part belongs elsewhere");

  Module out = module;
  Network& net = out.network;
  std::vector<std::pair<Call, int>> copies; // and the buffer that is copied
  for (size_t k = 0; k < links->size(); ++k) {
    const Link& l = (*links)[k];
    int shown = l.shown;
    if (!joined[k]) { // a part of its own, filled by a copy
      Buffer copy;
      static_cast<Tensor&>(copy) = n.buffers[shown];
      copy.name = unused_buffer_name(net, n.buffers[shown].name + "_part");
      copy.role = Role::temp;
      copy.payload = {};
      copies.push_back(
          {Call{0, {shown, static_cast<int>(net.buffers.size())}, n.calls[at].name}, shown});
      shown = static_cast<int>(net.buffers.size());
      net.buffers.push_back(std::move(copy));
    }
    net.buffers.edit(shown).alias_of = whole;
    net.buffers.edit(shown).part = l.part;
  }
  net.calls.erase(net.calls.begin() + at);
  for (size_t k = 0; k < copies.size(); ++k) {
    net.calls.insert(net.calls.begin() + at + static_cast<int64_t>(k), copies[k].first);
    rebind(out, static_cast<int>(at + static_cast<int64_t>(k)),
           copy_program(n.buffers[copies[k].second]));
  }
  drop_unused(out);
  return out;
}

const Registered<Transformation> join{
    {.name = "join",
     .kind = Kind::layout,
     .parameters = {{Parameter::integer, "call", "call of a Concat or Split"}},
     .doc = "Let producers write, and consumers read, their part of a joined buffer.",
     .refusals = {"no-such-call", "not-a-copy", "caller-memory", "view", "not-in-one-piece",
                  "nothing-joined"},
     .on_kernel = nullptr,
     .on_module = apply_join,
     .choices = nullptr}};

} // namespace
} // namespace nasc
