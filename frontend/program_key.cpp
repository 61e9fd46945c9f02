// Programs as keys.
#include "frontend/program_key.h"

namespace nasc {
namespace {
void expression(std::string& out, const Expr& e) {
  char number[40];
  std::snprintf(number, sizeof number, "%a", e.number);
  out += text("(", static_cast<int>(e.fn), " ", static_cast<int>(e.dtype), " ", number, " ", e.integer, " ", e.index, " ", e.extent_value.text());
  for (const ExprRef& a : e.args) expression(out, *a);
  out += ")";
}
}  // namespace

std::string program_key(const Program& p) {
  std::string out = name(p.phase);
  for (const Tensor& t : p.tensors)
    out += text("\n", t.name, ":", name(t.dtype), text(t.shape), name(t.role), t.layout ? text(*t.layout) : "");
  for (const Statement& s : p.statements) {
    out += text("\n", s.name, " ", s.domain, " ", s.box, " ", s.write.map, symbol(s.combine), s.reassociable);
    for (const Access& r : s.reads) out += text(" ", r.map);
    expression(out, *s.body);
  }
  return out;
}

}  // namespace nasc
