// Statement groups: statements that write tensors of one index space, so that one set of tile loops can hold them all.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "ir/program.h"

namespace nasc {

// How one statement of a group sits in the common index space.
struct GroupMember {
  std::string statement;
  std::vector<std::string> index;      // per group dimension: affine expression in the statement's iterators
  std::vector<std::string> reduction;  // iterators that no written index uses, in order
};

// All statements of a Program whose written tensors have one shape; dimensions named by the iterators of the statement
// with the most iterators.
struct Group {
  std::vector<std::string> names;  // of the dimensions
  Shape extents;
  std::vector<GroupMember> members;  // in textual order
  const GroupMember* reduction() const;  // the member with the most reduction iterators, nullptr when none has any
};

// Refusals: different-index-spaces (two statements write tensors of different shapes), not-affine (a write has an
// integer division).
Expected<Group> group_of(const Program& program);

// The expression of an affine index in the statement's iterators, as schedule trees have it.
std::string index_text(const LinearAff& index, const Statement& statement);

// Names of the leading dimensions that all written tensors share, as the transformation `rows` knows them.
std::vector<std::string> row_dimensions(const Program& program);

// Reductions into a bound tensor for which `wanted` get a local accumulator and a copy-out statement.
void stage_outputs(Program& program, const std::function<bool(const Tensor&)>& wanted);

}  // namespace nasc
