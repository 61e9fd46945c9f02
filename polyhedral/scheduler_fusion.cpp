// Which calls to fuse: pointwise consumers join the producer of one of their inputs.
#include <algorithm>
#include <set>

#include "ir/isl_box.h"
#include "polyhedral/cost/contraction.h"
#include "polyhedral/module_edit.h"
#include "polyhedral/scheduler.h"

namespace nasc {
namespace {

// Every statement is an assignment at the element of its own index, and `tensor` is read at that very element.
bool reads_pointwise(const Program& p, const std::string& tensor) {
  for (const Statement& s : p.statements) {
    if (s.is_reduction()) return false;
    for (const Access& r : s.reads) {
      if (r.tensor != tensor) continue;
      if (r.map.size() != s.write.map.size()) return false;
      for (int k = 0; k < static_cast<int>(r.map.size()); ++k)
        if (text(r.map.at(k)) != text(s.write.map.at(k))) return false;
    }
  }
  return true;
}

// Each index is an iterator of its own with all the values of its dimension, which the stored constraints say: isl need
// not be asked.
bool plainly_covers(const Statement& s, const Tensor& t) {
  auto box = plain_box(s.box);
  if (!box) return false;
  std::set<size_t> taken;
  for (int k = 0; k < t.rank(); ++k) {
    std::optional<LinearAff> index = linear(s.write.map.at(k));
    if (!index || index->denominator != 1 || index->constant || !index->parameters.empty()) return false;
    size_t n = index->coefficients.size(), at = n;
    for (size_t i = 0; i < n; ++i) {
      if (!index->coefficients[i]) continue;
      if (at < n || index->coefficients[i] != 1) return false;
      at = i;
    }
    if (at == n && t.shape[k].is(1)) continue;
    if (at == n || !taken.insert(at).second || !t.shape[k].is_constant() ||
        (*box)[at] != std::pair<int64_t, int64_t>(0, t.shape[k].constant() - 1))
      return false;
  }
  return true;
}

// Each statement covers the whole index space: pieces (Concat, Pad) would put conditions into the tiles.
bool covers(const Program& p) {
  for (const Statement& s : p.statements) {
    const Tensor& t = p.tensor(s.write.tensor);
    if (plainly_covers(s, t)) continue;
    if (!extent_set(t).is_subset(s.write.map.as_map().intersect_domain(s.box).range())) return false;
  }
  return true;
}

}  // namespace

int producer_of(const Network& n, int buffer, int before) {
  for (int c = before; c-- > 0;) {
    const Program& p = *n.programs[n.calls[c].program];
    std::vector<int> bound = Network::bound(p);
    for (size_t k = 0; k < bound.size(); ++k)
      if (p.tensors[bound[k]].role == Role::output && n.calls[c].args[k] == buffer) return c;
  }
  return -1;
}

namespace {
// Calls that the consumer may join, the best first.
std::vector<int> producers_for(const Network& n, int consumer) {
  const Program& q = *n.programs[n.calls[consumer].program];
  if (!group_of(q) || !covers(q)) return {};
  std::vector<int> bound = Network::bound(q), producers;
  for (size_t k = 0; k < bound.size(); ++k) {
    const Tensor& t = q.tensors[bound[k]];
    if (t.role == Role::output || !reads_pointwise(q, t.name)) continue;
    int c = producer_of(n, n.calls[consumer].args[k], consumer);
    if (c >= 0 && covers(*n.programs[n.calls[c].program])) producers.push_back(c);
  }
  // The latest producer has the hottest result; a contraction gains most by keeping it in registers.
  std::sort(producers.rbegin(), producers.rend());
  std::stable_partition(producers.begin(), producers.end(), [&](int c) {
    return find_contraction(*n.programs[n.calls[c].program]).has_value();
  });
  return producers;
}

bool fuse_into(Planner& planner, int consumer) {
  for (int c : analysed([&] { return producers_for(planner.module.network, consumer); }, {})) {
    Step step{"fuse", {{"first", int64_t{c}}, {"second", int64_t{consumer}}}};
    if (planner.network_step(step)) return true;
  }
  return false;
}
}  // namespace

void plan_fusion(Planner& planner) {
  for (int c = 0; c < static_cast<int>(planner.module.network.calls.size()); ++c)
    while (c >= 0 && fuse_into(planner, c)) --c;  // the merged call took the consumer's place, one further up
}

}  // namespace nasc
