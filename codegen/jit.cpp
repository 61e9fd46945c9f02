// In-process loading of emitted objects through LLVM's ORC.
#include "codegen/jit.h"

#include <llvm/ExecutionEngine/Orc/LLJIT.h>
#include <llvm/Support/MemoryBuffer.h>

namespace nasc {

struct Jit::Impl {
  std::unique_ptr<llvm::orc::LLJIT> jit;
};

Jit::Jit(const KernelObject& object) : impl_(new Impl) {
  impl_->jit = llvm::cantFail(llvm::orc::LLJITBuilder().create());
  auto& dylib = impl_->jit->getMainJITDylib();
  dylib.addGenerator(llvm::cantFail(llvm::orc::DynamicLibrarySearchGenerator::GetForCurrentProcess(
      impl_->jit->getDataLayout().getGlobalPrefix())));
  auto buffer = llvm::MemoryBuffer::getMemBufferCopy(llvm::StringRef(object.object.data(), object.object.size()));
  llvm::cantFail(impl_->jit->addObjectFile(std::move(buffer)));
  fn_ = llvm::cantFail(impl_->jit->lookup(object.symbol)).toPtr<Fn>();
}
Jit::~Jit() = default;

}  // namespace nasc
