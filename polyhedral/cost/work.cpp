// Counting by extents of iterators: exact for boxes.
#include "polyhedral/cost/work.h"

#include <algorithm>
#include <map>

#include "ir/selection.h"
#include "polyhedral/cost/contraction.h"

namespace nasc {
namespace {
constexpr int64_t kSymbolic = 8;

double points(const Statement& s, int without) {
  double out = 1;
  for (int i = 0; i < static_cast<int>(s.iterators.size()); ++i)
    if (i != without) out *= static_cast<double>(iterator_extent(s, s.iterators[i]).value_or(kSymbolic));
  return out;
}

double elements(const Tensor& t) {
  double out = 1;
  for (const Extent& e : t.shape) out *= static_cast<double>(e.is_constant() ? e.constant() : kSymbolic);
  return out;
}

double arithmetic(const Statement& s) {
  double count = s.is_reduction() ? 1 : 0;
  visit(s.body, [&](const Expr& e) {
    bool leaf = e.fn == Fn::constant || e.fn == Fn::read || e.fn == Fn::iterator || e.fn == Fn::extent;
    count += !leaf && e.fn != Fn::cast && is_float(e.dtype);
  });
  return count;
}
}  // namespace

Work work_of(const Program& p) {
  Work out;
  std::map<std::string, double> read;  // elements, at most
  for (const Statement& s : p.statements) {
    std::optional<Selection> picked = selection(s);
    double all = points(s, picked ? picked->iterator : -1);
    out.operations += all * arithmetic(s);
    for (const Access& a : s.reads) read[a.tensor] = std::max(read[a.tensor], std::min(all, elements(p.tensor(a.tensor))));
  }
  for (const Tensor& t : p.tensors) {
    double width = bytes(t.dtype);
    if (t.role == Role::output) out.write_bytes += elements(t) * width;
    else if (t.role != Role::temp) out.read_bytes += read[t.name] * width;
  }
  return out;
}

}  // namespace nasc
