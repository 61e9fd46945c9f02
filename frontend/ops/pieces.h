// A copy whose source index along each dimension is a table, cut into affine pieces.
#pragma once

#include <string>

namespace nasc {
// Needs P: per dimension of X and Y a list of [lo, count, a, b, c], meaning Y[lo + j] = X[(a*j + b)/c] for j < count.
inline const std::string kCopyPieces = R"(
  for p in cross(P) {
    Y[[q[0] for q in p] + j] = X[([q[2] for q in p]*j + [q[3] for q in p])/[q[4] for q in p]] for j.. in [q[1] for q in p]
  }
)";
}  // namespace nasc
