// When two Programs are the same but for their names.
#pragma once

#include <string>

#include "ir/program.h"

namespace nasc {

// Text of tensors and statements, without the Program's name and origin.
std::string program_key(const Program& program);

}  // namespace nasc
