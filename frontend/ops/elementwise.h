// One-line definitions of elementwise operators.
#pragma once

#include <deque>
#include <string>

#include "frontend/op.h"

namespace nasc {

// Registers definitions made from rows of a table.
struct OpTable {
  std::deque<Registered<OpDef>> defs;
  void add(const std::string& name, int since, const std::string& text) { defs.emplace_back(OpDef{name, since, text}); }
};

}  // namespace nasc
