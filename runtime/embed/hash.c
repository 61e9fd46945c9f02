/* XXH64 (Yann Collet's 64-bit xxHash, seed 0): several GB/s, so side files can be checked. */
#include "internal.h"

static const uint64_t p1 = UINT64_C(0x9E3779B185EBCA87), p2 = UINT64_C(0xC2B2AE3D27D4EB4F),
                      p3 = UINT64_C(0x165667B19E3779F9), p4 = UINT64_C(0x85EBCA77C2B2AE63),
                      p5 = UINT64_C(0x27D4EB2F165667C5);

static uint64_t rotated(uint64_t x, int by) { return x << by | x >> (64 - by); }

static uint64_t mixed(uint64_t sum, uint64_t word) { return rotated(sum + word * p2, 31) * p1; }

static uint64_t word_at(const unsigned char* p) {
  uint64_t w;
  memcpy(&w, p, 8);
  return w;
}

uint64_t nasc_hash64(const void* data, size_t bytes) {
  const unsigned char* p = data;
  const unsigned char* end = p + bytes;
  uint64_t h = p5;
  if (bytes >= 32) {
    uint64_t lane[4] = {p1 + p2, p2, 0, 0 - p1};
    for (; end - p >= 32; p += 32)
      for (int i = 0; i < 4; ++i)
        lane[i] = mixed(lane[i], word_at(p + 8 * i));
    h = rotated(lane[0], 1) + rotated(lane[1], 7) + rotated(lane[2], 12) + rotated(lane[3], 18);
    for (int i = 0; i < 4; ++i)
      h = (h ^ mixed(0, lane[i])) * p1 + p4;
  }
  h += bytes;
  for (; end - p >= 8; p += 8)
    h = rotated(h ^ mixed(0, word_at(p)), 27) * p1 + p4;
  if (end - p >= 4) {
    uint32_t w;
    memcpy(&w, p, 4);
    h = rotated(h ^ w * p1, 23) * p2 + p3;
    p += 4;
  }
  for (; p < end; ++p)
    h = rotated(h ^ *p * p5, 11) * p1;
  h = (h ^ h >> 33) * p2;
  h = (h ^ h >> 29) * p3;
  return h ^ h >> 32;
}
