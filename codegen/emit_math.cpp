// Vectorisable single-precision functions. Largest errors in units in the last place, checked by test "math: ..." over
// dense samples on a target with FMA: exp 1.5, log 1.5, tanh 2.5, erf 2.5, sin and cos 2 (|x| <= 1e6), tan, sinh
// and cosh 4.
// Special values follow IEEE 754 and C. Polynomial coefficients are minimax fits over the stated intervals.
#include <cmath>
#include <initializer_list>
#include <limits>

#include "codegen/emitter.h"

namespace nasc {
namespace {
using llvm::Value;

struct Math {
  llvm::IRBuilder<>& b;
  llvm::Type* type;  // float or <N x float>
  llvm::Type* bits;  // i32 or <N x i32>
  bool fused;

  Math(llvm::IRBuilder<>& builder, Value* x, bool fma)
      : b(builder), type(x->getType()), bits(type->getWithNewType(b.getInt32Ty())), fused(fma) {}

  Value* f(double v) { return llvm::ConstantFP::get(type, v); }
  Value* i(int64_t v) { return llvm::ConstantInt::get(bits, static_cast<uint64_t>(v), true); }
  Value* fma(Value* x, Value* y, Value* z) {
    if (!fused) return b.CreateFAdd(b.CreateFMul(x, y), z);
    return b.CreateIntrinsic(llvm::Intrinsic::fma, {type}, {x, y, z});
  }
  Value* abs(Value* x) { return b.CreateUnaryIntrinsic(llvm::Intrinsic::fabs, x); }
  Value* as_bits(Value* x) { return b.CreateBitCast(x, bits); }
  Value* as_float(Value* x) { return b.CreateBitCast(x, type); }
  Value* copysign(Value* magnitude, Value* sign) { return b.CreateBinaryIntrinsic(llvm::Intrinsic::copysign, magnitude, sign); }
  // c0 * x^n + c1 * x^(n-1) + ...
  Value* polynomial(Value* x, std::initializer_list<double> c) {
    auto it = c.begin();
    Value* r = f(*it++);
    for (; it != c.end(); ++it) r = fma(r, x, f(*it));
    return r;
  }

  static constexpr double kMagic = 12582912;  // adding it rounds to an integer, which the low bits then hold
  Value* power(Value* e) { return as_float(b.CreateAdd(b.CreateShl(e, i(23)), i(127 << 23))); }
  // exp(r) / 2^n of the rest r of a division by log(2).
  Value* exp_of_rest(Value* r) {
    return polynomial(r, {1.37805939e-3, 8.37312452e-3, 4.16695364e-2, 1.66664720e-1, 4.99999851e-1, 1, 1});
  }

  // 2^n is the product of two halves, both normal for n in [-150, 128]; NaN passes through min, max and products. What rounds
  // to zero is zero before the last product: processors may take a hundred cycles for products that underflow.
  Value* exp(Value* x) {
    Value* y = b.CreateSelect(b.CreateFCmpOGT(x, f(89)), f(89), x);
    y = b.CreateSelect(b.CreateFCmpOLT(y, f(-104)), f(-104), y);
    Value* shifted = fma(y, f(1.4426950408889634), f(kMagic));
    Value* n = b.CreateFSub(shifted, f(kMagic));
    Value* r = fma(n, f(-6.93145752e-1), y);
    r = fma(n, f(-1.42860677e-6), r);
    Value* k = as_bits(shifted);  // its upper bits leave by the shift
    Value* half = b.CreateAShr(k, i(1));
    Value* first = b.CreateFMul(exp_of_rest(r), power(half));
    first = b.CreateSelect(b.CreateFCmpOLT(x, f(-103.972084)), f(0), first);
    return b.CreateFMul(first, power(b.CreateSub(k, half)));
  }
  // For x in [-80, 0] or NaN, where it is a small part of what it is subtracted from.
  Value* small_exp(Value* x) {
    Value* shifted = fma(x, f(1.4426950408889634), f(kMagic));
    Value* r = fma(b.CreateFSub(shifted, f(kMagic)), f(-0.693147180559945), x);
    return b.CreateFMul(exp_of_rest(r), power(as_bits(shifted)));
  }

  Value* log(Value* x) {
    Value* tiny = b.CreateFCmpOLT(x, f(1.17549435e-38));
    Value* y = b.CreateSelect(tiny, b.CreateFMul(x, f(8388608)), x);
    Value* k = b.CreateSelect(tiny, f(-23), f(0));
    Value* e = b.CreateAnd(b.CreateSub(as_bits(y), i(0x3f2aaaab)), i(0xff800000));
    Value* m = as_float(b.CreateSub(as_bits(y), e));
    k = fma(b.CreateSIToFP(e, type), f(1.1920929e-7), k);
    Value* t = b.CreateFSub(m, f(1));  // in [-1/3, 1/3]
    Value* s = b.CreateFMul(t, t);
    Value* r = polynomial(s, {-0.130310059, -0.121483512, -0.166846126, -0.249996200});
    Value* u = polynomial(s, {0.140869141, 0.139814854, 0.200120345});
    r = fma(u, t, r);
    r = fma(r, t, f(0.333331972));
    r = fma(r, t, f(-0.5));
    r = fma(r, s, t);
    r = fma(k, f(0.693147182), r);
    Value* infinity = f(std::numeric_limits<double>::infinity());
    Value* ordinary = b.CreateAnd(b.CreateFCmpOGT(x, f(0)), b.CreateFCmpOLT(x, infinity));
    Value* zero = b.CreateFCmpOEQ(x, f(0));
    Value* special = b.CreateSelect(zero, f(-std::numeric_limits<double>::infinity()),
                                    b.CreateSelect(b.CreateFCmpOLT(x, f(0)), f(std::nan("")), x));
    return b.CreateSelect(ordinary, r, special);
  }

  Value* tanh(Value* x) {
    Value* a = abs(x);
    Value* e = exp(b.CreateFMul(a, f(2)));
    Value* large = copysign(b.CreateFSub(f(1), b.CreateFDiv(f(2), b.CreateFAdd(e, f(1)))), x);
    Value* s = b.CreateFMul(x, x);
    Value* r = polynomial(s, {1.57394409e-2, -5.23025580e-2, 1.33152470e-1, -3.33327681e-1});
    Value* small = fma(b.CreateFMul(r, s), x, x);
    return b.CreateSelect(b.CreateFCmpOGE(a, f(0.55)), large, small);
  }

  Value* erf(Value* x) {
    Value* a = abs(x);
    Value* t = b.CreateSelect(b.CreateFCmpOGT(a, f(4)), f(4), a);
    Value* s = b.CreateFMul(t, t);
    Value* r = fma(f(-1.72853470e-5), t, f(3.83197126e-4));
    Value* u = fma(f(-3.88396438e-3), t, f(2.42546219e-2));
    r = fma(r, s, u);
    r = fma(r, t, f(-1.06777877e-1));
    r = fma(r, t, f(-6.34846687e-1));
    r = fma(r, t, f(-1.28717512e-1));
    r = fma(r, t, b.CreateFNeg(t));
    Value* large = copysign(b.CreateFSub(f(1), small_exp(r)), x);
    Value* p = polynomial(b.CreateFMul(x, x),
                          {-5.96761703e-4, 4.99119423e-3, -2.67681349e-2, 1.12819925e-1, -3.76125336e-1, 1.28379166e-1});
    return b.CreateSelect(b.CreateFCmpOGT(a, f(0.927734375)), large, fma(p, x, x));
  }

  // Reduced in double by multiples of pi/2 (in two parts), then polynomials on [-pi/4, pi/4].
  Value* sine(Value* x, int quarter) {
    llvm::Type* wide = type->getWithNewType(b.getDoubleTy());
    auto d = [&](double v) { return llvm::ConstantFP::get(wide, v); };
    auto wide_fma = [&](Value* p, Value* q, Value* r) -> Value* {
      if (!fused) return b.CreateFAdd(b.CreateFMul(p, q), r);
      return b.CreateIntrinsic(llvm::Intrinsic::fma, {wide}, {p, q, r});
    };
    const double magic = 6755399441055744.0;
    Value* y = b.CreateFPExt(x, wide);
    Value* n = b.CreateFAdd(b.CreateFMul(y, d(0.63661977236758134308)), d(magic));
    Value* k = b.CreateTrunc(b.CreateBitCast(n, type->getWithNewType(b.getInt64Ty())), bits);
    n = b.CreateFSub(n, d(magic));
    Value* r = wide_fma(n, d(-1.57079632673412561417e+00), y);
    r = wide_fma(n, d(-6.07710050650619224932e-11), r);
    Value* t = b.CreateFPTrunc(r, type);
    Value* s = b.CreateFMul(t, t);
    Value* sin_p = polynomial(s, {2.86567956e-6, -1.98559923e-4, 8.33338592e-3, -1.66666672e-1});
    Value* sin_r = fma(b.CreateFMul(sin_p, s), t, t);
    Value* cos_r = polynomial(s, {2.44677067e-5, -1.38877297e-3, 4.16666567e-2, -0.5, 1});
    k = b.CreateAdd(k, i(quarter));
    Value* odd = b.CreateICmpNE(b.CreateAnd(k, i(1)), i(0));
    Value* v = b.CreateSelect(odd, cos_r, sin_r);
    Value* negative = b.CreateICmpNE(b.CreateAnd(k, i(2)), i(0));
    v = b.CreateSelect(negative, b.CreateFNeg(v), v);
    Value* finite = b.CreateFCmpOLT(abs(x), f(std::numeric_limits<double>::infinity()));
    return b.CreateSelect(finite, v, f(std::nan("")));
  }

  // exp(a)/2 without early overflow.
  Value* half_exp(Value* a) {
    Value* e = exp(b.CreateFMul(a, f(0.5)));
    return b.CreateFMul(b.CreateFMul(e, f(0.5)), e);
  }
  Value* cosh(Value* x) {
    Value* e = half_exp(abs(x));
    return b.CreateFAdd(e, b.CreateFDiv(f(0.25), e));
  }
  Value* sinh(Value* x) {
    Value* a = abs(x);
    Value* e = half_exp(a);
    Value* large = copysign(b.CreateFSub(e, b.CreateFDiv(f(0.25), e)), x);
    Value* s = b.CreateFMul(x, x);
    Value* p = polynomial(s, {2.7557319e-6, 1.9841270e-4, 8.3333333e-3, 1.6666667e-1});
    return b.CreateSelect(b.CreateFCmpOGE(a, f(1)), large, fma(b.CreateFMul(p, s), x, x));
  }
};

struct Row {
  Fn fn;
  Value* (*emit)(Math&, Value*);
};
constexpr Row kRows[] = {
    {Fn::exp, [](Math& m, Value* x) { return m.exp(x); }},
    {Fn::log, [](Math& m, Value* x) { return m.log(x); }},
    {Fn::tanh, [](Math& m, Value* x) { return m.tanh(x); }},
    {Fn::erf, [](Math& m, Value* x) { return m.erf(x); }},
    {Fn::sin, [](Math& m, Value* x) { return m.sine(x, 0); }},
    {Fn::cos, [](Math& m, Value* x) { return m.sine(x, 1); }},
    {Fn::tan, [](Math& m, Value* x) { return m.b.CreateFDiv(m.sine(x, 0), m.sine(x, 1)); }},
    {Fn::sinh, [](Math& m, Value* x) { return m.sinh(x); }},
    {Fn::cosh, [](Math& m, Value* x) { return m.cosh(x); }},
};
}  // namespace

bool has_math(Fn fn) {
  for (const Row& row : kRows)
    if (row.fn == fn) return true;
  return false;
}
Value* emit_math(llvm::IRBuilder<>& b, Fn fn, Value* x, bool fma) {
  Math math(b, x, fma);
  for (const Row& row : kRows)
    if (row.fn == fn) return row.emit(math, x);
  NASC_CHECK(false) << "no emitted form of " << info(fn).name;
  return nullptr;
}

Value* half_to_float(llvm::IRBuilder<>& b, Value* half) {
  Math m(b, b.CreateUIToFP(half, half->getType()->getWithNewType(b.getFloatTy())), false);
  Value* h = b.CreateZExt(half, m.bits);
  Value* magnitude = b.CreateShl(b.CreateAnd(h, m.i(0x7fff)), m.i(13));
  Value* sign = b.CreateShl(b.CreateAnd(h, m.i(0x8000)), m.i(16));
  Value* normal = b.CreateAdd(magnitude, m.i((127 - 15) << 23));
  Value* special = b.CreateAdd(normal, m.i((128 - 16) << 23));
  Value* subnormal = m.as_bits(b.CreateFSub(m.as_float(b.CreateAdd(normal, m.i(1 << 23))), m.f(6.103515625e-05)));
  Value* exponent = b.CreateAnd(magnitude, m.i(0x7c00 << 13));
  Value* r = b.CreateSelect(b.CreateICmpEQ(exponent, m.i(0x7c00 << 13)), special, normal);
  r = b.CreateSelect(b.CreateICmpEQ(exponent, m.i(0)), subnormal, r);
  return m.as_float(b.CreateOr(r, sign));
}
Value* float_to_half(llvm::IRBuilder<>& b, Value* x) {
  Math m(b, x, false);
  Value* bits = m.as_bits(x);
  Value* sign = b.CreateLShr(b.CreateAnd(bits, m.i(0x80000000)), m.i(16));
  Value* a = b.CreateAnd(bits, m.i(0x7fffffff));
  Value* nan = b.CreateICmpUGT(a, m.i(0x7f800000));
  Value* infinite = b.CreateSelect(nan, m.i(0x7e00), m.i(0x7c00));
  // Subnormal: adding 0.5 aligns and rounds the mantissa; normal: rebias, round to nearest even.
  Value* subnormal = b.CreateSub(m.as_bits(b.CreateFAdd(m.as_float(a), m.f(0.5))), m.i(0x3f000000));
  Value* odd = b.CreateAnd(b.CreateLShr(a, m.i(13)), m.i(1));
  Value* normal = b.CreateLShr(b.CreateAdd(b.CreateAdd(a, m.i(-(112 << 23) + 0xfff)), odd), m.i(13));
  Value* r = b.CreateSelect(b.CreateICmpULT(a, m.i(113 << 23)), subnormal, normal);
  r = b.CreateSelect(b.CreateICmpUGE(a, m.i(0x47800000)), infinite, r);
  return b.CreateTrunc(b.CreateOr(r, sign), x->getType()->getWithNewType(b.getInt16Ty()));
}

// Square and multiply, all bits of the exponent; negative exponents of 1 and -1 are exact, of others 0.
Value* Emitter::integer_power(bool is_signed, Value* base, Value* exponent) {
  llvm::Type* t = base->getType();
  auto n = [&](int64_t v) { return llvm::ConstantInt::get(t, static_cast<uint64_t>(v), true); };
  Value *result = n(1), *square = base;
  for (unsigned k = 0; k < t->getIntegerBitWidth(); ++k) {
    Value* bit = b_.CreateICmpNE(b_.CreateAnd(exponent, b_.CreateShl(n(1), n(k))), n(0));
    result = b_.CreateSelect(bit, b_.CreateMul(result, square), result);
    square = b_.CreateMul(square, square);
  }
  if (!is_signed) return result;
  Value* odd = b_.CreateICmpNE(b_.CreateAnd(exponent, n(1)), n(0));
  Value* inverse = b_.CreateSelect(b_.CreateICmpEQ(base, n(1)), n(1),
                                   b_.CreateSelect(b_.CreateICmpEQ(base, n(-1)), b_.CreateSelect(odd, n(-1), n(1)), n(0)));
  return b_.CreateSelect(b_.CreateICmpSLT(exponent, n(0)), inverse, result);
}

}  // namespace nasc
