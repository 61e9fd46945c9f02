// llvm::Linker over the kernels' modules.
#include "codegen/combine.h"

#include <llvm/Linker/Linker.h>
#include <llvm/Support/raw_ostream.h>

#include "codegen/native.h"
#include "ir/diag.h"

namespace nasc {

Combined combine_kernels(const std::vector<std::string>& llvm_ir, const Target& target,
                         bool assembly, bool object) {
  llvm::LLVMContext context;
  auto whole = std::make_unique<llvm::Module>("nasc", context);
  if (!llvm_ir.empty()) {
    auto first = parse_ir(context, llvm_ir[0]);
    whole->setTargetTriple(first->getTargetTriple());
    whole->setDataLayout(first->getDataLayout());
  }
  llvm::Linker linker(*whole);
  for (const auto& text : llvm_ir)
    NASC_CHECK(!linker.linkInModule(parse_ir(context, text))) << "kernels do not link";
  Combined out;
  llvm::raw_string_ostream stream(out.llvm_ir);
  whole->print(stream, nullptr);
  stream.flush();
  if (assembly)
    out.assembly = assembly_text(*parse_ir(context, out.llvm_ir), target);
  if (object)
    out.object = object_code(*parse_ir(context, out.llvm_ir), target);
  return out;
}

} // namespace nasc
