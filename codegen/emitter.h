// Emitter: state of the code generation of one kernel. Members are defined in emit_*.cpp by theme.
#pragma once

#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/Module.h>

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "codegen/emit.h"
#include "codegen/quasi.h"

namespace nasc {

struct EmitRefusal {
  Refusal refusal;
};
[[noreturn]] void give_up(std::string code, std::string text);

struct EmitTraits {  // what the target has, asked once
  bool fma = true, half = true, gpu = false;
};

// The scalar LLVM type of values of a type (bool: i1, f16: float) and of its elements in memory (bool: i8, f16: i16).
llvm::Type* value_type(llvm::LLVMContext& c, DType t);
llvm::Type* memory_type(llvm::LLVMContext& c, DType t);

inline bool info_signed(DType t) { return info(t).is_signed; }

// Vectorisable functions on float or <N x float>; emit_math.cpp states their errors.
llvm::Value* emit_math(llvm::IRBuilder<>& b, Fn fn, llvm::Value* x, bool fma);
bool has_math(Fn fn);
// Integer-arithmetic conversions between i16 and float, for targets without half precision.
llvm::Value* half_to_float(llvm::IRBuilder<>& b, llvm::Value* bits);
llvm::Value* float_to_half(llvm::IRBuilder<>& b, llvm::Value* x);

inline constexpr int64_t kMaxLanes = 64;  // of a vectorised loop

// Elements of one staged tensor inside its region.
struct Staged {
  std::string tensor;
  Quasi runtime;  // run-time part of every access
  bool fixed = false;
  int64_t stride = 0;  // between lanes; 0 before the first vector
  std::map<int64_t, llvm::Value*> elements;  // by constant part of the offset
  struct Span {
    int64_t width, lanes;  // of the vector; of these, written
  };
  std::map<int64_t, Span> spans;  // of what was ever an element
};

class Emitter {
 public:
  Emitter(const Program& program, llvm::Module& module, const EmitTraits& traits, const EmitOptions& options);
  // Emits the whole function body. `tid`, `nt` may be null (serial).
  void run(const NestRef& nest, llvm::Function* body);

  bool parallel = false;
  std::vector<std::string> notes;
  std::vector<Tensor> scratch;  // local tensors in memory of the caller
  int64_t threads = 1;  // gpu: per block; 0 any
  int grid_dims = 0;    // gpu: dimensions of the grid that divide loops

 protected:
  // --- what is known of each node before emission, loop variables symbolic ---
  struct Info {
    int variable = -1;  // loop
    Quasi lower, upper;
    CondRef condition;                    // if_
    std::vector<Quasi> iterators;         // user
    std::vector<Quasi> offsets;           // user: of the write, then of each read, in elements
    bool lanes_ok = false;                // vectorize: the body's loops and conditions do not depend on the lane
    const Statement* statement = nullptr;
  };
  void prepare(const NestRef& n, Algebra::Scope scope);
  void check_parallel(const NestRef& nest);
  bool fills(const NestRef& n, int lane) const;  // no statement below brings lanes together
  bool control_depends(const NestRef& n, int variable) const;
  Quasi offset(const Access& a, const std::vector<Quasi>& iterators);

  // --- walking ---
  void walk(const NestRef& n);
  void loop(const NestRef& n);
  void unrolled(const NestRef& n, const Quasi& lower, const Quasi& upper, Range trips);
  // `step`, `variable`: of the loop by default.
  void runtime_loop(const NestRef& n, llvm::Value* lower, llvm::Value* upper, bool may_be_empty, llvm::Value* step = nullptr,
                    int variable = -1);
  // For a loop that only selects one of its values (ir/selection.h): that value, computed before the loop; else nullptr.
  llvm::Value* selected(const NestRef& n);
  void divided_loop(const NestRef& n, const Quasi& lower, const Quasi& upper);
  void branch(const CondRef& c, const std::function<void()>& then, const std::function<void()>& otherwise);
  void stage(const NestRef& n);
  void user(const NestRef& n);

  // --- gpu (emit_gpu.cpp): divided loops are strided over blocks, vectorised ones are the threads of a block ---
  void start_gpu(const NestRef& nest);
  void grid_loop(const NestRef& n, const Quasi& lower, const Quasi& upper);
  void thread_loop(const NestRef& n, const Quasi& lower, const Quasi& upper);
  void gpu_user(const NestRef& n);
  llvm::Value* special(llvm::Intrinsic::ID id);
  bool read_back(const NestRef& n) const;  // something below writes a bound tensor that the Program reads
  bool any_lanes_ = false, in_thread_ = false;
  int thread_ = -1;  // variable: the thread of the block
  int grid_depth_ = 0;

  // --- addresses and memory ---
  struct Frame {  // one run-time loop; frame 0 is the function
    int variable = -1;
    llvm::BasicBlock* block = nullptr;
    llvm::Instruction* last = nullptr;  // hoisted code goes behind it
    std::map<int, llvm::Value*> atoms;
    std::map<std::pair<std::string, std::vector<std::pair<int, int64_t>>>, llvm::Value*> addresses;
  };
  int frame_of(int atom);
  int frame_of(const Quasi& q);
  int frame_of(const CondRef& c);
  template <class F>
  llvm::Value* hoisted(int frame, F&& make);
  llvm::Value* atom_value(int atom);
  llvm::Value* integer(const Quasi& q);  // i64, at the insertion point
  llvm::Value* integer_in(llvm::IRBuilder<>& b, const Quasi& q);
  llvm::Value* condition(const CondRef& c);
  llvm::Value* address(const std::string& tensor, const Quasi& offset);
  llvm::Value* base(const std::string& tensor);
  llvm::Value* own_base(const Tensor& t);
  llvm::Value* scratch_base(size_t k);  // of the k-th tensor of `scratch`
  Staged* staged(const std::string& tensor);

  enum class Mode { uniform, unit, strided, scattered };
  Mode mode(const Quasi& offset, int64_t* stride = nullptr) const;
  Quasi at_lane(const Quasi& q, int64_t lane);
  llvm::Value* load(const std::string& tensor, const Quasi& offset);
  void store(const std::string& tensor, const Quasi& offset, llvm::Value* v);
  llvm::Value* active_mask();
  llvm::Value* load_one(const Tensor& t, const Quasi& offset, int64_t width);
  void store_one(const Tensor& t, const Quasi& offset, llvm::Value* v);
  llvm::Value* constant_element(const Tensor& t, const Quasi& offset);
  int64_t key(Staged& s, const Quasi& offset, bool writes);
  llvm::Value* from_memory(DType t, llvm::Value* v);
  llvm::Value* to_memory(DType t, llvm::Value* v);
  void forget() { loads_.clear(), splats_.clear(); }

  // --- values ---
  llvm::Value* splat(llvm::Value* v);
  void match(llvm::Value*& a, llvm::Value*& b);
  llvm::Value* lane(llvm::Value* v, int64_t k);
  llvm::Value* expression(const Expr& e, const Info& info);
  llvm::Value* unary(const Expr& e, llvm::Value* x);
  llvm::Value* binary(Fn fn, DType t, llvm::Value* a, llvm::Value* b);
  llvm::Value* float_binary(Fn fn, llvm::Value* a, llvm::Value* b);
  llvm::Value* integer_binary(Fn fn, bool is_signed, llvm::Value* a, llvm::Value* b);
  llvm::Value* convert(DType from, DType to, llvm::Value* v);
  llvm::Value* extreme(bool maximum, llvm::Value* a, llvm::Value* b);
  llvm::Value* combined(const Statement& s, llvm::Value* old, const Info& info);
  llvm::Value* combine(Combine how, DType t, llvm::Value* old, llvm::Value* v);
  llvm::Value* call_libm(const std::string& name, std::vector<llvm::Value*> args);
  llvm::Value* by_lane(std::vector<llvm::Value*> args, const std::function<llvm::Value*(std::vector<llvm::Value*>)>& f);
  llvm::Value* integer_power(bool is_signed, llvm::Value* a, llvm::Value* e);

  const Program& program_;
  llvm::Module& module_;
  llvm::LLVMContext& context_;
  EmitTraits traits_;
  const EmitOptions& options_;
  llvm::IRBuilder<> b_;
  Algebra algebra_;
  std::map<const NestNode*, Info> infos_;
  Algebra::Bindings bound_;  // variables with a known value
  std::vector<Frame> frames_;
  std::vector<Staged> regions_;
  int lane_ = -1;  // variable that is the lane, -1 outside of vectorised loops
  int64_t lane_lower_ = 0, lanes_ = 0;
  int64_t active_ = 0;  // lanes that have an iteration: all, or fewer in the rest of whole vectors
  llvm::Function* function_ = nullptr;
  llvm::Value *values_ = nullptr, *tid_ = nullptr, *nt_ = nullptr;
  std::map<std::string, llvm::Value*> bases_;
  llvm::Value* buffers_ = nullptr;  // the array behind the bound buffers, when the caller gives scratch memory
  unsigned bound_count_ = 0;
  // Storage of one iteration of the divided loop, in memory of the caller: a place for each iteration that a thread may
  // begin with, which it uses for all of its own.
  llvm::Value* own_first_ = nullptr;  // that iteration; set while the divided loop is emitted
  int64_t own_places_ = 0;
  std::map<std::string, size_t> own_;  // such tensors: their place in `scratch`
  std::map<std::pair<std::string, Quasi>, std::pair<int64_t, llvm::Value*>> loads_;  // width and value
  std::map<llvm::Value*, llvm::Value*> splats_;
  std::map<std::string, Payload> constants_;  // small payloads in layout order
  std::map<std::pair<std::string, bool>, std::vector<Quasi>> strides_;  // of a tensor, in memory or in registers
  std::set<std::string> staging_;  // tensors whose stage region is being prepared
  std::set<const NestNode*> divided_;  // loops whose iterations are divided among threads
  std::map<const NestNode*, std::vector<const NestNode*>> collapsed_;  // divided loop: those inside, divided along with it
  int64_t instances_ = 0;
};

template <class F>
llvm::Value* Emitter::hoisted(int frame, F&& make) {
  Frame& f = frames_[frame];
  llvm::IRBuilder<> b(context_);
  if (f.last) b.SetInsertPoint(f.block, std::next(f.last->getIterator()));
  else b.SetInsertPoint(f.block, f.block->begin());
  llvm::Value* v = make(b);
  auto at = b.GetInsertPoint();
  if (at != f.block->begin()) f.last = &*std::prev(at);
  return v;
}

}  // namespace nasc
