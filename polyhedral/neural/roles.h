// What each index of a Program's accesses is, in numbers: computed once per Program.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "ir/program.h"

namespace nasc {

struct IndexRole {
  bool plain = false;          // iterator + offset, or the offset alone
  int iterator = -1;           // with more than one value
  int64_t offset = 0;
  std::vector<int> iterators;  // that it depends on, with more than one value
};
struct AccessRoles {
  std::string tensor;
  bool is_read = false, is_weight = false;
  std::vector<IndexRole> dims;
};
struct StatementRoles {
  std::vector<std::optional<std::pair<int64_t, int64_t>>> ranges;  // per iterator, in the box
  std::vector<AccessRoles> accesses;                               // the write first
  std::vector<int> coupled;                                        // iterators bound to others by the domain
  std::set<int> in_body;                                           // iterators that the body computes with
};
struct ProgramRoles {
  std::vector<StatementRoles> statements;
};

const ProgramRoles& roles_of(const std::shared_ptr<const Program>& program);

}  // namespace nasc
