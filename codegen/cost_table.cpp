// Counts from the boxes of statements and the extents of tensors.
#include "codegen/cost_table.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>
#include <vector>

#include "polyhedral/cost/contraction.h"

namespace nasc {
namespace {

// Extents of the box; of a domain that congruences cut, as the taps of a transposed convolution's rows, the points of each
// group of dimensions that depend on each other. Borders that cut windows count, as everywhere.
std::optional<Extent> points(const Program& p, const Statement& s) {
  constexpr int64_t kMost = 1000000;  // of a group
  const int n = dims(s.box);
  std::vector<int> group(static_cast<size_t>(n));
  std::iota(group.begin(), group.end(), 0);
  if (s.domain.involves_locals())
    for (const std::vector<int>& together : coupled_dims(s.domain))
      for (int d : together) {
        int from = group[static_cast<size_t>(d)], to = group[static_cast<size_t>(together[0])];
        std::replace(group.begin(), group.end(), from, to);
      }
  Extent out = 1;
  for (int g = 0; g < n; ++g) {
    Extent box = 1;
    for (int d = 0; d < n; ++d) {
      if (group[static_cast<size_t>(d)] != g) continue;
      auto extent = loop_extent(p, s, s.iterators[static_cast<size_t>(d)]);
      if (!extent) return std::nullopt;
      box = box * *extent;
    }
    auto exact = [&]() -> std::optional<long> {
      isl::set inside = s.domain;
      for (int d = n; d-- > 0;)
        if (group[static_cast<size_t>(d)] != g) inside = without_dim(inside, d);
      return count(inside);
    };
    bool alone = std::count(group.begin(), group.end(), g) < 2;
    bool counted = !alone && box.is_constant() && box.constant() <= kMost;
    auto known = counted ? analysed(exact, std::nullopt) : std::nullopt;
    out = out * (known ? Extent(*known) : box);
  }
  return out;
}

int64_t operations(const Statement& s) {
  int64_t out = s.is_reduction() ? 1 : 0;
  visit(s.body, [&](const Expr& e) { out += !e.args.empty(); });
  return out;
}
}  // namespace

Cost cost_of(const Program& p) {
  Cost out;
  for (const Statement& s : p.statements) {
    auto n = points(p, s);
    out.whole &= n.has_value();
    if (n && is_float(p.tensor(s.write.tensor).dtype)) out.flops = out.flops + *n * operations(s);
  }
  for (const Tensor& t : p.tensors) {
    if (t.role == Role::temp) continue;
    out.bytes = out.bytes + element_count(t) * bytes(t.dtype);
  }
  return out;
}

namespace {
// Measured (Granite Rapids, two threads): a barrier takes 0.45 us, the time of half of that many cycles.
constexpr int64_t kLeastCycles = 2500;

Extent cycles(const Extent& flops, const Extent& bytes, const Target& t) {
  return max(floordiv(flops, std::max(1, t.lanes(4))), floordiv(bytes, std::max<int64_t>(1, std::llround(t.l2_rate))));
}
}  // namespace

bool worth_dividing(const Cost& cost, const Target& target) {
  Extent work = cycles(cost.flops, cost.bytes, target);
  return !cost.whole || !work.is_constant() || work.constant() >= kLeastCycles;
}

std::optional<Extent> worth_threads(const std::vector<Cost>& steps, const Target& target) {
  Extent flops, bytes;
  for (const Cost& c : steps) {
    if (!c.whole) return std::nullopt;
    flops = flops + c.flops, bytes = bytes + c.bytes;
  }
  return cycles(flops, bytes, target) - kLeastCycles * static_cast<int64_t>(steps.size()) + 1;
}

}  // namespace nasc
