// Recognition of selections from the body alone.
#include "ir/selection.h"

namespace nasc {

std::optional<Selection> selection(const Statement& s) {
  if (!s.body) return std::nullopt;
  const Expr& e = *s.body;
  bool sum_of_selected = s.combine == Combine::add && e.fn == Fn::select && e.args[0]->fn == Fn::eq &&
                         e.args[2]->fn == Fn::constant && e.args[2]->number == 0 && e.args[2]->integer == 0;
  if (!sum_of_selected) return std::nullopt;
  for (int side : {0, 1}) {
    const ExprRef &k = e.args[0]->args[side], &key = e.args[0]->args[1 - side];
    if (k->fn != Fn::iterator) continue;
    bool depends = false;
    visit(key, [&](const Expr& x) {
      if (x.fn == Fn::iterator) depends |= x.index == k->index;
      if (x.fn != Fn::read) return;
      const Access& a = s.reads[x.index];
      depends |= a.tensor == s.write.tensor;
      for (int d = 0; d < static_cast<int>(a.map.size()); ++d) depends |= involves(a.map.at(d), k->index);
    });
    // The sum must run over k: it indexes no written dimension.
    for (int d = 0; d < static_cast<int>(s.write.map.size()); ++d) depends |= involves(s.write.map.at(d), k->index);
    if (!depends) return Selection{k->index, key, e.args[1]};
  }
  return std::nullopt;
}

}  // namespace nasc
