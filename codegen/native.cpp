// LLVM target machines and object emission.
#include "codegen/native.h"

#include <llvm/AsmParser/Parser.h>
#include <llvm/Bitcode/BitcodeReader.h>
#include <llvm/IR/LegacyPassManager.h>
#include <llvm/IR/Verifier.h>
#include <llvm/MC/TargetRegistry.h>
#include <llvm/Support/MemoryBuffer.h>
#include <llvm/Support/SourceMgr.h>
#include <llvm/Support/TargetSelect.h>
#include <llvm/Support/raw_ostream.h>

#include <mutex>

#include "ir/diag.h"

namespace nasc {
namespace {
void initialise() {
  static std::once_flag once;
  std::call_once(once, [] {
    llvm::InitializeAllTargetInfos();
    llvm::InitializeAllTargets();
    llvm::InitializeAllTargetMCs();
    llvm::InitializeAllAsmPrinters();
    llvm::InitializeAllAsmParsers();
  });
}

// The scheduling model: those of older Intel processors with wide vectors spill accumulators of tiles that fit the registers.
std::string tuning_for(const Target& target, const llvm::TargetMachine& machine) {
  bool others = !machine.getTargetTriple().isX86() || target.vector_bits < 512 || target.cpu.starts_with("znver");
  return others ? "" : "sapphirerapids";
}

void emit(llvm::Module& module, const Target& target, llvm::CodeGenFileType type, llvm::raw_pwrite_stream& out) {
  llvm::TargetMachine* machine = &machine_of_thread(target);
  module.setTargetTriple(target.triple);
  module.setDataLayout(machine->createDataLayout());
  if (std::string tune = tuning_for(target, *machine); !tune.empty())
    for (llvm::Function& f : module)
      if (!f.isDeclaration()) f.addFnAttr("tune-cpu", tune);
  std::string problem;
  llvm::raw_string_ostream report(problem);
  NASC_CHECK(!llvm::verifyModule(module, &report)) << "generated module: " << report.str();
  llvm::legacy::PassManager passes;
  NASC_CHECK(!machine->addPassesToEmitFile(passes, out, nullptr, type)) << "target cannot emit this file type";
  passes.run(module);
}
}  // namespace

std::unique_ptr<llvm::TargetMachine> target_machine(const Target& target) {
  initialise();
  std::string error;
  const llvm::Target* found = llvm::TargetRegistry::lookupTarget(target.triple, error);
  if (!found) throw UserError(code::unsupported_target, "--mtriple", target.triple + ": " + error);
  llvm::TargetOptions options;
  options.AllowFPOpFusion = llvm::FPOpFusion::Standard;
  std::unique_ptr<llvm::TargetMachine> machine(
      found->createTargetMachine(target.triple, target.cpu, target.features, options, llvm::Reloc::PIC_,
                                 std::nullopt, llvm::CodeGenOptLevel::Default));
  if (!machine) throw UserError(code::unsupported_target, "--mcpu", target.text());
  return machine;
}

llvm::TargetMachine& machine_of_thread(const Target& target) {
  struct Known {
    std::string triple, cpu, features;
    std::unique_ptr<llvm::TargetMachine> machine;
  };
  static thread_local Known known;
  if (!known.machine || known.triple != target.triple || known.cpu != target.cpu || known.features != target.features)
    known = {target.triple, target.cpu, target.features, target_machine(target)};
  return *known.machine;
}

std::vector<char> object_code(llvm::Module& module, const Target& target) {
  llvm::SmallVector<char, 0> bytes;
  llvm::raw_svector_ostream out(bytes);
  emit(module, target, llvm::CodeGenFileType::ObjectFile, out);
  return {bytes.begin(), bytes.end()};
}

std::string assembly_text(llvm::Module& module, const Target& target) {
  llvm::SmallString<0> text;
  llvm::raw_svector_ostream out(text);
  emit(module, target, llvm::CodeGenFileType::AssemblyFile, out);
  return std::string(text);
}

std::unique_ptr<llvm::Module> parse_ir(llvm::LLVMContext& context, const std::string& text) {
  llvm::SMDiagnostic problem;
  auto module = llvm::parseAssemblyString(text, problem, context);
  NASC_CHECK(module) << "generated IR line " << problem.getLineNo() << ": " << problem.getMessage().str() << ": "
                     << problem.getLineContents().str();
  return module;
}

std::unique_ptr<llvm::Module> parse_bitcode(llvm::LLVMContext& context, std::string_view bytes) {
  auto module = llvm::parseBitcodeFile(
      llvm::MemoryBufferRef(llvm::StringRef(bytes.data(), bytes.size()), "embedded runtime"), context);
  if (!module) {
    std::string problem = llvm::toString(module.takeError());
    NASC_CHECK(false) << problem;
  }
  return std::move(*module);
}

void retarget(llvm::Module& module, const Target& target) {
  for (llvm::Function& f : module) {
    if (f.isDeclaration()) continue;
    f.removeFnAttr("tune-cpu");
    f.addFnAttr("target-cpu", target.cpu);
    if (target.features.empty()) f.removeFnAttr("target-features");
    else f.addFnAttr("target-features", target.features);
  }
}

}  // namespace nasc
