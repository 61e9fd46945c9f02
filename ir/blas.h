// OpenBLAS, loaded on first use. Private to ir.
#pragma once

#include <cstdint>
#include <string>

namespace nasc {

struct Blas {
  using Single = void (*)(int, int, int, int, int, int, float, const float*, int, const float*, int, float, float*, int);
  using Double = void (*)(int, int, int, int, int, int, double, const double*, int, const double*, int, double, double*, int);
  Single sgemm = nullptr;
  Double dgemm = nullptr;
  std::string description;  // version, core type, threads
};
// OPENBLAS_CORETYPE is set from the features of the CPU when it is unset: 0.3.21 does not know new CPUs.
// One thread: callers run side by side.
const Blas& blas();
constexpr int kBlasRowMajor = 101, kBlasPlain = 111, kBlasTransposed = 112;

}  // namespace nasc
