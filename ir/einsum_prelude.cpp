// Functions that every definition may use, in the notation itself.
#include "ir/einsum_ast.h"

namespace nasc::einsum {

const std::vector<Line>& prelude() {
  static const std::vector<Line> lines = parse(R"(
    # lists of axes
    def normal(axes, r) = [a < 0 ? a + r : a for a in axes]
    def distinct(l) = all([find(l, l[k]) == k for k in range(len(l))])
    def complement(axes, r) = [k for k in range(r) if not (k in axes)]
    def permutation(p, r) = len(p) == r and all([k in p for k in range(r)])
    def moved(pieces, by) = [[p[0] + by[0]] ++ p[1:] for p in pieces]
    # numbers
    def ceil_div(a, b) = (a + b - 1)/b
    def ceil_div_signed(a, b) = b > 0 ? ceil_div(a, b) : ceil_div(0 - a, 0 - b)
    def clamp(x, lo, hi) = min(max(x, lo), hi)
    # scalars
    def sigmoid(x) = 1/(1 + exp(-x))
    def softplus(x) = max(x, 0) + log(1 + exp(-abs(x)))
    def gelu(x) = 0.5*x*(1 + erf(x*0.70710678118654752440))
  )");
  return lines;
}

}  // namespace nasc::einsum
