// Loading OpenBLAS.
#include "ir/blas.h"

#include <dlfcn.h>

#include <cstdlib>

#include "ir/prepared_parts.h"

namespace nasc {
namespace {
const char* core_type() {
#if defined(__x86_64__)
  __builtin_cpu_init();
  bool wide = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
              __builtin_cpu_supports("avx512vl");
  bool fma = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  if (wide) return "SKYLAKEX";
  if (fma) return __builtin_cpu_is("amd") ? "ZEN" : "HASWELL";
#endif
  return nullptr;
}
}  // namespace

const Blas& blas() {
  static const Blas loaded = [] {
    if (const char* type = core_type()) setenv("OPENBLAS_CORETYPE", type, 0);
    Blas b;
    void* library = dlopen("libopenblas.so.0", RTLD_NOW | RTLD_LOCAL);
    if (!library) return b;
    b.sgemm = reinterpret_cast<Blas::Single>(dlsym(library, "cblas_sgemm"));
    b.dgemm = reinterpret_cast<Blas::Double>(dlsym(library, "cblas_dgemm"));
    if (auto config = reinterpret_cast<char* (*)()>(dlsym(library, "openblas_get_config"))) b.description = config();
    if (auto core = reinterpret_cast<char* (*)()>(dlsym(library, "openblas_get_corename"))) b.description += std::string(" core ") + core();
    if (auto threads = reinterpret_cast<void (*)(int)>(dlsym(library, "openblas_set_num_threads"))) threads(1);
    return b;
  }();
  return loaded;
}

void sgemm(bool ta, bool tb, int64_t m, int64_t n, int64_t k, const float* a, int64_t lda, const float* b, int64_t ldb, float beta,
           float* c, int64_t ldc) {
  if (auto f = blas().sgemm) {
    f(kBlasRowMajor, ta ? kBlasTransposed : kBlasPlain, tb ? kBlasTransposed : kBlasPlain, static_cast<int>(m), static_cast<int>(n),
      static_cast<int>(k), 1, a, static_cast<int>(lda), b, static_cast<int>(ldb), beta, c, static_cast<int>(ldc));
    return;
  }
  for (int64_t i = 0; i < m; ++i)
    for (int64_t j = 0; j < n; ++j) {
      float sum = beta == 0 ? 0 : beta * c[i * ldc + j];
      for (int64_t l = 0; l < k; ++l) sum += (ta ? a[l * lda + i] : a[i * lda + l]) * (tb ? b[j * ldb + l] : b[l * ldb + j]);
      c[i * ldc + j] = sum;
    }
}

}  // namespace nasc
