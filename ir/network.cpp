// Invariants of a Network.
#include "ir/network.h"

#include <algorithm>
#include <map>

namespace nasc {

int Network::root(int buffer) const {
  while (buffers[buffer].alias_of >= 0) buffer = buffers[buffer].alias_of;
  return buffer;
}

std::vector<int> Network::bound(const Program& program) {
  std::vector<int> out;
  for (size_t k = 0; k < program.tensors.size(); ++k)
    if (program.tensors[k].role != Role::temp) out.push_back(static_cast<int>(k));
  return out;
}

std::optional<int64_t> part_offset(const Tensor& whole, const Tensor& shown, const Part& part) {
  if (whole.dtype != shown.dtype || whole.rank() != shown.rank() || !(layout_of(whole) == layout_of(shown)) ||
      part.dim < 0 || part.dim >= whole.rank() || part.at < 0)
    return std::nullopt;
  for (int d = 0; d < whole.rank(); ++d) {
    if (!whole.shape[d].is_constant() || !shown.shape[d].is_constant()) return std::nullopt;
    int64_t all = whole.shape[d].constant(), some = shown.shape[d].constant();
    if (d == part.dim ? part.at + some > all : some != all || (d < part.dim && all != 1)) return std::nullopt;
  }
  Layout l = layout_of(whole);
  if (l.halo[part.dim].first || l.halo[part.dim].second) return std::nullopt;
  Shape extents = physical_extents(whole), strides = physical_strides(whole);
  for (size_t k = 0; k < l.dims.size(); ++k) {
    if (l.dims[k].dim != part.dim) {
      if (!extents[k].is(1)) return std::nullopt;
      continue;
    }
    int64_t block = l.dims[k].div;
    bool padded = k < l.pad.size() && l.pad[k];
    if (padded || l.dims[k].mod || part.at % block || shown.shape[part.dim].constant() % block) return std::nullopt;
    return part.at / block * strides[k].constant();
  }
  return std::nullopt;
}

std::vector<Place> places(const Network& n) {
  std::vector<Place> out(n.buffers.size());
  std::vector<bool> known(n.buffers.size());
  for (size_t b = 0; b < n.buffers.size(); ++b) {
    std::vector<int> chain;  // up to a buffer whose place is known
    int at = static_cast<int>(b);
    for (; at >= 0 && !known[at]; at = n.buffers[at].alias_of) chain.push_back(at);
    for (size_t k = chain.size(); k-- > 0;) {
      const Buffer& buffer = n.buffers[chain[k]];
      Place& place = out[chain[k]];
      known[chain[k]] = true;
      if (buffer.alias_of < 0) {
        place.root = chain[k];
        continue;
      }
      place = out[buffer.alias_of];
      if (!buffer.part) continue;
      auto offset = part_offset(n.buffers[buffer.alias_of], buffer, *buffer.part);
      NASC_CHECK(offset) << buffer.name << " is no part of " << n.buffers[buffer.alias_of].name;
      place.at += *offset;
      place.size = storage_elements(buffer).constant();
    }
  }
  return out;
}

bool overlap(const Place& a, const Place& b) {
  if (a.root != b.root) return false;
  if (!a.size || !b.size) return true;
  return a.at < b.at + *b.size && b.at < a.at + *a.size;
}

namespace {
// Which elements of the roots are written.
struct Written {
  std::map<int, std::map<int64_t, int64_t>> ranges;  // by root: begin, end; apart from each other
  const Network& n;

  std::pair<int64_t, int64_t> range(const Place& p) const {
    if (p.size) return {p.at, p.at + *p.size};
    Extent all = storage_elements(n.buffers[p.root]);  // of unknown size: there are no parts
    return {0, all.is_constant() ? std::max<int64_t>(1, all.constant()) : INT64_MAX};
  }
  bool any(const Place& p) const {
    auto it = ranges.find(p.root);
    if (it == ranges.end()) return false;
    auto [begin, end] = range(p);
    return std::any_of(it->second.begin(), it->second.end(), [&](auto& r) { return r.first < end && begin < r.second; });
  }
  bool all(const Place& p) const {
    auto it = ranges.find(p.root);
    if (it == ranges.end()) return false;
    auto [begin, end] = range(p);
    return std::any_of(it->second.begin(), it->second.end(), [&](auto& r) { return r.first <= begin && end <= r.second; });
  }
  void add(const Place& p) {
    auto [begin, end] = range(p);
    std::map<int64_t, int64_t>& of_root = ranges[p.root];
    auto next = of_root.lower_bound(begin);
    if (next != of_root.end() && next->first == end) {
      end = next->second;
      next = of_root.erase(next);
    }
    if (next != of_root.begin() && std::prev(next)->second == begin) std::prev(next)->second = end;
    else of_root[begin] = end;
  }
};
}  // namespace

void verify(const Network& n) {
  for (const auto& p : n.programs) verify(*p);
  std::vector<Place> place = places(n);
  Written written{{}, n};
  for (size_t b = 0; b < n.buffers.size(); ++b)
    if ((n.buffers[b].role == Role::input || n.buffers[b].role == Role::weight) && n.buffers[b].alias_of < 0)
      written.add(place[b]);
  for (const auto& call : n.calls) {
    const Program& p = *n.programs[call.program];
    std::vector<int> bound = Network::bound(p);
    NASC_CHECK(bound.size() == call.args.size()) << call.name << ": arguments of " << p.name;
    for (size_t k = 0; k < bound.size(); ++k) {
      const Tensor& t = p.tensors[bound[k]];
      const Buffer& b = n.buffers[call.args[k]];
      NASC_CHECK(t.dtype == b.dtype && t.shape == b.shape && layout_of(t) == layout_of(b))
          << call.name << ": " << t.name << " " << name(t.dtype) << text(t.shape) << " bound to " << b.name << " "
          << name(b.dtype) << text(b.shape);
      const Place& at = place[call.args[k]];
      if (t.role == Role::output) {
        NASC_CHECK(!written.any(at)) << call.name << ": " << b.name << " is written twice";
        written.add(at);
      } else {
        NASC_CHECK(written.all(at)) << call.name << ": " << b.name << " is read before it is written";
      }
    }
  }
  for (int out : n.outputs) NASC_CHECK(written.all(place[out])) << "output " << n.buffers[out].name << " is never written";
}

}  // namespace nasc
