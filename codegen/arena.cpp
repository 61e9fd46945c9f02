// Arena offsets: first fit by size for constant sizes, interval colouring into slots for symbolic or haloed ones.
#include "codegen/arena.h"

#include <algorithm>
#include <map>

namespace nasc {
namespace {
constexpr int64_t kAlign = 64;

struct Live {
  int buffer;
  int first, last;  // calls
  Extent bytes;
  std::string halo_class;  // empty: may share with anything
  const Rounds::Span* span = nullptr;  // that holds all calls which touch it
};

Extent rounded(const Extent& bytes) { return ceildiv(bytes, kAlign) * kAlign; }

Buffer in_a_round(Buffer b, const Rounds& rounds) {
  for (Extent& e : b.shape) e = nasc::in_a_round(e, rounds);
  return b;
}

std::string halo_class(const Buffer& b) {
  Layout l = layout_of(b);
  bool halo = std::any_of(l.halo.begin(), l.halo.end(), [](auto& h) { return h.first || h.second; });
  bool pads = std::any_of(l.pad.begin(), l.pad.end(), [](int64_t p) { return p != 0; });
  bool partial = false;  // blocks not filled by the logical extent stay zero too
  for (const auto& d : l.dims)
    if (d.mod > 0 && b.shape[d.dim].is_constant() && b.shape[d.dim].constant() % d.mod) partial = true;
  if (!halo && !pads && !partial) return "";
  return text(l) + text(b.shape) + name(b.dtype);
}

// Slots: each holds buffers with disjoint live ranges one after the other.
Extent colour(std::vector<Live> live, Extent base, std::vector<Placement>& out) {
  struct Slot {
    Extent bytes;
    int free_at;
    std::vector<int> members;
  };
  std::vector<Slot> slots;
  std::sort(live.begin(), live.end(), [](const Live& a, const Live& b) { return a.first < b.first; });
  for (const Live& l : live) {
    Slot* best = nullptr;
    for (Slot& s : slots)
      if (s.free_at < l.first && (!best || (!(best->bytes == l.bytes) && s.bytes == l.bytes))) best = &s;
    if (!best) best = &slots.emplace_back(Slot{l.bytes, -1, {}});
    best->bytes = max(best->bytes, l.bytes);
    best->free_at = l.last;
    best->members.push_back(l.buffer);
  }
  for (const Slot& s : slots) {
    for (int b : s.members) out[b].offset = base;
    base = base + rounded(s.bytes);
  }
  return base;
}

// Largest first, at the lowest offset free during its whole live range.
Extent first_fit(std::vector<Live> live, std::vector<Placement>& out) {
  std::sort(live.begin(), live.end(), [](const Live& a, const Live& b) {
    int64_t x = a.bytes.constant(), y = b.bytes.constant();
    return x != y ? x > y : a.buffer < b.buffer;
  });
  struct Placed {
    const Live* live;
    int64_t begin, end;
  };
  std::vector<Placed> placed;  // sorted by begin
  int64_t top = 0;
  for (const Live& l : live) {
    int64_t size = (l.bytes.constant() + kAlign - 1) / kAlign * kAlign, at = 0;
    for (const Placed& p : placed) {
      if (p.live->last < l.first || l.last < p.live->first) continue;
      if (at + size <= p.begin) break;
      at = std::max(at, p.end);
    }
    auto where = std::find_if(placed.begin(), placed.end(), [&](const Placed& p) { return p.begin > at; });
    placed.insert(where, {&l, at, at + size});
    out[l.buffer].offset = at;
    top = std::max(top, at + size);
  }
  return top;
}
}  // namespace

ArenaPlan plan_arena(const Network& n, const std::vector<std::vector<int>>& scratch, const Rounds& rounds) {
  ArenaPlan plan;
  plan.buffers.resize(n.buffers.size());
  std::map<int, Live> live;  // by root
  auto touch = [&](int root, int call) {
    const Rounds::Span* span = rounds.span_of(call);
    auto [it, fresh] = live.try_emplace(root, Live{root, call, call, 0, "", span});
    Live& l = it->second;
    l.last = std::max(l.last, call);
    if (l.span == span) return;
    l.span = nullptr;
    for (int c : {l.first, call})  // read or written again in each round
      if (const Rounds::Span* s = rounds.span_of(c))
        l.first = std::min(l.first, s->first), l.last = std::max(l.last, s->last);
  };
  std::map<int, Placement> fixed;  // by root: caller memory and weights
  for (size_t k = 0; k < n.inputs.size(); ++k)
    fixed[n.root(n.inputs[k])] = {Placement::input, static_cast<int>(k), 0, storage_bytes(n.buffers[n.inputs[k]]), 0};
  for (size_t k = 0; k < n.outputs.size(); ++k) {
    int root = n.root(n.outputs[k]);
    NASC_CHECK(!fixed.count(root)) << "output " << n.buffers[n.outputs[k]].name << " shares caller memory";
    fixed[root] = {Placement::output, static_cast<int>(k), 0, storage_bytes(n.buffers[root]), 0};
  }
  for (size_t b = 0; b < n.buffers.size(); ++b) {
    if (n.buffers[b].role != Role::weight || n.buffers[b].alias_of >= 0) continue;
    int64_t bytes = storage_bytes(n.buffers[b]).constant();
    fixed[static_cast<int>(b)] = {Placement::weight, 0, plan.weight_bytes, bytes, 0};
    plan.weight_bytes += (bytes + kAlign - 1) / kAlign * kAlign;
  }
  for (size_t c = 0; c < n.calls.size(); ++c) {
    const Program& p = *n.programs[n.calls[c].program];
    std::vector<int> bound = Network::bound(p);
    for (size_t k = 0; k < bound.size(); ++k) {
      int root = n.root(n.calls[c].args[k]);
      if (fixed.count(root)) continue;
      if (p.phase == Phase::create && p.tensors[bound[k]].role == Role::output) {
        Extent bytes = storage_bytes(n.buffers[root]);
        fixed[root] = {Placement::state, 0, plan.state_bytes, bytes, 0};
        plan.state_bytes = plan.state_bytes + rounded(bytes);
        continue;
      }
      touch(root, static_cast<int>(c));
    }
    if (c < scratch.size())
      for (int b : scratch[c]) touch(b, static_cast<int>(c));
  }
  std::vector<Live> free_form, symbolic;
  std::map<std::string, std::vector<Live>> classes;
  for (auto& [root, l] : live) {
    Buffer b = l.span ? in_a_round(n.buffers[root], rounds) : n.buffers[root];
    l.bytes = storage_bytes(b);
    l.halo_class = halo_class(b);
    if (!l.halo_class.empty()) classes[l.halo_class].push_back(l);
    else (l.bytes.is_constant() ? free_form : symbolic).push_back(l);
    plan.buffers[root] = {Placement::arena, 0, 0, l.bytes, 0};
  }
  plan.arena_bytes = first_fit(free_form, plan.buffers);
  for (auto& [key, members] : classes) plan.arena_bytes = colour(members, plan.arena_bytes, plan.buffers);
  plan.arena_bytes = colour(symbolic, plan.arena_bytes, plan.buffers);
  for (auto& [root, p] : fixed) plan.buffers[root] = p;
  std::vector<Place> places = nasc::places(n);
  for (size_t b = 0; b < n.buffers.size(); ++b) {
    int root = places[b].root;
    plan.buffers[b] = plan.buffers[root];
    if (places[b].size) {
      plan.buffers[b].offset = plan.buffers[b].offset + places[b].at * bytes(n.buffers[b].dtype);
      plan.buffers[b].bytes = *places[b].size * bytes(n.buffers[b].dtype);
    }
    bool handed_on = live.count(root) && live.at(root).span;
    if (!handed_on) plan.buffers[b].slice = slice_bytes(n.buffers[b], rounds.parameter).value_or(0);
  }
  return plan;
}

}  // namespace nasc
