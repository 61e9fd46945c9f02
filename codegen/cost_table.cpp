// Counts from the boxes of statements and the extents of tensors.
#include "codegen/cost_table.h"

#include <algorithm>
#include <optional>

namespace nasc {
namespace {

std::optional<double> points(const Statement& s) {
  double out = 1;
  for (int d = 0; d < dims(s.box); ++d) {
    auto range = constant_range(s.box, d);
    if (!range) return std::nullopt;
    out *= static_cast<double>(range->second - range->first + 1);
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

std::string cost_line(const Program& p) {
  Cost cost = cost_of(p);
  return text(p.name, " ", cost.flops, " ", cost.bytes);
}

bool worth_dividing(const Program& p, const Target& target) {
  // Measured (Granite Rapids, two threads): a barrier takes 0.45 us, the time of half of that many cycles.
  constexpr double kLeastCycles = 2500;
  Cost cost = cost_of(p);
  return !cost.whole || std::max(cost.flops / std::max(1, target.lanes(4)), cost.bytes / target.l2_rate) >= kLeastCycles;
}

}  // namespace nasc
