// The little linear algebra of scores. Private to legality.
#pragma once

#include <cstddef>
#include <vector>

namespace nasc {

// log |det a| of an n x n matrix, row-major; minus infinity when singular.
double log_abs_det(std::vector<double> a, size_t n);
// Eigenvalues of a symmetric matrix, ascending (Jacobi rotations).
std::vector<double> symmetric_eigenvalues(std::vector<double> a, size_t n);
// jacov of n gradients: minus the sum of log(v + k) + 1/(v + k), k = 1e-5, over the eigenvalues v of their correlations.
double jacobian_score(const std::vector<double>& gradients, size_t n);

}  // namespace nasc
