// Counts from the boxes of statements and the extents of tensors.
#include "codegen/cost_table.h"

#include <algorithm>
#include <numeric>
#include <optional>
#include <vector>

#include "polyhedral/cost/contraction.h"

namespace nasc {
namespace {

// Extents of the box; of a domain that congruences cut, as the taps of a transposed convolution's rows, the points of each
// group of dimensions that depend on each other. Borders that cut windows count, as everywhere.
std::optional<double> points(const Statement& s) {
  constexpr double kMost = 1e6;  // of a group
  const int n = dims(s.box);
  std::vector<int> group(static_cast<size_t>(n));
  std::iota(group.begin(), group.end(), 0);
  if (s.domain.involves_locals())
    for (const std::vector<int>& together : coupled_dims(s.domain))
      for (int d : together) {
        int from = group[static_cast<size_t>(d)], to = group[static_cast<size_t>(together[0])];
        std::replace(group.begin(), group.end(), from, to);
      }
  double out = 1;
  for (int g = 0; g < n; ++g) {
    double box = 1;
    for (int d = 0; d < n; ++d) {
      if (group[static_cast<size_t>(d)] != g) continue;
      auto extent = iterator_extent(s, s.iterators[static_cast<size_t>(d)]);
      if (!extent) return std::nullopt;
      box *= static_cast<double>(*extent);
    }
    auto exact = [&]() -> std::optional<long> {
      isl::set inside = s.domain;
      for (int d = n; d-- > 0;)
        if (group[static_cast<size_t>(d)] != g) inside = without_dim(inside, d);
      return count(inside);
    };
    bool alone = std::count(group.begin(), group.end(), g) < 2;
    auto known = alone || box > kMost ? std::nullopt : analysed(exact, std::nullopt);
    out *= known ? static_cast<double>(*known) : box;
  }
  return out;
}

double operations(const Statement& s) {
  double out = s.is_reduction() ? 1 : 0;
  visit(s.body, [&](const Expr& e) { out += !e.args.empty(); });
  return out;
}
}  // namespace

Cost cost_of(const Program& p) {
  Cost out;
  for (const Statement& s : p.statements) {
    auto n = points(s);
    out.whole &= n.has_value();
    if (n && is_float(p.tensor(s.write.tensor).dtype)) out.flops += *n * operations(s);
  }
  for (const Tensor& t : p.tensors) {
    if (t.role == Role::temp) continue;
    Extent size = element_count(t);
    out.whole &= size.is_constant();
    if (size.is_constant()) out.bytes += static_cast<double>(size.constant() * bytes(t.dtype));
  }
  return out;
}

bool worth_dividing(const Cost& cost, const Target& target) {
  // Measured (Granite Rapids, two threads): a barrier takes 0.45 us, the time of half of that many cycles.
  constexpr double kLeastCycles = 2500;
  return !cost.whole || std::max(cost.flops / std::max(1, target.lanes(4)), cost.bytes / target.l2_rate) >= kLeastCycles;
}

}  // namespace nasc
