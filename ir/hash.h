// Hashes that are the same on every machine and in every run: they name files, journals and kernels.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace nasc {

// FNV-1a from `seed` on. Not for what an adversary chooses.
uint64_t hash_bytes(const void* data, size_t size, uint64_t seed = 1469598103934665603ull);
inline uint64_t hash_text(std::string_view text, uint64_t seed = 1469598103934665603ull) {
  return hash_bytes(text.data(), text.size(), seed);
}

} // namespace nasc
