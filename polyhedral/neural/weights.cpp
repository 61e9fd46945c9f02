// Slices by loops, and seeded normal numbers.
#include "polyhedral/neural/weights.h"

#include <cmath>
#include <cstring>
#include <numbers>

#include "ir/hash.h"
#include "ir/host_tensor.h"

namespace nasc {
namespace {
struct Place {
  int64_t from, to;
};

uint64_t mixed(uint64_t& state) {
  uint64_t z = (state += 0x9e3779b97f4a7c15ull);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
  return z ^ (z >> 31);
}
double uniform(uint64_t& state) { return (static_cast<double>(mixed(state) >> 11) + 0.5) * 0x1p-53; }
}  // namespace

Payload taken_weights(const Payload& source, const Shape& from, size_t size, const ConvPiece& piece) {
  if (!source) return {};
  std::array<int64_t, 4> old_strides{}, new_strides{};
  int64_t a = 1, b = 1;
  for (size_t d = 4; d-- > 0;) {
    old_strides[d] = a, new_strides[d] = b;
    a *= from[d].constant(), b *= piece.weights[d];
  }
  Place first{0, 0};
  for (size_t d = 0; d < 4; ++d) first.from += piece.taken_first[d] * old_strides[d];
  std::vector<Place> places = {first};
  places.reserve(static_cast<size_t>(b));
  for (size_t k = 0; k < piece.loops.size(); ++k) {
    Place step{0, 0};
    for (size_t d = 0; d < 4; ++d) {
      step.from += piece.taken[k][d] * old_strides[d];
      step.to += piece.loops[k].at[kRow + d] * new_strides[d];
    }
    if (!step.to || piece.loops[k].extent == 1) continue;
    size_t n = places.size();
    for (int64_t i = 1; i < piece.loops[k].extent; ++i)
      for (size_t p = 0; p < n; ++p) places.push_back({places[p].from + i * step.from, places[p].to + i * step.to});
  }
  NASC_CHECK(places.size() == static_cast<size_t>(b)) << places.size() << " weights of " << b;
  std::vector<std::byte> out(static_cast<size_t>(b) * size);
  for (const Place& p : places) {
    NASC_CHECK(p.from >= 0 && p.from < a && p.to >= 0 && p.to < b) << "weight " << p.from << " to " << p.to;
    std::memcpy(out.data() + static_cast<size_t>(p.to) * size, source.data + static_cast<size_t>(p.from) * size, size);
  }
  return payload_from(std::move(out));
}

Payload drawn_weights(DType dtype, const std::array<int64_t, 4>& shape, const std::string& seed) {
  uint64_t state = hash_text(seed, 0xcbf29ce484222325ull);
  HostTensor t = zeros(dtype, {shape.begin(), shape.end()});
  double deviation = std::sqrt(2.0 / static_cast<double>(shape[1] * shape[2] * shape[3]));
  for (int64_t k = 0; k < t.count(); ++k) {
    double r = std::sqrt(-2 * std::log(uniform(state)));
    set(t, k, deviation * r * std::cos(2 * std::numbers::pi * uniform(state)));
  }
  return payload_from(std::move(t.bytes));
}

}  // namespace nasc
