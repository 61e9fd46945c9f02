// Nest: the loops of one kernel as the emitter sees them, made from isl's AST or, when isl gave up, straight from the
// statements' domains.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "polyhedral/module.h"

namespace nasc {

// Integer expression over loop variables and parameters.
struct NestExpr;
using NestExprRef = std::shared_ptr<const NestExpr>;
struct NestExpr {
  // `floordiv` and `mod` by positive constants; comparisons and logic give 0 or 1.
  enum Op { constant, variable, add, sub, mul, neg, min, max, floordiv, mod, select, eq, lt, le, gt, ge, and_, or_, not_ } op;
  int64_t value = 0;   // constant
  std::string name;    // variable: loop variable or parameter
  std::vector<NestExprRef> args;
};

struct NestNode;
using NestRef = std::shared_ptr<const NestNode>;
struct NestNode {
  enum Kind { block, loop, if_, user, stage, barrier } kind;
  std::vector<NestRef> children;  // block: any; loop, stage: one; if_: then and possibly else
  // loop: for (variable = lower; variable <= upper; variable += step)
  std::string variable;
  Mark mark;  // loop: name and annotations; stage: tensor
  NestExprRef lower, upper;
  int64_t step = 1;
  int band = 0;  // loop: parts of one band of the schedule tree share the number
  int64_t lanes = 0;  // vectorized loop: of the whole vectors beside it, when it is the rest of them; else 0
  NestExprRef condition;          // if_
  std::string statement;          // user: one instance of this statement
  std::vector<NestExprRef> args;  // user: value of each iterator
};

// The nest of a schedule of tiles over boxes, where it has that form: every band a digit of one iterator. nullopt: it
// has not.
std::optional<NestRef> nest_of_digits(const Kernel& kernel);
// That, else isl's AST generation under quota (refusal isl-quota).
Expected<NestRef> nest_from_schedule(const Kernel& kernel);
// Textual order, one loop per iterator over the bounds of the domain, guarded where it is not a box. Never fails on
// a verified Program.
NestRef plain_nest(const Program& program);
std::string text(const NestRef& nest);  // C-like, for dumps and tests

}  // namespace nasc
