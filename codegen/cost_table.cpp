// Counts from the boxes of statements and the extents of tensors.
#include "codegen/cost_table.h"

namespace nasc {
namespace {

double points(const Statement& s) {
  double out = 1;
  for (int d = 0; d < dims(s.box); ++d) {
    auto range = constant_range(s.box, d);
    if (!range) return 0;
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

std::string cost_line(const Program& p) {
  double flops = 0, moved = 0;
  for (const Statement& s : p.statements)
    if (is_float(p.tensor(s.write.tensor).dtype)) flops += points(s) * operations(s);
  for (const Tensor& t : p.tensors) {
    if (t.role == Role::temp) continue;
    Extent size = element_count(t);
    if (size.is_constant()) moved += static_cast<double>(size.constant() * bytes(t.dtype));
  }
  return text(p.name, " ", flops, " ", moved);
}

}  // namespace nasc
