// FNV-1a.
#include "ir/hash.h"

namespace nasc {

uint64_t hash_bytes(const void* data, size_t size, uint64_t seed) {
  const auto* bytes = static_cast<const unsigned char*>(data);
  for (size_t i = 0; i < size; ++i)
    seed = (seed ^ bytes[i]) * 1099511628211ull;
  return seed;
}

} // namespace nasc
