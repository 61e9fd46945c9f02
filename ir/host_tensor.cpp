// Tensor values in memory and half precision conversion.
#include "ir/host_tensor.h"

#include <bit>
#include <cmath>
#include <limits>
#include <memory>

#include "ir/scalar.h"

namespace nasc {

int64_t element_count(const std::vector<int64_t>& shape) {
  int64_t n = 1;
  for (int64_t e : shape)
    if (e < 0 || __builtin_mul_overflow(n, e, &n) || n > std::numeric_limits<int64_t>::max() / 16)
      throw UserError(code::limit, "", text("a tensor of extent ", e, " is too large"));
  return n;
}
Payload payload_from(LineBytes bytes) {
  auto owner = std::make_shared<const LineBytes>(std::move(bytes));
  return {owner, owner->data(), owner->size()};
}

int64_t HostTensor::count() const { return element_count(shape); }

HostTensor zeros(DType dtype, std::vector<int64_t> shape) {
  HostTensor out{dtype, std::move(shape), {}};
  out.bytes.resize(out.count() * bytes(dtype));
  return out;
}

HostTensor host_tensor(DType dtype, std::vector<int64_t> shape, const Payload& payload) {
  HostTensor out{dtype, std::move(shape), {}};
  if (payload.size != static_cast<size_t>(out.count() * bytes(dtype)))
    throw UserError(code::bad_tensor, "", text("payload of ", payload.size, " bytes for ", out.count(), " ", name(dtype)));
  out.bytes.assign(payload.data, payload.data + payload.size);
  return out;
}

double get(const HostTensor& t, int64_t i) {
  Scalar v = load(t.dtype, t.bytes.data() + i * bytes(t.dtype));
  if (is_float(t.dtype)) return v.f;
  return t.dtype == DType::u64 ? static_cast<double>(static_cast<uint64_t>(v.i)) : static_cast<double>(v.i);
}
void set(HostTensor& t, int64_t i, double value) {
  store(t.dtype, t.bytes.data() + i * bytes(t.dtype), convert(DType::f64, t.dtype, {.f = value}));
}
std::vector<double> to_doubles(const HostTensor& t) {
  std::vector<double> out(t.count());
  for (size_t i = 0; i < out.size(); ++i) out[i] = get(t, static_cast<int64_t>(i));
  return out;
}

double half_value(uint16_t bits) {
  int exponent = bits >> 10 & 31, fraction = bits & 1023;
  double v = exponent == 31  ? (fraction ? std::numeric_limits<double>::quiet_NaN() : HUGE_VAL)
             : exponent == 0 ? std::ldexp(fraction, -24)
                             : std::ldexp(1024 + fraction, exponent - 25);
  return bits & 0x8000 ? -v : v;
}

uint16_t half_bits(double value) {
  uint16_t sign = std::signbit(value) ? 0x8000 : 0;
  double a = std::fabs(value);
  if (std::isnan(value)) return sign | 0x7e00;
  if (a == 0) return sign;
  if (a >= 65520) return sign | 0x7c00;  // half way beyond the largest finite value rounds away
  int exponent;
  std::frexp(a, &exponent);  // a = m * 2^exponent, m in [0.5, 1)
  int unit = std::max(exponent - 11, -24);
  double scaled = std::ldexp(a, -unit), whole = std::floor(scaled), rest = scaled - whole;
  auto n = static_cast<uint32_t>(whole);
  if (rest > 0.5 || (rest == 0.5 && (n & 1))) ++n;
  // 1024 <= n <= 2048 unless subnormal: its top bit, and a carry of the rounding, move into the exponent
  return sign | static_cast<uint16_t>((static_cast<uint32_t>(unit + 24) << 10) + n);
}

}  // namespace nasc
