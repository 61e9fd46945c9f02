// Builders of nest expressions and nodes.
#pragma once

#include "codegen/nest.h"

namespace nasc {

NestExprRef nest_constant(int64_t value);
NestExprRef nest_variable(const std::string& name);
NestExprRef nest_op(NestExpr::Op op, std::vector<NestExprRef> args);
// One node, or a block of several.
NestRef nest_block(std::vector<NestRef> children);

}  // namespace nasc
