// Boxes, maps and prefetches, from names.
#include "polyhedral/transforms/statements.h"

#include "ir/isl_box.h"
#include "ir/joined.h"
#include "ir/prefetch.h"
#include "ir/text.h"
#include "polyhedral/edit.h"

namespace nasc {
isl::set box_of(const std::string& name, const std::vector<std::string>& iterators,
                const Shape& extents) {
  std::string bounds;
  for (size_t k = 0; k < iterators.size(); ++k)
    bounds += text(k ? " and " : " : ", "0 <= ", iterators[k], " < ", isl_text(extents[k]));
  return read_set(isl_parameters(extents) + "{ " + name + "[" + joined(iterators) + "]" + bounds + " }");
}

isl::multi_aff to(const std::string& statement, const std::vector<std::string>& iterators,
                  const std::string& tensor, const std::vector<std::string>& index) {
  return isl::multi_aff(isl_context(), "{ " + statement + "[" + joined(iterators) + "] -> " +
                                           tensor + "[" + joined(index) + "] }");
}

std::string add_prefetch_statement(Program& p, size_t place, const Statement& user, const Access& access,
                                   const std::vector<std::string>& iterators,
                                   const Shape& extents,
                                   const std::vector<std::string>& values) {
  std::string name = unused_name(p, "ahead");
  Tensor sink;
  sink.name = unused_name(p, name + "_of_" + access.tensor);
  sink.dtype = p.tensor(access.tensor).dtype;
  sink.shape = extents;
  sink.role = Role::temp;
  Statement ahead(name, iterators, box_of(name, iterators, extents),
                  {sink.name, to(name, iterators, sink.name, iterators)});
  ahead.reads = {{access.tensor, access.map.pullback(to(name, iterators, user.name, values))}};
  ahead.body = prefetch_body(sink.dtype);
  p.tensors.push_back(std::move(sink));
  p.statements.insert(p.statements.begin() + static_cast<long>(place), std::move(ahead));
  return name;
}

} // namespace nasc
