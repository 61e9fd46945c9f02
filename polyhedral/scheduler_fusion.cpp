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
// Fusions of the consumer with the producer of one of its inputs, the best first.
std::vector<Step> pointwise_fusions(const Network& n, int consumer) {
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
  std::vector<Step> out;
  for (int c : producers) out.push_back({"fuse", {{"first", int64_t{c}}, {"second", int64_t{consumer}}}});
  return out;
}

// What a Program makes is rows of so many elements, or one element for each: all dimensions of its tensors but the last are
// the same, and each row is made of the rows of the same place of what it reads. 0: it is not.
int64_t row_elements(const Program& p) {
  if (p.phase != Phase::run || find_contraction(p)) return 0;
  int64_t row = 1;
  const Shape* leading = nullptr;
  for (const Tensor& t : p.tensors) {
    if (t.role == Role::weight) continue;
    if (t.rank() < 2 || !t.shape.back().is_constant()) return 0;
    int64_t last = t.shape.back().constant();
    if (last != 1 && row != 1 && last != row) return 0;
    row = std::max(row, last);
    if (leading && !std::equal(leading->begin(), leading->end() - 1, t.shape.begin(), t.shape.end() - 1)) return 0;
    leading = &t.shape;
  }
  for (const Statement& s : p.statements) {
    for (const Access& r : s.reads) {
      if (p.tensor(r.tensor).role == Role::weight) continue;
      for (int d = 0; d + 1 < static_cast<int>(r.map.size()); ++d)
        if (text(r.map.at(d)) != text(s.write.map.at(d))) return 0;
    }
  }
  return covers(p) ? row : 0;
}

// Normalizations: sums over rows and what is made of them, a row at a time, so that nothing between them leaves the first cache.
std::vector<Step> row_fusions(const Network& n, int consumer) {
  constexpr int64_t kMostElements = 1 << 12;
  const Program& q = *n.programs[n.calls[consumer].program];
  int64_t row = row_elements(q);
  if (!row || row > kMostElements) return {};
  std::vector<int> bound = Network::bound(q);
  std::vector<Step> out;
  for (size_t k = bound.size(); k-- > 0;) {
    const Tensor& t = q.tensors[bound[k]];
    int c = t.role == Role::input ? producer_of(n, n.calls[consumer].args[k], consumer) : -1;
    int64_t made = c < 0 ? 0 : row_elements(*n.programs[n.calls[c].program]);
    if (!made || (made != row && made != 1 && row != 1)) continue;
    std::vector<int64_t> keep;
    for (const Extent& e : t.shape) keep.push_back(!e.is(1));
    keep.back() = 0;
    out.push_back({"fuse", {{"first", int64_t{c}}, {"second", int64_t{consumer}}, {"keep", keep}}});
  }
  return out;
}

using Fusions = std::vector<Step> (*)(const Network&, int consumer);
bool fuse_into(Planner& planner, Fusions fusions, int consumer) {
  for (const Step& step : analysed([&] { return fusions(planner.module.network, consumer); }, std::vector<Step>{}))
    if (planner.network_step(step)) return true;
  return false;
}
}  // namespace

void plan_fusion(Planner& planner) {
  for (Fusions fusions : {pointwise_fusions, row_fusions})
    for (int c = 0; c < static_cast<int>(planner.module.network.calls.size()); ++c)
      while (c >= 0 && fuse_into(planner, fusions, c)) --c;  // the merged call took the consumer's place, one further up
}

}  // namespace nasc
