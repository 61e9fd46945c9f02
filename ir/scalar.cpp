// The table of scalar functions.
#include "ir/scalar.h"

#include <cmath>
#include <cstring>
#include <limits>

#include "ir/diag.h"
#include "ir/host_tensor.h"

namespace nasc {
namespace {
template <class T>
int64_t load_as(const std::byte* at) {
  T v;
  std::memcpy(&v, at, sizeof v);
  return static_cast<int64_t>(v);
}
bool is_unsigned(DType t) { return !is_float(t) && !info(t).is_signed; }
}  // namespace

Scalar load(DType type, const std::byte* at) {
  switch (type) {
    case DType::f32: {
      float v;
      std::memcpy(&v, at, 4);
      return {.f = v};
    }
    case DType::f64: {
      double v;
      std::memcpy(&v, at, 8);
      return {.f = v};
    }
    case DType::f16: return {.f = half_value(static_cast<uint16_t>(load_as<uint16_t>(at)))};
    case DType::i8: return {.i = load_as<int8_t>(at)};
    case DType::u8: return {.i = load_as<uint8_t>(at)};
    case DType::i16: return {.i = load_as<int16_t>(at)};
    case DType::u16: return {.i = load_as<uint16_t>(at)};
    case DType::i32: return {.i = load_as<int32_t>(at)};
    case DType::u32: return {.i = load_as<uint32_t>(at)};
    case DType::boolean: return {.i = load_as<uint8_t>(at) != 0};
    default: return {.i = load_as<int64_t>(at)};
  }
}

void store(DType type, std::byte* at, Scalar v) {
  if (type == DType::f32) {
    auto f = static_cast<float>(v.f);
    std::memcpy(at, &f, 4);
  } else if (type == DType::f64) {
    std::memcpy(at, &v.f, 8);
  } else if (type == DType::f16) {
    uint16_t h = half_bits(v.f);
    std::memcpy(at, &h, 2);
  } else {
    std::memcpy(at, &v.i, bytes(type));  // little endian host: the low bytes come first
  }
}

double rounded(DType type, double value) {
  if (type == DType::f32) return static_cast<float>(value);
  return type == DType::f64 ? value : half_value(half_bits(value));
}

int64_t wrapped(DType type, int64_t v) {
  if (type == DType::boolean) return v != 0;
  int shift = 64 - 8 * bytes(type);
  auto up = static_cast<uint64_t>(v) << shift;
  return info(type).is_signed ? static_cast<int64_t>(up) >> shift : static_cast<int64_t>(up >> shift);
}

Scalar convert(DType from, DType to, Scalar v) {
  if (from == to) return v;
  if (is_float(from)) {
    if (is_float(to)) return {.f = rounded(to, v.f)};
    if (to == DType::boolean) return {.i = v.f != 0};
    if (std::isnan(v.f)) return {.i = 0};
    int bits = 8 * bytes(to) - (info(to).is_signed ? 1 : 0);
    double x = std::trunc(v.f), limit = std::ldexp(1.0, bits);
    if (x >= limit) return {.i = wrapped(to, info(to).is_signed ? std::numeric_limits<int64_t>::max() >> (63 - bits) : -1)};
    if (is_unsigned(to)) return {.i = x <= 0 ? 0 : static_cast<int64_t>(static_cast<uint64_t>(x))};
    return {.i = x < -limit ? std::numeric_limits<int64_t>::min() >> (63 - bits) : static_cast<int64_t>(x)};
  }
  if (!is_float(to)) return {.i = wrapped(to, v.i)};
  bool big = from == DType::u64;
  auto u = static_cast<uint64_t>(v.i);
  if (to == DType::f32) return {.f = big ? static_cast<float>(u) : static_cast<float>(v.i)};
  return {.f = rounded(to, big ? static_cast<double>(u) : static_cast<double>(v.i))};
}

namespace {
using S = const Scalar*;
Scalar flag(bool b) { return {.i = b}; }
Scalar unsupported(DType t, S) { throw UserError(code::unsupported_type, "", text("scalar function on ", name(t))); }

uint64_t u(Scalar v) { return static_cast<uint64_t>(v.i); }
[[noreturn]] void by_zero() { throw UserError(code::bad_tensor, "", "integer division by zero"); }
bool less(DType t, Scalar a, Scalar b) { return is_unsigned(t) ? u(a) < u(b) : a.i < b.i; }

template <double (*F)(double)>
Scalar float1(DType t, S a) { return {.f = rounded(t, F(a[0].f))}; }
template <double (*F)(double, double)>
Scalar float2(DType t, S a) { return {.f = rounded(t, F(a[0].f, a[1].f))}; }

double sign_of(double x) { return std::isnan(x) ? x : (x > 0) - (x < 0); }
double min_of(double a, double b) { return std::isnan(a) ? a : std::isnan(b) ? b : b < a ? b : a; }
double max_of(double a, double b) { return std::isnan(a) ? a : std::isnan(b) ? b : b > a ? b : a; }
double floor_mod(double a, double b) {
  double r = std::fmod(a, b);
  return r != 0 && (r < 0) != (b < 0) ? r + b : r;
}

Scalar int_add(DType t, S a) { return {.i = wrapped(t, static_cast<int64_t>(u(a[0]) + u(a[1])))}; }
Scalar int_sub(DType t, S a) { return {.i = wrapped(t, static_cast<int64_t>(u(a[0]) - u(a[1])))}; }
Scalar int_mul(DType t, S a) { return {.i = wrapped(t, static_cast<int64_t>(u(a[0]) * u(a[1])))}; }
Scalar int_neg(DType t, S a) { return {.i = wrapped(t, static_cast<int64_t>(0 - u(a[0])))}; }
Scalar int_div(DType t, S a) {
  if (a[1].i == 0) by_zero();
  if (is_unsigned(t)) return {.i = static_cast<int64_t>(u(a[0]) / u(a[1]))};
  if (a[1].i == -1) return int_neg(t, a);
  return {.i = a[0].i / a[1].i};
}
Scalar int_fmod(DType t, S a) {
  if (a[1].i == 0) by_zero();
  if (is_unsigned(t)) return {.i = static_cast<int64_t>(u(a[0]) % u(a[1]))};
  return {.i = a[1].i == -1 ? 0 : a[0].i % a[1].i};
}
Scalar int_mod(DType t, S a) {
  Scalar r = int_fmod(t, a);
  if (!is_unsigned(t) && r.i != 0 && (r.i < 0) != (a[1].i < 0)) r.i += a[1].i;
  return r;
}
Scalar int_pow(DType t, S a) {
  uint64_t base = u(a[0]), result = 1;
  if (!is_unsigned(t) && a[1].i < 0) {
    if (a[0].i == 1) return {.i = 1};
    if (a[0].i == -1) return {.i = a[1].i & 1 ? -1 : 1};
    if (a[0].i == 0) by_zero();
    return {.i = 0};
  }
  for (uint64_t e = u(a[1]); e; e >>= 1, base *= base)
    if (e & 1) result *= base;
  return {.i = wrapped(t, static_cast<int64_t>(result))};
}
Scalar int_shl(DType t, S a) {
  return {.i = u(a[1]) >= 64 ? 0 : wrapped(t, static_cast<int64_t>(u(a[0]) << u(a[1])))};
}
Scalar int_shr(DType t, S a) {
  uint64_t by = u(a[1]) >= 64 ? 63 : u(a[1]);
  if (is_unsigned(t)) return {.i = u(a[1]) >= 64 ? 0 : static_cast<int64_t>(u(a[0]) >> by)};
  return {.i = a[0].i >> by};
}
Scalar same_int(DType, S a) { return a[0]; }

struct Row {
  Fn fn;
  ScalarFn on_float, on_int;
};
constexpr Row kRows[] = {
    {Fn::neg, [](DType, S a) { return Scalar{.f = -a[0].f}; }, int_neg},
    {Fn::abs, [](DType, S a) { return Scalar{.f = std::fabs(a[0].f)}; },
     [](DType t, S a) { return !is_unsigned(t) && a[0].i < 0 ? int_neg(t, a) : a[0]; }},
    {Fn::sign, float1<sign_of>,
     [](DType t, S a) { return Scalar{.i = a[0].i == 0 ? 0 : !is_unsigned(t) && a[0].i < 0 ? -1 : 1}; }},
    {Fn::exp, float1<std::exp>, unsupported},
    {Fn::log, float1<std::log>, unsupported},
    {Fn::sqrt, float1<std::sqrt>, unsupported},
    {Fn::sin, float1<std::sin>, unsupported},
    {Fn::cos, float1<std::cos>, unsupported},
    {Fn::tan, float1<std::tan>, unsupported},
    {Fn::asin, float1<std::asin>, unsupported},
    {Fn::acos, float1<std::acos>, unsupported},
    {Fn::atan, float1<std::atan>, unsupported},
    {Fn::sinh, float1<std::sinh>, unsupported},
    {Fn::cosh, float1<std::cosh>, unsupported},
    {Fn::tanh, float1<std::tanh>, unsupported},
    {Fn::asinh, float1<std::asinh>, unsupported},
    {Fn::acosh, float1<std::acosh>, unsupported},
    {Fn::atanh, float1<std::atanh>, unsupported},
    {Fn::erf, float1<std::erf>, unsupported},
    {Fn::ceil, float1<std::ceil>, same_int},
    {Fn::floor, float1<std::floor>, same_int},
    {Fn::round, float1<std::nearbyint>, same_int},
    {Fn::isnan, [](DType, S a) { return flag(std::isnan(a[0].f)); }, [](DType, S) { return flag(false); }},
    {Fn::isinf, [](DType, S a) { return flag(std::isinf(a[0].f)); }, [](DType, S) { return flag(false); }},
    {Fn::not_, unsupported,
     [](DType t, S a) { return t == DType::boolean ? flag(!a[0].i) : Scalar{.i = wrapped(t, ~a[0].i)}; }},
    {Fn::add, [](DType t, S a) { return Scalar{.f = rounded(t, a[0].f + a[1].f)}; }, int_add},
    {Fn::sub, [](DType t, S a) { return Scalar{.f = rounded(t, a[0].f - a[1].f)}; }, int_sub},
    {Fn::mul, [](DType t, S a) { return Scalar{.f = rounded(t, a[0].f * a[1].f)}; }, int_mul},
    {Fn::div, [](DType t, S a) { return Scalar{.f = rounded(t, a[0].f / a[1].f)}; }, int_div},
    {Fn::min, float2<min_of>, [](DType t, S a) { return less(t, a[1], a[0]) ? a[1] : a[0]; }},
    {Fn::max, float2<max_of>, [](DType t, S a) { return less(t, a[0], a[1]) ? a[1] : a[0]; }},
    {Fn::pow, float2<std::pow>, int_pow},
    {Fn::mod, float2<floor_mod>, int_mod},
    {Fn::fmod, float2<std::fmod>, int_fmod},
    {Fn::eq, [](DType, S a) { return flag(a[0].f == a[1].f); }, [](DType, S a) { return flag(a[0].i == a[1].i); }},
    {Fn::ne, [](DType, S a) { return flag(a[0].f != a[1].f); }, [](DType, S a) { return flag(a[0].i != a[1].i); }},
    {Fn::lt, [](DType, S a) { return flag(a[0].f < a[1].f); }, [](DType t, S a) { return flag(less(t, a[0], a[1])); }},
    {Fn::le, [](DType, S a) { return flag(a[0].f <= a[1].f); }, [](DType t, S a) { return flag(!less(t, a[1], a[0])); }},
    {Fn::gt, [](DType, S a) { return flag(a[0].f > a[1].f); }, [](DType t, S a) { return flag(less(t, a[1], a[0])); }},
    {Fn::ge, [](DType, S a) { return flag(a[0].f >= a[1].f); }, [](DType t, S a) { return flag(!less(t, a[0], a[1])); }},
    {Fn::and_, unsupported, [](DType, S a) { return Scalar{.i = a[0].i & a[1].i}; }},
    {Fn::or_, unsupported, [](DType, S a) { return Scalar{.i = a[0].i | a[1].i}; }},
    {Fn::xor_, unsupported, [](DType, S a) { return Scalar{.i = a[0].i ^ a[1].i}; }},
    {Fn::shl, unsupported, int_shl},
    {Fn::shr, unsupported, int_shr},
    {Fn::select, [](DType, S a) { return a[0].i ? a[1] : a[2]; }, [](DType, S a) { return a[0].i ? a[1] : a[2]; }},
};
}  // namespace

ScalarFn scalar_fn(Fn fn, DType operands) {
  for (const Row& row : kRows)
    if (row.fn == fn) return is_float(operands) ? row.on_float : row.on_int;
  NASC_CHECK(false) << "no scalar function " << info(fn).name;
  return nullptr;
}

}  // namespace nasc
