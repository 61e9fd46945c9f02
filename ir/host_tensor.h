// HostTensor: a row-major tensor value in memory, for the interpreter, the executor and constant folding.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <map>
#include <new>
#include <string>
#include <vector>

#include "ir/diag.h"
#include "ir/tensor.h"

namespace nasc {

// Bytes on a cache line boundary, as good callers of compiled models have them.
template <class T>
struct LineAllocator {
  using value_type = T;
  static constexpr std::align_val_t kLine{64};
  LineAllocator() = default;
  template <class U>
  LineAllocator(const LineAllocator<U>&) {}  // NOLINT(google-explicit-constructor): allocators convert
  T* allocate(std::size_t n) { return static_cast<T*>(::operator new(n * sizeof(T), kLine)); }
  void deallocate(T* p, std::size_t) { ::operator delete(p, kLine); }
  bool operator==(const LineAllocator&) const { return true; }
};
using LineBytes = std::vector<std::byte, LineAllocator<std::byte>>;
Payload payload_from(LineBytes bytes);

// Bytes of the elements in row-major order of `shape`; bool is one byte 0 or 1, f16 its 16 bits.
struct HostTensor {
  DType dtype = DType::f32;
  std::vector<int64_t> shape;
  LineBytes bytes;

  int64_t count() const;
  template <class T>
  T* as() { return reinterpret_cast<T*>(bytes.data()); }
  template <class T>
  const T* as() const { return reinterpret_cast<const T*>(bytes.data()); }
};
using Bindings = std::map<std::string, HostTensor>;

// Number of elements; throws UserError limit when it overflows or an extent is negative.
int64_t element_count(const std::vector<int64_t>& shape);
// All elements zero.
HostTensor zeros(DType dtype, std::vector<int64_t> shape);
template <class T>
HostTensor host_tensor(DType dtype, std::vector<int64_t> shape, const std::vector<T>& values) {
  HostTensor out = zeros(dtype, std::move(shape));
  NASC_CHECK(out.bytes.size() == values.size() * sizeof(T)) << "values of a tensor";
  if (!values.empty()) std::memcpy(out.bytes.data(), values.data(), out.bytes.size());
  return out;
}
// Copy of a payload; throws UserError bad_tensor when its size is not that of the shape.
HostTensor host_tensor(DType dtype, std::vector<int64_t> shape, const Payload& payload);

// Element `i` of the flat order as a double (exact up to 2^53), and back (floats are rounded, integers saturate).
double get(const HostTensor& tensor, int64_t i);
void set(HostTensor& tensor, int64_t i, double value);
std::vector<double> to_doubles(const HostTensor& tensor);

// IEEE half precision; the encoder rounds to nearest even and keeps NaN and infinities.
double half_value(uint16_t bits);
uint16_t half_bits(double value);

}  // namespace nasc
