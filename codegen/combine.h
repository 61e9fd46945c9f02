// Several kernels as one LLVM module: for the outputs that are one file.
#pragma once

#include <string>
#include <vector>

#include "ir/target.h"

namespace nasc {

struct Combined {
  std::string llvm_ir, assembly;
  std::vector<char> object;
};
// From the LLVM IR of each kernel; assembly and object when asked.
Combined combine_kernels(const std::vector<std::string>& llvm_ir, const Target& target,
                         bool assembly, bool object);

} // namespace nasc
