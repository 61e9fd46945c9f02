// Recognition of prefetches from the body alone.
#include "ir/prefetch.h"

namespace nasc {

ExprRef prefetch_body(DType dtype) {
  return apply(Fn::select, {constant_int(DType::boolean, 0), read(0, dtype), constant(dtype, 0)});
}

bool is_prefetch(const Statement& s) {
  if (!s.body || s.body->fn != Fn::select || s.is_reduction() || s.reads.size() != 1)
    return false;
  const auto& [never, value, otherwise] =
      std::tie(s.body->args[0], s.body->args[1], s.body->args[2]);
  return never->fn == Fn::constant && never->integer == 0 && value->fn == Fn::read &&
         otherwise->fn == Fn::constant;
}

const std::vector<Access>& value_reads(const Statement& s) {
  static const std::vector<Access> none;
  return is_prefetch(s) ? none : s.reads;
}

} // namespace nasc
