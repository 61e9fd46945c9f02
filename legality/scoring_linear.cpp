// Determinants and eigenvalues of matrices as large as a minibatch.
#include "legality/scoring_linear.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace nasc {

double log_abs_det(std::vector<double> a, size_t n) {
  double sum = 0;
  for (size_t k = 0; k < n; ++k) {
    size_t pivot = k;
    for (size_t i = k + 1; i < n; ++i)
      if (std::abs(a[i * n + k]) > std::abs(a[pivot * n + k])) pivot = i;
    double p = a[pivot * n + k];
    if (p == 0) return -std::numeric_limits<double>::infinity();
    sum += std::log(std::abs(p));
    if (pivot != k)
      for (size_t j = 0; j < n; ++j) std::swap(a[k * n + j], a[pivot * n + j]);
    for (size_t i = k + 1; i < n; ++i) {
      double f = a[i * n + k] / p;
      for (size_t j = k; j < n; ++j) a[i * n + j] -= f * a[k * n + j];
    }
  }
  return sum;
}

std::vector<double> symmetric_eigenvalues(std::vector<double> a, size_t n) {
  for (int sweep = 0; sweep < 60; ++sweep) {
    double off = 0;
    for (size_t i = 0; i < n; ++i)
      for (size_t j = i + 1; j < n; ++j) off += a[i * n + j] * a[i * n + j];
    if (off < 1e-22) break;
    for (size_t p = 0; p < n; ++p)
      for (size_t q = p + 1; q < n; ++q) {
        if (a[p * n + q] == 0) continue;
        double theta = (a[q * n + q] - a[p * n + p]) / (2 * a[p * n + q]);
        double t = (theta >= 0 ? 1 : -1) / (std::abs(theta) + std::sqrt(theta * theta + 1));
        double c = 1 / std::sqrt(t * t + 1), s = t * c;
        for (size_t k = 0; k < n; ++k) {
          double x = a[k * n + p], y = a[k * n + q];
          a[k * n + p] = c * x - s * y;
          a[k * n + q] = s * x + c * y;
        }
        for (size_t k = 0; k < n; ++k) {
          double x = a[p * n + k], y = a[q * n + k];
          a[p * n + k] = c * x - s * y;
          a[q * n + k] = s * x + c * y;
        }
      }
  }
  std::vector<double> out(n);
  for (size_t i = 0; i < n; ++i) out[i] = a[i * n + i];
  std::sort(out.begin(), out.end());
  return out;
}

double jacobian_score(const std::vector<double>& gradients, size_t n) {
  constexpr double kShift = 1e-5;
  size_t d = n ? gradients.size() / n : 0;
  std::vector<double> centred(gradients), norms(n, 0);
  for (size_t i = 0; i < n; ++i) {
    double mean = 0;
    for (size_t j = 0; j < d; ++j) mean += gradients[i * d + j] / static_cast<double>(d);
    for (size_t j = 0; j < d; ++j) {
      centred[i * d + j] -= mean;
      norms[i] += centred[i * d + j] * centred[i * d + j];
    }
  }
  std::vector<double> correlation(n * n);
  for (size_t i = 0; i < n; ++i)
    for (size_t k = 0; k < n; ++k) {
      double dot = 0;
      for (size_t j = 0; j < d; ++j) dot += centred[i * d + j] * centred[k * d + j];
      double scale = std::sqrt(norms[i] * norms[k]);
      correlation[i * n + k] = scale > 0 ? dot / scale : i == k;
    }
  double sum = 0;
  for (double v : symmetric_eigenvalues(correlation, n)) sum += std::log(v + kShift) + 1 / (v + kShift);
  return -sum;
}

}  // namespace nasc
