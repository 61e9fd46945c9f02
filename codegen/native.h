// From an LLVM module to machine code: one target machine, no middle-end passes.
#pragma once

#include <llvm/IR/LLVMContext.h>
#include <llvm/IR/Module.h>
#include <llvm/Target/TargetMachine.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "ir/target.h"

namespace nasc {

// Throws UserError unsupported_target when LLVM does not know the triple or cpu.
std::unique_ptr<llvm::TargetMachine> target_machine(const Target& target);
// The same, made once for the many kernels that a thread compiles.
llvm::TargetMachine& machine_of_thread(const Target& target);
// Object bytes or assembly text; the module is consumed by code generation. Sets triple and data layout.
std::vector<char> object_code(llvm::Module& module, const Target& target);
std::string assembly_text(llvm::Module& module, const Target& target);
// Modules from text (our own generated tables) and from bitcode (the embedded runtime). InternalError when malformed.
std::unique_ptr<llvm::Module> parse_ir(llvm::LLVMContext& context, const std::string& text);
std::unique_ptr<llvm::Module> parse_bitcode(llvm::LLVMContext& context, std::string_view bytes);
// Gives every defined function the target's cpu and features, so that one bitcode serves all cpus of an architecture.
void retarget(llvm::Module& module, const Target& target);

}  // namespace nasc
