// Addresses, loads and stores: offsets become a base, one term per run-time loop behind its phi, and a displacement.
#include <algorithm>

#include "codegen/emitter.h"

namespace nasc {
namespace {
constexpr int64_t kStackBytes = 128 << 10;
constexpr size_t kFoldedBytes = 16 << 10;  // constant tensors up to this size are read at compile time
}  // namespace

llvm::Type* value_type(llvm::LLVMContext& c, DType t) {
  if (t == DType::f64) return llvm::Type::getDoubleTy(c);
  if (is_float(t)) return llvm::Type::getFloatTy(c);
  return t == DType::boolean ? llvm::Type::getInt1Ty(c) : llvm::IntegerType::get(c, 8 * bytes(t));
}
llvm::Type* memory_type(llvm::LLVMContext& c, DType t) {
  if (t == DType::f16) return llvm::Type::getInt16Ty(c);
  return t == DType::boolean ? llvm::Type::getInt8Ty(c) : value_type(c, t);
}

int Emitter::frame_of(int atom) {
  const Atom& a = algebra_.atom(atom);
  if (a.kind == Atom::parameter) return 0;
  if (a.kind == Atom::variable) {
    if (frames_[0].atoms.count(atom)) return 0;
    for (size_t f = frames_.size(); f-- > 1;)
      if (frames_[f].variable == atom) return static_cast<int>(f);
    NASC_CHECK(false) << "loop variable " << a.name << " out of scope";
  }
  int f = a.condition ? frame_of(a.condition) : 0;
  std::vector<Quasi> args = a.args;
  for (const auto& x : args) f = std::max(f, frame_of(x));
  return f;
}
int Emitter::frame_of(const Quasi& q) {
  int f = 0;
  for (const auto& t : q.terms) f = std::max(f, frame_of(t.first));
  return f;
}
int Emitter::frame_of(const CondRef& c) {
  if (!c) return 0;
  return std::max({frame_of(c->value), frame_of(c->a), frame_of(c->b)});
}

llvm::Value* Emitter::atom_value(int id) {
  int f = frame_of(id);
  auto it = frames_[f].atoms.find(id);
  if (it != frames_[f].atoms.end()) return it->second;
  Atom a = algebra_.atom(id);
  llvm::Value* v = hoisted(f, [&](llvm::IRBuilder<>& b) -> llvm::Value* {
    if (a.kind == Atom::parameter) {
      auto at = options_.values.find(a.name);
      NASC_CHECK(at != options_.values.end()) << program_.name << ": no value for parameter " << a.name;
      return b.CreateLoad(b.getInt64Ty(), b.CreateConstGEP1_64(b.getInt64Ty(), values_, at->second));
    }
    if (a.kind == Atom::select)
      return b.CreateSelect(condition(a.condition), integer_in(b, a.args[0]), integer_in(b, a.args[1]));
    llvm::Value* x = integer_in(b, a.args[0]);
    if (a.kind == Atom::product) {
      for (size_t k = 1; k < a.args.size(); ++k) x = b.CreateNSWMul(x, integer_in(b, a.args[k]));
      return x;
    }
    llvm::Value* y = integer_in(b, a.args[1]);
    if (a.kind == Atom::min) return b.CreateSelect(b.CreateICmpSLT(x, y), x, y);
    if (a.kind == Atom::max) return b.CreateSelect(b.CreateICmpSGT(x, y), x, y);
    llvm::Value* zero = b.getInt64(0);
    if (!a.args[1].is_constant()) y = b.CreateSelect(b.CreateICmpEQ(y, zero), b.getInt64(1), y);
    bool positive = algebra_.range(a.args[0]).lo >= 0 && a.args[1].is_constant();
    if (positive) return a.kind == Atom::mod ? b.CreateURem(x, y) : b.CreateUDiv(x, y);
    llvm::Value* r = b.CreateSRem(x, y);
    llvm::Value* negative = b.CreateAnd(b.CreateICmpNE(r, zero), b.CreateICmpSLT(b.CreateXor(r, y), zero));
    if (a.kind == Atom::mod) return b.CreateSelect(negative, b.CreateAdd(r, y), r);
    llvm::Value* q = b.CreateSDiv(x, y);
    return b.CreateSelect(negative, b.CreateSub(q, b.getInt64(1)), q);
  });
  frames_[f].atoms[id] = v;
  return v;
}

llvm::Value* Emitter::integer_in(llvm::IRBuilder<>& b, const Quasi& q) {
  llvm::Value* sum = nullptr;
  for (const auto& [id, c] : q.terms) {
    llvm::Value* v = atom_value(id);
    if (c != 1) v = b.CreateNSWMul(v, b.getInt64(c));
    sum = sum ? b.CreateNSWAdd(sum, v) : v;
  }
  if (!sum) return b.getInt64(q.constant);
  return q.constant ? b.CreateNSWAdd(sum, b.getInt64(q.constant)) : sum;
}
llvm::Value* Emitter::integer(const Quasi& q) { return integer_in(b_, q); }

// Evaluated behind the innermost loop it depends on.
llvm::Value* Emitter::condition(const CondRef& c) {
  if (c->kind == Cond::always || c->kind == Cond::never) return b_.getInt1(c->kind == Cond::always);
  llvm::Value* x = c->a ? condition(c->a) : nullptr;
  llvm::Value* y = c->b ? condition(c->b) : nullptr;
  return hoisted(frame_of(c), [&](llvm::IRBuilder<>& b) -> llvm::Value* {
    switch (c->kind) {
      case Cond::ge: return b.CreateICmpSGE(integer_in(b, c->value), b.getInt64(0));
      case Cond::eq: return b.CreateICmpEQ(integer_in(b, c->value), b.getInt64(0));
      case Cond::and_: return b.CreateAnd(x, y);
      case Cond::or_: return b.CreateOr(x, y);
      default: return b.CreateNot(x);
    }
  });
}

llvm::Value* Emitter::base(const std::string& name) {
  auto it = bases_.find(name);
  if (it != bases_.end()) return it->second;
  const Tensor& t = program_.tensor(name);
  if (any_lanes_) give_up("temp-too-large", "local tensor " + name + " is outside of a stage region, which threads cannot share");
  Extent size = storage_bytes(t);
  bool large = !size.is_constant() || size.constant() > kStackBytes;
  // A layout that folds its elements onto each other is storage of one iteration: memory of the caller is all threads'.
  Extent elements = element_count(t), stored = storage_elements(t);
  bool fewer = stored.is_constant() && (!elements.is_constant() || stored.constant() < elements.constant());
  bool folded = large && fewer;
  if (large && buffers_ && folded)
    if (llvm::Value* own = own_base(t)) return bases_[name] = own;
  if (large && buffers_ && !folded) {
    scratch.push_back(t);
    return bases_[name] = scratch_base(scratch.size() - 1);
  }
  if (large)
    give_up("temp-too-large", text("local tensor ", name, " of ", size.text(), " bytes is outside of a stage region"));
  bool halo = !fewer && stored.constant() > elements.constant();
  llvm::Value* v = hoisted(0, [&](llvm::IRBuilder<>& b) {
    auto* slot = b.CreateAlloca(llvm::ArrayType::get(b.getInt8Ty(), std::max<int64_t>(size.constant(), 1)));
    slot->setAlignment(llvm::Align(64));
    if (halo) b.CreateMemSet(slot, b.getInt8(0), size.constant(), llvm::Align(64));
    return slot;
  });
  return bases_[name] = v;
}

llvm::Value* Emitter::scratch_base(size_t k) {
  auto* pointer = llvm::PointerType::get(context_, 0);
  return hoisted(0, [&](llvm::IRBuilder<>& b) {
    return b.CreateLoad(pointer, b.CreateConstGEP1_64(pointer, buffers_, bound_count_ + k));
  });
}

// nullptr outside of the divided loop, or when the places of all iterations take much more than all elements would, of one
// image where their number is not known.
llvm::Value* Emitter::own_base(const Tensor& t) {
  constexpr int64_t kLine = 64;
  int64_t place = (storage_bytes(t).constant() + kLine - 1) / kLine * kLine;
  const int64_t elements = element_count(t).evaluate([](const std::string&) { return 1; });
  if (!own_first_ || !own_places_ || place > 2 * elements * bytes(t.dtype) / own_places_) return nullptr;
  auto [known, fresh] = own_.try_emplace(t.name, scratch.size());
  if (fresh) {
    Tensor all = t;
    all.shape = {own_places_, place / bytes(t.dtype)};
    all.layout.reset();
    scratch.push_back(std::move(all));
  }
  llvm::Value* memory = scratch_base(known->second);
  llvm::IRBuilder<> b(llvm::cast<llvm::Instruction>(own_first_)->getParent()->getTerminator());
  return b.CreateGEP(b.getInt8Ty(), memory, b.CreateNSWMul(own_first_, b.getInt64(place)));
}

llvm::Value* Emitter::address(const std::string& tensor, const Quasi& offset) {
  int64_t width = bytes(program_.tensor(tensor).dtype);
  std::vector<std::pair<int, std::pair<int, int64_t>>> terms;
  llvm::Value* p = base(tensor);
  int outermost = own_.count(tensor) ? 1 : 0;  // frame: the base of a thread's own memory is known before the divided loop only
  for (const auto& t : offset.terms) terms.push_back({std::max(frame_of(t.first), outermost), t});
  std::stable_sort(terms.begin(), terms.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  std::pair<std::string, std::vector<std::pair<int, int64_t>>> prefix{tensor, {}};
  for (const auto& [f, term] : terms) {
    prefix.second.push_back(term);
    auto it = frames_[f].addresses.find(prefix);
    if (it != frames_[f].addresses.end()) {
      p = it->second;
      continue;
    }
    llvm::Value* v = atom_value(term.first);
    p = hoisted(f, [&](llvm::IRBuilder<>& b) {
      int64_t by = term.second * width;
      return b.CreateGEP(b.getInt8Ty(), p, by == 1 ? v : b.CreateNSWMul(v, b.getInt64(by)));
    });
    frames_[f].addresses[prefix] = p;
  }
  return offset.constant ? b_.CreateConstGEP1_64(b_.getInt8Ty(), p, offset.constant * width) : p;
}

Staged* Emitter::staged(const std::string& tensor) {
  for (size_t k = regions_.size(); k-- > 0;)
    if (regions_[k].tensor == tensor) return &regions_[k];
  return nullptr;
}
// Elements are told apart by the constant part of their offset; vectors must not share some of their lanes.
int64_t Emitter::key(Staged& s, const Quasi& offset, bool writes) {
  int64_t stride = 0;
  Mode m = mode(offset, &stride);
  Quasi first = at_lane(offset, 0), runtime = first - first.constant;
  if (!s.fixed) s.runtime = runtime, s.fixed = true;
  if (s.runtime != runtime)
    give_up("stage-address", "an element of " + s.tensor + " is addressed by a loop inside its stage region");
  if (m == Mode::scattered || stride < 0) give_up("stage-lanes", "lanes of staged tensor " + s.tensor + " are not in a row");
  Staged::Span span = m == Mode::uniform ? Staged::Span{1, 1} : Staged::Span{lanes_, active_};
  if (!s.stride && span.width > 1) s.stride = stride;
  auto found = s.spans.find(first.constant);
  if ((span.width > 1 && s.stride != stride) || (found != s.spans.end() && found->second.width != span.width))
    give_up("stage-lanes", "staged tensor " + s.tensor + " is accessed as lanes and otherwise");
  if (!writes) {
    if (found != s.spans.end() && found->second.lanes < span.lanes)
      give_up("stage-undefined", "lanes of " + s.tensor + " are read before they are written");
    return first.constant;
  }
  for (int64_t k = 1; k < kMaxLanes && s.stride && found == s.spans.end(); ++k) {
    auto before = s.spans.find(first.constant - k * s.stride);
    bool after = k < span.lanes && s.spans.count(first.constant + k * s.stride);
    if (after || (before != s.spans.end() && before->second.lanes > k))
      give_up("stage-lanes", "lanes of staged tensor " + s.tensor + " overlap in part");
  }
  int64_t& lanes = s.spans.try_emplace(first.constant, span).first->second.lanes;
  lanes = std::max(lanes, span.lanes);
  return first.constant;
}

Emitter::Mode Emitter::mode(const Quasi& offset, int64_t* stride) const {
  if (lane_ < 0) return Mode::uniform;
  if (algebra_.hides(offset, lane_)) return Mode::scattered;
  int64_t c = offset.coefficient(lane_);
  if (stride) *stride = c;
  return c == 0 ? Mode::uniform : c == 1 ? Mode::unit : Mode::strided;
}
Quasi Emitter::at_lane(const Quasi& q, int64_t lane) {
  return lane_ < 0 ? q : algebra_.substitute(q, {{lane_, Quasi(lane_lower_ + lane)}});
}

llvm::Value* Emitter::from_memory(DType t, llvm::Value* v) {
  if (t == DType::boolean) return b_.CreateICmpNE(v, llvm::Constant::getNullValue(v->getType()));
  if (t != DType::f16) return v;
  if (!traits_.half) return half_to_float(b_, v);
  auto with = [&](llvm::Type* scalar) -> llvm::Type* { return v->getType()->getWithNewType(scalar); };
  return b_.CreateFPExt(b_.CreateBitCast(v, with(b_.getHalfTy())), with(b_.getFloatTy()));
}
llvm::Value* Emitter::to_memory(DType t, llvm::Value* v) {
  auto with = [&](llvm::Type* scalar) -> llvm::Type* { return v->getType()->getWithNewType(scalar); };
  if (t == DType::boolean) return b_.CreateZExt(v, with(b_.getInt8Ty()));
  if (t != DType::f16) return v;
  if (!traits_.half) return float_to_half(b_, v);
  return b_.CreateBitCast(b_.CreateFPTrunc(v, with(b_.getHalfTy())), with(b_.getInt16Ty()));
}

llvm::Value* Emitter::active_mask() {
  std::vector<llvm::Constant*> bits;
  for (int64_t k = 0; k < lanes_; ++k) bits.push_back(b_.getInt1(k < active_));
  return llvm::ConstantVector::get(bits);
}

llvm::Value* Emitter::load_one(const Tensor& t, const Quasi& offset, int64_t width) {
  auto cached = loads_.find({t.name, offset});
  if (cached != loads_.end() && cached->second.first == width) return cached->second.second;
  llvm::Type* type = memory_type(context_, t.dtype);
  if (width > 1) type = llvm::FixedVectorType::get(type, static_cast<unsigned>(width));
  // Weights are padded by their layouts, and nobody else's; a whole vector needs no mask register.
  bool whole = width == 1 || active_ == lanes_ ||
               (t.role == Role::weight && storage_elements(t).is_constant() &&
                algebra_.range(offset).hi + width <= storage_elements(t).constant());
  llvm::Value* from = address(t.name, offset);
  llvm::Align align(static_cast<uint64_t>(bytes(t.dtype)));
  llvm::Value* raw = whole ? static_cast<llvm::Value*>(b_.CreateAlignedLoad(type, from, align))
                           : b_.CreateMaskedLoad(type, from, align, active_mask(), llvm::Constant::getNullValue(type));
  llvm::Value* v = from_memory(t.dtype, raw);
  loads_[{t.name, offset}] = {width, v};
  return v;
}
void Emitter::store_one(const Tensor& t, const Quasi& offset, llvm::Value* v) {
  llvm::Value* raw = to_memory(t.dtype, v);
  llvm::Align align(static_cast<uint64_t>(bytes(t.dtype)));
  if (raw->getType()->isVectorTy() && active_ < lanes_) b_.CreateMaskedStore(raw, address(t.name, offset), align, active_mask());
  else b_.CreateAlignedStore(raw, address(t.name, offset), align);
  std::erase_if(loads_, [&](const auto& e) { return e.first.first == t.name; });
}

// An element of a small constant tensor at a constant offset, else nullptr.
llvm::Value* Emitter::constant_element(const Tensor& t, const Quasi& offset) {
  if (!t.payload || !offset.is_constant() || t.payload.size > kFoldedBytes) return nullptr;
  auto [it, fresh] = constants_.try_emplace(t.name);
  if (fresh) it->second = packed(t);
  const std::byte* at = it->second.data + offset.constant * bytes(t.dtype);
  llvm::Type* type = value_type(context_, t.dtype);
  if (t.dtype == DType::f32) return llvm::ConstantFP::get(type, *reinterpret_cast<const float*>(at));
  if (t.dtype == DType::f64) return llvm::ConstantFP::get(type, *reinterpret_cast<const double*>(at));
  if (t.dtype == DType::f16) return nullptr;
  uint64_t v = 0;
  for (int k = bytes(t.dtype); k-- > 0;) v = v << 8 | static_cast<uint64_t>(at[k]);
  return llvm::ConstantInt::get(type, t.dtype == DType::boolean ? v != 0 : v);
}

llvm::Value* Emitter::load(const std::string& tensor, const Quasi& offset) {
  const Tensor& t = program_.tensor(tensor);
  Mode m = mode(offset);
  if (Staged* s = staged(tensor)) {
    auto it = s->elements.find(key(*s, offset, false));
    if (it == s->elements.end()) give_up("stage-undefined", "an element of " + tensor + " is read before it is written");
    return it->second;
  }
  if (m == Mode::uniform || m == Mode::unit) {
    if (m == Mode::uniform)
      if (llvm::Value* c = constant_element(t, offset)) return c;
    if (!t.payload || m == Mode::uniform) return load_one(t, at_lane(offset, 0), m == Mode::unit ? lanes_ : 1);
  }
  std::vector<llvm::Constant*> all;
  for (int64_t k = 0; k < lanes_; ++k) {
    auto* c = llvm::dyn_cast_or_null<llvm::Constant>(constant_element(t, at_lane(offset, std::min(k, active_ - 1))));
    if (!c) break;
    all.push_back(c);
  }
  if (static_cast<int64_t>(all.size()) == lanes_) return llvm::ConstantVector::get(all);
  if (m == Mode::unit) return load_one(t, at_lane(offset, 0), lanes_);
  llvm::Value* v = llvm::PoisonValue::get(llvm::FixedVectorType::get(value_type(context_, t.dtype), static_cast<unsigned>(lanes_)));
  for (int64_t k = 0; k < active_; ++k)
    v = b_.CreateInsertElement(v, load_one(t, at_lane(offset, k), 1), static_cast<uint64_t>(k));
  return v;
}

void Emitter::store(const std::string& tensor, const Quasi& offset, llvm::Value* v) {
  const Tensor& t = program_.tensor(tensor);
  Mode m = mode(offset);
  v = m == Mode::uniform ? (v->getType()->isVectorTy() ? lane(v, active_ - 1) : v) : splat(v);
  if (Staged* s = staged(tensor)) {
    s->elements[key(*s, offset, true)] = v;
    return;
  }
  if (m == Mode::uniform || m == Mode::unit) return store_one(t, at_lane(offset, 0), v);
  for (int64_t k = 0; k < active_; ++k) store_one(t, at_lane(offset, k), lane(v, k));
}

}  // namespace nasc
