// Trip counts: the values of a loop at fixed outer loops, from the few iterators that matter.
#include <algorithm>

#include "polyhedral/loop_tree.h"

namespace nasc {
namespace {

struct Outer {
  isl::pw_aff value;
  Isolate isolate;
};
// One statement's view of a loop, on its own iterators.
struct View {
  isl::set domain;
  isl::pw_aff value;
  std::vector<Outer> outer;
};

bool involves_any(const isl::pw_aff& value, const std::vector<bool>& dims) {
  for (size_t d = 0; d < dims.size(); ++d)
    if (dims[d] && involves(value, static_cast<int>(d))) return true;
  return false;
}

// Leaves out iterators and outer loops that have no relation to the loop's value.
View reduced(View v) {
  int n = dims(v.domain);
  std::vector<bool> kept(n, v.domain.involves_locals());
  for (int d = 0; d < n; ++d) kept[d] = kept[d] || involves(v.value, d);
  std::vector<std::vector<int>> groups = coupled_dims(v.domain);
  for (const auto& o : v.outer) {
    groups.emplace_back();
    for (int d = 0; d < n; ++d)
      if (involves(o.value, d)) groups.back().push_back(d);
  }
  for (bool changed = true; changed;) {
    changed = false;
    for (const auto& g : groups) {
      size_t in = std::count_if(g.begin(), g.end(), [&](int d) { return kept[d]; });
      if (in == 0 || in == g.size()) continue;
      for (int d : g) kept[d] = true;
      changed = true;
    }
  }
  std::erase_if(v.outer, [&](const Outer& o) { return !involves_any(o.value, kept); });
  for (int d = n; d-- > 0;) {
    if (kept[d]) continue;
    v.domain = without_dim(v.domain, d);
    v.value = without_dim(v.value, d);
    for (auto& o : v.outer) o.value = without_dim(o.value, d);
  }
  return v;
}

std::optional<Interval> bounds(const isl::pw_aff& value) {
  isl::val first = value.min_val(), last = value.max_val();
  if (!first.is_int() || !last.is_int()) return {};
  return Interval{first.num_si(), last.num_si()};
}

// First and last value when they are the same at every value of the outer loops.
std::optional<Interval> values(const View& v) {
  auto range = bounds(v.value.intersect_domain(v.domain));
  if (!range || v.outer.empty() || range->first == range->second) return range;
  isl::pw_multi_aff outers = v.outer[0].value.as_pw_multi_aff();
  for (size_t k = 1; k < v.outer.size(); ++k)
    outers = outers.flat_range_product(v.outer[k].value.as_pw_multi_aff());
  isl::map outer = outers.as_map();
  isl::set all = v.domain.apply(outer);
  for (int64_t end : {range->first, range->second}) {
    isl::set at_end = v.value.eq_set(v.domain.pw_aff_on_domain(isl::val(isl_context(), end)));
    if (!all.is_subset(at_end.intersect(v.domain).apply(outer))) return {};
  }
  return range;
}

void collect(const View& v, size_t from, Trips& out) {
  for (size_t k = from; k < v.outer.size(); ++k) {
    if (!v.outer[k].isolate) continue;
    isl::set inside = v.outer[k].isolate->preimage(v.outer[k].value.as_pw_multi_aff());
    View full = v, rest = v;
    full.domain = v.domain.intersect(inside);
    rest.domain = v.domain.subtract(inside);
    collect(full, k + 1, out);
    collect(rest, k + 1, out);
    return;
  }
  if (v.domain.is_empty()) return;
  auto found = values(v);
  if (std::find(out.parts.begin(), out.parts.end(), found) == out.parts.end()) out.parts.push_back(found);
}

}  // namespace

std::optional<Interval> Trips::same() const {
  return parts.size() == 1 ? parts[0] : std::nullopt;
}

std::optional<int64_t> Trips::most() const {
  int64_t out = 0;
  for (const auto& p : parts) {
    if (!p) return {};
    out = std::max(out, p->second - p->first + 1);
  }
  return out;
}

Trips trips(const isl::union_set& domain, const TreePath& path) {
  Trips out;
  Filter live = domain_at(domain, path);
  for (const auto& [statement, value] : path.node()->band) {
    auto set = live.find(statement);
    if (set == live.end()) continue;
    View v{set->second, value, {}};
    for (size_t d = 0; d < path.at.size(); ++d)
      if (path.nodes[d]->kind == LoopTree::loop)
        v.outer.push_back({path.nodes[d]->band.at(statement), path.nodes[d]->isolate});
    collect(reduced(v), 0, out);
  }
  return out;
}

}  // namespace nasc
