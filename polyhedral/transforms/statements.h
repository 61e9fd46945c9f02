// Parts of the statements that transformations add to a Program.
#pragma once

#include <string>
#include <vector>

#include "ir/program.h"

namespace nasc {

// { name[i..] : 0 <= i < extent }, parameters included.
isl::set box_of(const std::string& name, const std::vector<std::string>& iterators,
                const Shape& extents);
// { statement[iterators] -> tensor[index] }
isl::multi_aff to(const std::string& statement, const std::vector<std::string>& iterators,
                  const std::string& tensor, const std::vector<std::string>& index);

// Adds a statement at `place` that fetches, at { it[iterators] : 0 <= iterators < extents }, what `user` touches by `access`
// at user[values]; returns its name.
std::string add_prefetch_statement(Program& program, size_t place, const Statement& user, const Access& access,
                                   const std::vector<std::string>& iterators,
                                   const Shape& extents,
                                   const std::vector<std::string>& values);

} // namespace nasc
