// One LLVM module per kernel, its wrapper function, and what comes out of it.
#include <llvm/IR/LLVMContext.h>
#include <llvm/MC/MCSubtargetInfo.h>
#include <llvm/Transforms/Utils/Cloning.h>

#include "codegen/emitter.h"
#include "codegen/native.h"

namespace nasc {
namespace {

EmitTraits traits_of(const Target& target) {
  llvm::TargetMachine& machine = machine_of_thread(target);
  const llvm::MCSubtargetInfo& s = *machine.getMCSubtargetInfo();
  EmitTraits t;
  t.gpu = machine.getTargetTriple().isNVPTX();
  if (!machine.getTargetTriple().isX86()) return t;
  t.fma = s.checkFeatures("+fma");
  t.half = s.checkFeatures("+f16c");
  return t;
}

std::string ir_text(const llvm::Module& module) {
  std::string text;
  llvm::raw_string_ostream out(text);
  module.print(out, nullptr);
  return text;
}

// SYMBOL.body(buffer..., values, tid, nt, buffers), each buffer noalias.
llvm::Function* declare_body(llvm::Module& module, const Program& p, const std::string& symbol) {
  llvm::LLVMContext& c = module.getContext();
  auto* pointer = llvm::PointerType::get(c, 0);
  auto* i32 = llvm::Type::getInt32Ty(c);
  std::vector<llvm::Type*> types;
  for (const Tensor& t : p.tensors)
    if (t.role != Role::temp) types.push_back(pointer);
  size_t buffers = types.size();
  types.insert(types.end(), {pointer, i32, i32, pointer});
  auto* f = llvm::Function::Create(llvm::FunctionType::get(llvm::Type::getVoidTy(c), types, false),
                                   llvm::Function::InternalLinkage, symbol + ".body", module);
  f->addFnAttr(llvm::Attribute::NoUnwind);
  f->addFnAttr("stackrealign");  // spilled vectors would cross cache lines
  for (size_t k = 0; k <= buffers; ++k) f->addParamAttr(static_cast<unsigned>(k), llvm::Attribute::NoAlias);
  return f;
}

void define_entry(llvm::Module& module, llvm::Function* body, const std::string& symbol) {
  llvm::LLVMContext& c = module.getContext();
  auto* pointer = llvm::PointerType::get(c, 0);
  auto* i32 = llvm::Type::getInt32Ty(c);
  auto* f = llvm::Function::Create(
      llvm::FunctionType::get(llvm::Type::getVoidTy(c), {pointer, pointer, i32, i32}, false),
      llvm::Function::ExternalLinkage, symbol, module);
  f->addFnAttr(llvm::Attribute::NoUnwind);
  llvm::IRBuilder<> b(llvm::BasicBlock::Create(c, "entry", f));
  std::vector<llvm::Value*> args;
  for (unsigned k = 0; k + 4 < body->arg_size(); ++k)
    args.push_back(b.CreateLoad(pointer, b.CreateConstGEP1_64(pointer, f->getArg(0), k)));
  for (unsigned k : {1u, 2u, 3u, 0u}) args.push_back(f->getArg(k));
  b.CreateCall(body, args)->setTailCall();
  b.CreateRetVoid();
}

}  // namespace

// A module and its context, which must outlive it.
struct KernelIr {
  explicit KernelIr(const std::string& symbol) : module(symbol, context) {}
  llvm::LLVMContext context;
  llvm::Module module;
};

Expected<KernelDraft> draft_kernel(const Kernel& kernel, const Target& target, const std::string& symbol,
                                   const EmitOptions& options) {
  NestRef nest;
  if (options.nest) {
    nest = *options.nest;
  } else {
    auto made = nest_from_schedule(kernel);
    if (!made) return std::unexpected(made.error());
    nest = *made;
  }
  KernelDraft out{{}, std::make_shared<KernelIr>(symbol)};
  llvm::Module& module = out.ir->module;
  out.object.symbol = symbol;
  try {
    llvm::Function* body = declare_body(module, kernel.program, symbol);
    Emitter emitter(kernel.program, module, traits_of(target), options);
    emitter.run(nest, body);
    define_entry(module, body, symbol);
    out.object.parallel = emitter.parallel;
    out.object.notes = emitter.notes;
    out.object.scratch = emitter.scratch;
  } catch (const EmitRefusal& r) {
    return std::unexpected(r.refusal);
  }
  retarget(module, target);
  return out;
}

KernelObject finished(KernelDraft draft, const Target& target, const EmitOptions& options) {
  llvm::Module& module = draft.ir->module;
  KernelObject out = std::move(draft.object);
  if (options.llvm_ir) out.llvm_ir = ir_text(module);
  if (options.assembly) {
    auto copy = llvm::CloneModule(module);
    out.assembly = assembly_text(*copy, target);
  }
  if (options.object) out.object = object_code(module, target);
  return out;
}

Expected<KernelObject> emit_kernel(const Kernel& kernel, const Target& target, const std::string& symbol,
                                   const EmitOptions& options) {
  auto draft = draft_kernel(kernel, target, symbol, options);
  if (!draft) return std::unexpected(draft.error());
  return finished(std::move(*draft), target, options);
}

}  // namespace nasc
