// Chooses the parameter, the calls and the slices per round.
#include "codegen/rounds.h"

#include <algorithm>
#include <map>
#include <set>

#include "polyhedral/slices.h"
#include "runtime/embed/abi.h"

namespace nasc {
namespace {

Extent at_one(const Extent& e, const std::string& parameter) {
  return e.substitute(
      [&](const std::string& p) { return p == parameter ? Extent(1) : Extent::parameter(p); });
}

struct Traffic {
  int64_t moving = 0, fixed = 0; // bytes per slice; bytes that every slice reads
};

// Of a call that can run in rounds; nullopt for the others.
std::optional<Traffic> traffic(const Network& n, const Call& call, const std::string& parameter) {
  if (n.programs[call.program]->phase != Phase::run || call.args.size() > NASC_ROUND_BUFFERS)
    return std::nullopt;
  Traffic out;
  for (int b : call.args) {
    auto slice = slice_bytes(n.buffers[b], parameter);
    if (!slice || !slice->is_constant())
      return std::nullopt;
    if (!slice->is(0))
      out.moving += slice->constant();
    else if (storage_bytes(n.buffers[b]).is_constant())
      out.fixed += storage_bytes(n.buffers[b]).constant();
    else
      return std::nullopt;
  }
  return out.moving > 0 ? std::optional(out) : std::nullopt;
}

Rounds rounds_along(const Network& n, const Target& target, const std::string& parameter) {
  Rounds out{parameter, 0, {}};
  const int64_t cache = target.l1_bytes;
  std::map<int, bool> checked; // by program
  int64_t largest = 1;
  std::vector<int64_t> moving(n.calls.size());
  for (int c = 0; c < static_cast<int>(n.calls.size()); ++c) {
    auto t = traffic(n, n.calls[c], parameter);
    if (!t || t->fixed > std::max(t->moving, cache))
      continue;
    auto [known, is_new] = checked.try_emplace(n.calls[c].program);
    if (is_new)
      known->second = slices_by(*n.programs[n.calls[c].program], parameter);
    if (!known->second)
      continue;
    moving[c] = t->moving;
    if (!out.spans.empty() && out.spans.back().last == c - 1)
      out.spans.back().last = c;
    else
      out.spans.push_back({c, c});
  }
  std::erase_if(out.spans,
                [](const Rounds::Span& s) { return s.first == s.last; }); // nothing is handed over
  for (const Rounds::Span& s : out.spans)
    largest =
        std::max(largest, *std::max_element(moving.begin() + s.first, moving.begin() + s.last + 1));
  out.slices = std::max<int64_t>(1, cache / largest);
  return out;
}
} // namespace

const Rounds::Span* Rounds::span_of(int call) const {
  auto it = std::find_if(spans.begin(), spans.end(),
                         [&](const Span& s) { return s.first <= call && call <= s.last; });
  return it == spans.end() ? nullptr : &*it;
}

Rounds plan_rounds(const Network& n, const Target& target) {
  std::set<std::string> parameters;
  for (int b : n.inputs)
    for (const Extent& e : n.buffers[b].shape)
      if (auto used = e.parameters(); used.size() == 1 && e == Extent::parameter(used[0]))
        parameters.insert(used[0]);
  Rounds best;
  int covered = 0;
  for (const std::string& p : parameters) {
    Rounds r = rounds_along(n, target, p);
    int calls = 0;
    for (const Rounds::Span& s : r.spans)
      calls += s.last - s.first + 1;
    if (calls > covered)
      covered = calls, best = std::move(r);
  }
  return best;
}

std::optional<Extent> slice_bytes(const Tensor& t, const std::string& parameter) {
  int growing = -1;
  for (int d = 0; d < t.rank(); ++d) {
    auto g = growth(t.shape[d], parameter);
    if (!g || (*g > 0 && growing >= 0))
      return std::nullopt;
    if (*g > 0)
      growing = d;
  }
  if (growing < 0)
    return Extent(0);
  Layout l = layout_of(t);
  Shape physical = physical_extents(t);
  size_t outer = 0;
  while (outer < l.dims.size() && physical[outer].is(1))
    ++outer;
  if (outer == l.dims.size() || !(l.dims[outer] == LayoutDim{growing, 1, 0}))
    return std::nullopt;
  Extent all = storage_bytes(t), one = at_one(all, parameter);
  if (!(all == Extent::parameter(parameter) * one))
    return std::nullopt; // a halo or padding of the batch
  return one;
}

Extent in_a_round(const Extent& e, const Rounds& r) {
  return e.substitute([&](const std::string& p) {
    return p == r.parameter ? min(Extent::parameter(p), Extent(r.slices)) : Extent::parameter(p);
  });
}

} // namespace nasc
