// Scalar bodies: one LLVM value per expression, a scalar as long as no operand is a vector of lanes.
#include "codegen/emitter.h"

namespace nasc {
using llvm::Value;

Value* Emitter::splat(Value* v) {
  if (!lanes_ || v->getType()->isVectorTy()) return v;
  if (auto* c = llvm::dyn_cast<llvm::Constant>(v))
    return llvm::ConstantVector::getSplat(llvm::ElementCount::getFixed(static_cast<unsigned>(lanes_)), c);
  Value*& cached = splats_[v];
  if (!cached) cached = b_.CreateVectorSplat(static_cast<unsigned>(lanes_), v);
  return cached;
}
void Emitter::match(Value*& a, Value*& b) {
  if (a->getType()->isVectorTy() == b->getType()->isVectorTy()) return;
  a = splat(a);
  b = splat(b);
}
Value* Emitter::lane(Value* v, int64_t k) {
  return v->getType()->isVectorTy() ? b_.CreateExtractElement(v, static_cast<uint64_t>(k)) : v;
}

Value* Emitter::by_lane(std::vector<Value*> args, const std::function<Value*(std::vector<Value*>)>& f) {
  bool vector = false;
  for (Value* a : args) vector |= a->getType()->isVectorTy();
  if (!vector) return f(args);
  Value* out = nullptr;
  for (int64_t k = 0; k < lanes_; ++k) {
    std::vector<Value*> one;
    for (Value* a : args) one.push_back(lane(a, k));
    Value* r = f(one);
    if (!out) out = llvm::PoisonValue::get(llvm::FixedVectorType::get(r->getType(), static_cast<unsigned>(lanes_)));
    out = b_.CreateInsertElement(out, r, static_cast<uint64_t>(k));
  }
  return out;
}

Value* Emitter::call_libm(const std::string& name, std::vector<Value*> args) {
  if (traits_.gpu) give_up("gpu-function", name + " has no emitted form for this target and type");
  return by_lane(args, [&](std::vector<Value*> one) {
    llvm::Type* t = one[0]->getType();
    std::vector<llvm::Type*> types(one.size(), t);
    auto f = module_.getOrInsertFunction(t->isFloatTy() ? name + "f" : name, llvm::FunctionType::get(t, types, false));
    return b_.CreateCall(f, one);
  });
}

Value* Emitter::expression(const Expr& e, const Info& info) {
  llvm::Type* type = value_type(context_, e.dtype);
  switch (e.fn) {
    case Fn::constant:
      if (is_float(e.dtype)) return llvm::ConstantFP::get(type, e.number);
      return llvm::ConstantInt::get(type, static_cast<uint64_t>(e.integer), info_signed(e.dtype));
    case Fn::read: {
      const Access& a = info.statement->reads[e.index];
      return load(a.tensor, algebra_.substitute(info.offsets[1 + e.index], bound_));
    }
    case Fn::extent: return integer(algebra_.value(e.extent_value));
    case Fn::iterator: {
      Quasi q = algebra_.substitute(info.iterators[e.index], bound_);
      if (mode(q) == Mode::uniform) return integer(q);
      Value* v = llvm::PoisonValue::get(llvm::FixedVectorType::get(type, static_cast<unsigned>(lanes_)));
      for (int64_t k = 0; k < lanes_; ++k)
        v = b_.CreateInsertElement(v, integer(at_lane(q, k)), static_cast<uint64_t>(k));
      return v;
    }
    case Fn::cast: return convert(e.args[0]->dtype, e.dtype, expression(*e.args[0], info));
    case Fn::select: {
      Value* c = expression(*e.args[0], info);
      Value* x = expression(*e.args[1], info);
      Value* y = expression(*e.args[2], info);
      match(x, y);
      if (c->getType()->isVectorTy()) x = splat(x), y = splat(y);
      return b_.CreateSelect(c, x, y);
    }
    default: break;
  }
  Value* x = expression(*e.args[0], info);
  if (e.args.size() == 1) return unary(e, x);
  Value* y = expression(*e.args[1], info);
  match(x, y);
  return binary(e.fn, e.args[0]->dtype, x, y);
}

Value* Emitter::unary(const Expr& e, Value* x) {
  DType t = e.args[0]->dtype;
  llvm::Type* type = x->getType();
  Value* zero = llvm::Constant::getNullValue(type);
  if (!is_float(t)) {
    switch (e.fn) {
      case Fn::neg: return b_.CreateNeg(x);
      case Fn::not_: return b_.CreateNot(x);
      case Fn::abs: return info_signed(t) ? b_.CreateSelect(b_.CreateICmpSLT(x, zero), b_.CreateNeg(x), x) : x;
      case Fn::sign: {
        Value* positive = b_.CreateZExt(b_.CreateICmpNE(x, zero), type);
        return info_signed(t) ? b_.CreateSelect(b_.CreateICmpSLT(x, zero), llvm::Constant::getAllOnesValue(type), positive) : positive;
      }
      case Fn::isnan:
      case Fn::isinf: return llvm::ConstantInt::getFalse(type->getWithNewType(b_.getInt1Ty()));
      case Fn::ceil:
      case Fn::floor:
      case Fn::round: return x;
      default: NASC_CHECK(false) << info(e.fn).name << " of " << name(t);
    }
  }
  Value* one = llvm::ConstantFP::get(type, 1);
  Value* infinity = llvm::ConstantFP::getInfinity(type);
  auto intrinsic = [&](llvm::Intrinsic::ID id) { return b_.CreateUnaryIntrinsic(id, x); };
  switch (e.fn) {
    case Fn::neg: return b_.CreateFNeg(x);
    case Fn::abs: return intrinsic(llvm::Intrinsic::fabs);
    case Fn::sqrt: return intrinsic(llvm::Intrinsic::sqrt);
    case Fn::ceil: return intrinsic(llvm::Intrinsic::ceil);
    case Fn::floor: return intrinsic(llvm::Intrinsic::floor);
    case Fn::round: return intrinsic(llvm::Intrinsic::rint);
    case Fn::isnan: return b_.CreateFCmpUNO(x, x);
    case Fn::isinf: return b_.CreateFCmpOEQ(intrinsic(llvm::Intrinsic::fabs), infinity);
    case Fn::sign: {
      Value* s = b_.CreateSelect(b_.CreateFCmpOGT(x, zero), one, b_.CreateSelect(b_.CreateFCmpOLT(x, zero), b_.CreateFNeg(one), zero));
      return b_.CreateSelect(b_.CreateFCmpUNO(x, x), x, s);
    }
    default: break;
  }
  if (t != DType::f64 && has_math(e.fn)) return emit_math(b_, e.fn, x, traits_.fma);
  return call_libm(info(e.fn).name, {x});
}

// NaN in either operand gives NaN; one operand being a number known now saves a compare (relu: one maxps).
Value* Emitter::extreme(bool maximum, Value* a, Value* b) {
  auto number = [](Value* v) {
    auto* c = llvm::dyn_cast<llvm::Constant>(v);
    if (c && c->getType()->isVectorTy()) c = c->getSplatValue();
    auto* f = llvm::dyn_cast_or_null<llvm::ConstantFP>(c);
    return f && !f->isNaN();
  };
  if (number(b)) std::swap(a, b);
  Value* r = b_.CreateSelect(maximum ? b_.CreateFCmpOGT(a, b) : b_.CreateFCmpOLT(a, b), a, b);
  return number(a) ? r : b_.CreateSelect(b_.CreateFCmpUNO(a, a), a, r);
}

Value* Emitter::binary(Fn fn, DType t, Value* a, Value* b) {
  return is_float(t) ? float_binary(fn, a, b) : integer_binary(fn, info_signed(t), a, b);
}

namespace {
// The value of a constant or of a constant splat.
const llvm::ConstantFP* float_constant(Value* v) {
  auto* c = llvm::dyn_cast<llvm::Constant>(v);
  if (c && c->getType()->isVectorTy()) c = c->getSplatValue();
  return llvm::dyn_cast_or_null<llvm::ConstantFP>(c);
}
bool is_number(Value* v, double n) {
  auto* c = float_constant(v);
  return c && c->isExactlyValue(n);
}
}  // namespace

Value* Emitter::float_binary(Fn fn, Value* a, Value* b) {
  switch (fn) {
    case Fn::add: return b_.CreateFAdd(a, b);
    case Fn::sub: return b_.CreateFSub(a, b);
    case Fn::mul:
      if (is_number(a, 1)) return b;
      if (is_number(b, 1)) return a;
      return b_.CreateFMul(a, b);
    case Fn::div: return b_.CreateFDiv(a, b);
    case Fn::min: return extreme(false, a, b);
    case Fn::max: return extreme(true, a, b);
    case Fn::eq: return b_.CreateFCmpOEQ(a, b);
    case Fn::ne: return b_.CreateFCmpUNE(a, b);
    case Fn::lt: return b_.CreateFCmpOLT(a, b);
    case Fn::le: return b_.CreateFCmpOLE(a, b);
    case Fn::gt: return b_.CreateFCmpOGT(a, b);
    case Fn::ge: return b_.CreateFCmpOGE(a, b);
    case Fn::pow:
      if (is_number(b, 2)) return b_.CreateFMul(a, a);
      if (is_number(b, 3)) return b_.CreateFMul(b_.CreateFMul(a, a), a);
      if (is_number(b, 1)) return a;
      return call_libm("pow", {a, b});
    case Fn::fmod: return call_libm("fmod", {a, b});
    case Fn::mod: {
      Value* r = call_libm("fmod", {a, b});
      Value* zero = llvm::Constant::getNullValue(a->getType());
      Value* differ = b_.CreateXor(b_.CreateFCmpOLT(r, zero), b_.CreateFCmpOLT(b, zero));
      return b_.CreateSelect(b_.CreateAnd(b_.CreateFCmpUNE(r, zero), differ), b_.CreateFAdd(r, b), r);
    }
    default: NASC_CHECK(false) << info(fn).name << " of floats";
  }
  return nullptr;
}

Value* Emitter::integer_binary(Fn fn, bool is_signed, Value* a, Value* b) {
  llvm::Type* t = a->getType();
  Value* zero = llvm::Constant::getNullValue(t);
  Value* width = llvm::ConstantInt::get(t, t->getScalarSizeInBits());
  auto quotient = [&](bool remainder) -> Value* {  // by zero: 0; the least value by -1 wraps
    Value* one = llvm::ConstantInt::get(t, 1);
    Value* none = b_.CreateICmpEQ(b, zero);
    if (!is_signed) {
      Value* by = b_.CreateSelect(none, one, b);
      return b_.CreateSelect(none, zero, remainder ? b_.CreateURem(a, by) : b_.CreateUDiv(a, by));
    }
    Value* minus = b_.CreateICmpEQ(b, llvm::Constant::getAllOnesValue(t));
    Value* by = b_.CreateSelect(b_.CreateOr(none, minus), one, b);
    Value* plain = remainder ? b_.CreateSRem(a, by) : b_.CreateSDiv(a, by);
    Value* negated = remainder ? zero : b_.CreateNeg(a);
    return b_.CreateSelect(none, zero, b_.CreateSelect(minus, negated, plain));
  };
  switch (fn) {
    case Fn::add: return b_.CreateAdd(a, b);
    case Fn::sub: return b_.CreateSub(a, b);
    case Fn::mul: return b_.CreateMul(a, b);
    case Fn::and_: return b_.CreateAnd(a, b);
    case Fn::or_: return b_.CreateOr(a, b);
    case Fn::xor_: return b_.CreateXor(a, b);
    case Fn::eq: return b_.CreateICmpEQ(a, b);
    case Fn::ne: return b_.CreateICmpNE(a, b);
    case Fn::lt: return is_signed ? b_.CreateICmpSLT(a, b) : b_.CreateICmpULT(a, b);
    case Fn::le: return is_signed ? b_.CreateICmpSLE(a, b) : b_.CreateICmpULE(a, b);
    case Fn::gt: return is_signed ? b_.CreateICmpSGT(a, b) : b_.CreateICmpUGT(a, b);
    case Fn::ge: return is_signed ? b_.CreateICmpSGE(a, b) : b_.CreateICmpUGE(a, b);
    case Fn::min: return b_.CreateSelect(is_signed ? b_.CreateICmpSLT(a, b) : b_.CreateICmpULT(a, b), a, b);
    case Fn::max: return b_.CreateSelect(is_signed ? b_.CreateICmpSGT(a, b) : b_.CreateICmpUGT(a, b), a, b);
    case Fn::div: return quotient(false);
    case Fn::fmod: return quotient(true);
    case Fn::mod: {
      Value* r = quotient(true);
      if (!is_signed) return r;
      Value* differ = b_.CreateICmpSLT(b_.CreateXor(r, b), zero);
      return b_.CreateSelect(b_.CreateAnd(b_.CreateICmpNE(r, zero), differ), b_.CreateAdd(r, b), r);
    }
    case Fn::shl: {
      Value* in = b_.CreateICmpULT(b, width);
      return b_.CreateSelect(in, b_.CreateShl(a, b_.CreateSelect(in, b, zero)), zero);
    }
    case Fn::shr: {
      Value* in = b_.CreateICmpULT(b, width);
      Value* last = llvm::ConstantInt::get(t, t->getScalarSizeInBits() - 1);
      if (is_signed) return b_.CreateAShr(a, b_.CreateSelect(in, b, last));
      return b_.CreateSelect(in, b_.CreateLShr(a, b_.CreateSelect(in, b, zero)), zero);
    }
    case Fn::pow: return by_lane({a, b}, [&](std::vector<Value*> one) { return integer_power(is_signed, one[0], one[1]); });
    default: NASC_CHECK(false) << info(fn).name << " of integers";
  }
  return nullptr;
}

Value* Emitter::convert(DType from, DType to, Value* v) {
  llvm::Type* type = v->getType()->getWithNewType(value_type(context_, to));
  Value* zero = llvm::Constant::getNullValue(v->getType());
  if (from == to) return v;
  if (to == DType::boolean) return is_float(from) ? b_.CreateFCmpUNE(v, zero) : b_.CreateICmpNE(v, zero);
  if (is_float(from) && is_float(to)) {
    if (to == DType::f16) return from_memory(to, to_memory(to, from == DType::f64 ? b_.CreateFPTrunc(v, type) : v));
    return type->getScalarSizeInBits() > v->getType()->getScalarSizeInBits() ? b_.CreateFPExt(v, type)
           : type == v->getType()                                            ? v
                                                                             : b_.CreateFPTrunc(v, type);
  }
  if (is_float(from)) {
    auto id = info_signed(to) ? llvm::Intrinsic::fptosi_sat : llvm::Intrinsic::fptoui_sat;
    return b_.CreateIntrinsic(id, {type, v->getType()}, {v});
  }
  bool is_signed = info_signed(from);
  if (is_float(to)) {
    Value* f = is_signed ? b_.CreateSIToFP(v, type) : b_.CreateUIToFP(v, type);
    return to == DType::f16 ? from_memory(to, to_memory(to, f)) : f;
  }
  return b_.CreateIntCast(v, type, is_signed);
}

Value* Emitter::combine(Combine how, DType t, Value* old, Value* v) {
  static constexpr Fn kFns[] = {Fn::add, Fn::add, Fn::mul, Fn::max, Fn::min};
  match(old, v);
  return binary(kFns[static_cast<int>(how)], t, old, v);
}

// Sums of products are fused; what constant tensors make trivial (x*0, x*1, x*-1, 0+x) is not computed.
Value* Emitter::combined(const Statement& s, Value* old, const Info& info) {
  DType t = s.body->dtype;
  bool product = s.combine == Combine::add && is_float(t) && s.body->fn == Fn::mul;
  if (!product) return combine(s.combine, t, old, expression(*s.body, info));
  Value* a = expression(*s.body->args[0], info);
  Value* b = expression(*s.body->args[1], info);
  if (is_number(b, 0) || is_number(b, 1) || is_number(b, -1)) std::swap(a, b);
  if (s.reassociable && (is_number(a, 0) || is_number(a, -0.0))) return old;
  bool fresh = s.reassociable && is_number(old, 0);
  if (is_number(a, 1)) return fresh ? b : combine(s.combine, t, old, b);
  if (is_number(a, -1)) {
    if (fresh) return b_.CreateFNeg(b);
    match(old, b);
    return b_.CreateFSub(old, b);
  }
  match(a, b);
  if (fresh) return b_.CreateFMul(a, b);
  match(a, old);
  match(a, b);
  if (!traits_.fma) return b_.CreateFAdd(old, b_.CreateFMul(a, b));
  return b_.CreateIntrinsic(llvm::Intrinsic::fma, {a->getType()}, {a, b, old});
}

}  // namespace nasc
