// Builders of nest expressions and nodes, and the text of expressions.
#pragma once

#include "codegen/nest.h"

namespace nasc {

NestExprRef nest_constant(int64_t value);
NestExprRef nest_variable(const std::string& name);
NestExprRef nest_op(NestExpr::Op op, std::vector<NestExprRef> args);
std::string text(const NestExprRef& e);  // C-like; equal texts are equal values
// One node, or a block of several.
NestRef nest_block(std::vector<NestRef> children);

}  // namespace nasc
