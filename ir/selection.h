// Selections: sums that pick one element by a computed index, as Gather with run-time indices is written.
#pragma once

#include <optional>

#include "ir/program.h"

namespace nasc {

// The body is select(key == k, value, 0), summed over the iterator k that the key does not depend on: only k = key
// counts, so that the sum costs what one term costs.
struct Selection {
  int iterator = -1;  // k, a position in Statement::iterators
  ExprRef key, value;
};
std::optional<Selection> selection(const Statement& statement);

}  // namespace nasc
