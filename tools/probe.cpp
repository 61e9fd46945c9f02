// Short loops of multiply-adds and reads.
#include "tools/probe.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <vector>

namespace nasc {
namespace {
using Clock = std::chrono::steady_clock;

constexpr int kChains = 12; // independent sums: more than the latency of a multiply-add needs
template <class V> float chains(int64_t steps) {
  V sums[kChains], x = V{} + 1.0001f, y = V{} + 0.5f;
  for (int c = 0; c < kChains; ++c)
    sums[c] = V{} + static_cast<float>(c); // equal chains would be computed once
  for (int64_t k = 0; k < steps; ++k)
    for (auto& s : sums)
      s = s * x + y;
  V all = {};
  for (auto& s : sums)
    all += s;
  return all[0];
}
#if defined(__x86_64__)
// Inlined into a function of the instruction set that has such vectors.
template <class V> [[gnu::always_inline]] inline float unrolled_chains(int64_t steps) {
  V s[kChains], x = V{} + 1.0001f, y = V{} + 0.5f;
  for (int c = 0; c < kChains; ++c)
    s[c] = V{} + static_cast<float>(c);
  for (int64_t k = 0; k < steps; ++k)
    for (int c = 0; c < kChains; ++c)
      s[c] = s[c] * x + y;
  V all = {};
  for (int c = 0; c < kChains; ++c)
    all += s[c];
  return all[0];
}
typedef float Avx __attribute__((vector_size(32)));
typedef float Avx512 __attribute__((vector_size(64)));
__attribute__((target("avx2,fma"), optimize("O3"))) float avx_chains(int64_t steps) {
  return unrolled_chains<Avx>(steps);
}
__attribute__((target("avx512f"), optimize("O3"))) float avx512_chains(int64_t steps) {
  return unrolled_chains<Avx512>(steps);
}

// A register tile of 6 rows and 2 or 4 vectors that reads a matrix and rows of 64 values as products do, in assembly: what
// compilers make of it varies. %0 walks the matrix, %1 the rows.
constexpr int64_t kSteps = 64;
struct Operands {
  alignas(64) float matrix[kSteps * 64] = {}, rows[6][kSteps] = {};
};
#define NASC_FMA(v, w, x, sum) "vfmadd231ps %%" v w ", %%" v x ", %%" v sum "\n\t"
#define NASC_ROW(v, at, x, a, b)                                                                   \
  "vbroadcastss " at "(%1), %%" v x "\n\t" NASC_FMA(v, "0", x, a) NASC_FMA(v, "1", x, b)
#define NASC_WIDE(at, x, a, b, c, d)                                                               \
  NASC_ROW("zmm", at, x, a, b) NASC_FMA("zmm", "2", x, c) NASC_FMA("zmm", "3", x, d)
#define NASC_ZMM(k)                                                                                \
  "vmovups " k "*256(%0), %%zmm0\n\tvmovups " k "*256+64(%0), %%zmm1\n\t"                          \
  "vmovups " k "*256+128(%0), %%zmm2\n\tvmovups " k "*256+192(%0), %%zmm3\n\t"                     \
  NASC_WIDE(k "*4", "4", "8", "9", "10", "11") NASC_WIDE(k "*4+256", "5", "12", "13", "14", "15")   \
  NASC_WIDE(k "*4+512", "6", "16", "17", "18", "19")                                               \
  NASC_WIDE(k "*4+768", "7", "20", "21", "22", "23")                                               \
  NASC_WIDE(k "*4+1024", "4", "24", "25", "26", "27")                                              \
  NASC_WIDE(k "*4+1280", "5", "28", "29", "30", "31")
#define NASC_YMM(k)                                                                                \
  "vmovups " k "*64(%0), %%ymm0\n\tvmovups " k "*64+32(%0), %%ymm1\n\t"                            \
  NASC_ROW("ymm", k "*4", "2", "4", "5") NASC_ROW("ymm", k "*4+256", "3", "6", "7")                 \
  NASC_ROW("ymm", k "*4+512", "2", "8", "9") NASC_ROW("ymm", k "*4+768", "3", "10", "11")           \
  NASC_ROW("ymm", k "*4+1024", "2", "12", "13") NASC_ROW("ymm", k "*4+1280", "3", "14", "15")
#define NASC_LOOP(step, bytes)                                                                     \
  "1:\n\t" step("0") step("1") step("2") step("3") "add $" bytes ", %0\n\tadd $16, %1\n\t"         \
                                                     "dec %2\n\tjne 1b\n\t"
#define NASC_LOW "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15"
#define NASC_HIGH "xmm16", "xmm17", "xmm18", "xmm19", "xmm20", "xmm21", "xmm22", "xmm23", "xmm24", "xmm25", "xmm26", "xmm27", "xmm28", "xmm29", "xmm30", "xmm31"

__attribute__((target("avx512f"))) float reading_zmm(int64_t passes) {
  static const Operands operands;
  for (int64_t n = 0; n < passes; ++n) {
    const float *matrix = operands.matrix, *rows = operands.rows[0];
    int64_t loops = kSteps / 4;
    __asm__ volatile(NASC_LOOP(NASC_ZMM, "1024") : "+r"(matrix), "+r"(rows), "+r"(loops) : : "memory", "cc", NASC_LOW, NASC_HIGH);
  }
  return 0;
}
__attribute__((target("avx2,fma"))) float reading_ymm(int64_t passes) {
  static const Operands operands;
  for (int64_t n = 0; n < passes; ++n) {
    const float *matrix = operands.matrix, *rows = operands.rows[0];
    int64_t loops = kSteps / 4;
    __asm__ volatile(NASC_LOOP(NASC_YMM, "256") : "+r"(matrix), "+r"(rows), "+r"(loops) : : "memory", "cc", NASC_LOW);
  }
  return 0;
}
#undef NASC_FMA
#undef NASC_ROW
#undef NASC_WIDE
#undef NASC_ZMM
#undef NASC_YMM
#undef NASC_LOOP
#undef NASC_LOW
#undef NASC_HIGH
#endif
typedef float Narrow __attribute__((vector_size(16)));

// Best of several short runs: floating-point operations and bytes per second of one thread.
double probe(double amount, const std::function<float()>& work) {
  static volatile float sink;
  double best = 1e9;
  for (int k = 0; k < 20; ++k) {
    auto start = Clock::now();
    sink = work();
    best = std::min(best, std::chrono::duration<double>(Clock::now() - start).count());
  }
  (void)sink;
  return amount / best;
}
} // namespace

double peak_flops() {
  constexpr int64_t kRounds = 200'000;
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f"))
    return probe(2.0 * 16 * kChains * kRounds, [] { return avx512_chains(kRounds); });
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
    return probe(2.0 * 8 * kChains * kRounds, [] { return avx_chains(kRounds); });
#endif
  return probe(2.0 * 4 * kChains * kRounds, [] { return chains<Narrow>(kRounds); });
}
double reading_flops() {
#if defined(__x86_64__)
  constexpr int64_t kPasses = 2'000;
  if (__builtin_cpu_supports("avx512f"))
    return probe(2.0 * 16 * 24 * kSteps * kPasses, [] { return reading_zmm(kPasses); });
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
    return probe(2.0 * 8 * 12 * kSteps * kPasses, [] { return reading_ymm(kPasses); });
#endif
  return 0;
}

double peak_bytes() {
  std::vector<float> memory(std::size_t{16} << 20, 1.0f);
  return probe(4.0 * static_cast<double>(memory.size()), [&] {
    Narrow sums[4] = {};
    for (std::size_t k = 0; k + 16 <= memory.size(); k += 16)
      for (std::size_t c = 0; c < 4; ++c) {
        Narrow v;
        __builtin_memcpy(&v, &memory[k + 4 * c], sizeof v);
        sums[c] += v;
      }
    return (sums[0] + sums[1] + sums[2] + sums[3])[0];
  });
}

} // namespace nasc
