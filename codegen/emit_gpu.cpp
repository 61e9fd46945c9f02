// NVPTX: the outermost parallel loop (and those directly inside it) are strided over the grid; vectorised loops are the
// threads of a block; without vectorised loops the outermost parallel loop is strided over all threads of all blocks.
#include <llvm/IR/IntrinsicsNVPTX.h>

#include "codegen/emitter.h"
#include "codegen/native.h"
#include "codegen/ptx.h"

namespace nasc {
namespace {
constexpr int64_t kMaxThreads = 1024;
constexpr llvm::Intrinsic::ID kBlock[] = {llvm::Intrinsic::nvvm_read_ptx_sreg_ctaid_x,
                                          llvm::Intrinsic::nvvm_read_ptx_sreg_ctaid_y,
                                          llvm::Intrinsic::nvvm_read_ptx_sreg_ctaid_z};
constexpr llvm::Intrinsic::ID kBlocks[] = {llvm::Intrinsic::nvvm_read_ptx_sreg_nctaid_x,
                                           llvm::Intrinsic::nvvm_read_ptx_sreg_nctaid_y,
                                           llvm::Intrinsic::nvvm_read_ptx_sreg_nctaid_z};

bool any_vectorized(const NestRef& n) {
  if (n->kind == NestNode::loop && n->mark.has(Annotation::vectorize)) return true;
  for (const auto& c : n->children)
    if (any_vectorized(c)) return true;
  return false;
}
}  // namespace

llvm::Value* Emitter::special(llvm::Intrinsic::ID id) {
  return b_.CreateZExt(b_.CreateIntrinsic(id, {}, {}), b_.getInt64Ty());
}

void Emitter::start_gpu(const NestRef& nest) {
  any_lanes_ = any_vectorized(nest);
  threads = any_lanes_ ? 1 : divided_.empty() ? 1 : 0;
  thread_ = algebra_.variable("thread", {0, kMaxThreads - 1});
  frames_[0].atoms[thread_] = hoisted(0, [](llvm::IRBuilder<>& b) {
    return b.CreateZExt(b.CreateIntrinsic(llvm::Intrinsic::nvvm_read_ptx_sreg_tid_x, {}, {}), b.getInt64Ty());
  });
}

bool Emitter::read_back(const NestRef& n) const {
  if (n->kind == NestNode::user) {
    const std::string& written = infos_.at(n.get()).statement->write.tensor;
    if (program_.tensor(written).role == Role::temp) return false;
    for (const Statement& s : program_.statements)
      for (const Access& r : s.reads)
        if (r.tensor == written) return true;
    return false;
  }
  for (const auto& c : n->children)
    if (read_back(c)) return true;
  return false;
}

void Emitter::grid_loop(const NestRef& n, const Quasi& lower, const Quasi& upper) {
  parallel = true;
  int dim = grid_depth_;  // at most 2: deeper loops are not divided
  NestRef inner = n->children[0];
  while (inner->kind == NestNode::stage) inner = inner->children[0];
  if (inner->kind == NestNode::loop && inner->mark.has(Annotation::parallel) && dim < 2) divided_.insert(inner.get());
  llvm::Value* at = special(kBlock[dim]);
  llvm::Value* stride = special(kBlocks[dim]);
  if (!any_lanes_ && dim == 0) {
    llvm::Value* size = special(llvm::Intrinsic::nvvm_read_ptx_sreg_ntid_x);
    at = b_.CreateAdd(b_.CreateMul(at, size), frames_[0].atoms[thread_]);
    stride = b_.CreateMul(stride, size);
  }
  llvm::Value* step = b_.getInt64(n->step);
  grid_dims = std::max(grid_dims, ++grid_depth_);
  runtime_loop(n, b_.CreateAdd(integer(lower), b_.CreateMul(at, step)), integer(upper), true, b_.CreateMul(stride, step));
  --grid_depth_;
}

void Emitter::thread_loop(const NestRef& n, const Quasi& lower, const Quasi& upper) {
  if (in_thread_) return runtime_loop(n, integer(lower), integer(upper), true);
  Quasi trips = upper - lower + 1;
  if (!trips.is_constant() || trips.constant > kMaxThreads || n->step != 1)
    give_up("gpu-lanes", "loop " + n->mark.name + " has no constant number of threads");
  threads = std::max(threads, trips.constant);
  Quasi thread;
  thread.terms.emplace_back(thread_, 1);
  auto before = bound_;
  bound_[infos_.at(n.get()).variable] = lower + thread;
  in_thread_ = true;
  branch(algebra_.ge(Quasi(trips.constant - 1) - thread), [&] { walk(n->children[0]); }, nullptr);
  in_thread_ = false;
  bound_ = before;
  if (read_back(n)) b_.CreateIntrinsic(llvm::Intrinsic::nvvm_barrier0, {}, {});
}

void Emitter::gpu_user(const NestRef& n) {
  const Info& info = infos_.at(n.get());
  const std::string& written = info.statement->write.tensor;
  if (!any_lanes_) return user(n);
  if (in_thread_) {
    if (!algebra_.depends(algebra_.substitute(info.offsets[0], bound_), thread_))
      give_up("gpu-reduction", "threads of a block would combine into one element of " + written);
    return user(n);
  }
  if (staged(written)) return user(n);
  Quasi thread;
  thread.terms.emplace_back(thread_, 1);
  branch(algebra_.eq(thread), [&] { user(n); }, nullptr);
  if (read_back(n)) b_.CreateIntrinsic(llvm::Intrinsic::nvvm_barrier0, {}, {});
}

Expected<PtxKernel> emit_ptx(const Kernel& kernel, int sm, const std::string& symbol, const EmitOptions& options) {
  NestRef nest;
  if (options.nest) {
    nest = *options.nest;
  } else {
    auto made = nest_from_schedule(kernel);
    if (!made) return std::unexpected(made.error());
    nest = *made;
  }
  Target target;
  target.triple = "nvptx64-nvidia-cuda";
  target.cpu = text("sm_", sm);
  target.features = sm >= 90 ? "+ptx78" : sm >= 80 ? "+ptx70" : "+ptx63";
  llvm::LLVMContext context;
  llvm::Module module(symbol, context);
  std::vector<llvm::Type*> types;
  for (const Tensor& t : kernel.program.tensors)
    if (t.role != Role::temp) types.push_back(llvm::PointerType::get(context, 0));
  types.push_back(llvm::PointerType::get(context, 0));
  auto* f = llvm::Function::Create(llvm::FunctionType::get(llvm::Type::getVoidTy(context), types, false),
                                   llvm::Function::ExternalLinkage, symbol, module);
  f->setCallingConv(llvm::CallingConv::PTX_Kernel);
  for (unsigned k = 0; k < types.size(); ++k) f->addParamAttr(k, llvm::Attribute::NoAlias);
  auto* entry = llvm::MDNode::get(context, {llvm::ValueAsMetadata::get(f), llvm::MDString::get(context, "kernel"),
                                            llvm::ConstantAsMetadata::get(llvm::ConstantInt::get(llvm::Type::getInt32Ty(context), 1))});
  module.getOrInsertNamedMetadata("nvvm.annotations")->addOperand(entry);
  PtxKernel out;
  out.symbol = symbol;
  try {
    Emitter emitter(kernel.program, module, {.fma = true, .half = true, .gpu = true}, options);
    emitter.run(nest, f);
    out.threads = static_cast<int>(emitter.threads);
    out.grid_dims = emitter.grid_dims;
    out.notes = emitter.notes;
  } catch (const EmitRefusal& r) {
    return std::unexpected(r.refusal);
  }
  out.ptx = assembly_text(module, target);
  return out;
}

}  // namespace nasc
