// Grouped loops of contractions: x[floor(m / q)...] becomes linear when m is written as q * group + member.
#include <algorithm>

#include "ir/execute_parts.h"

namespace nasc {
namespace {
// floor(m / q) of one iterator m and nothing else: its iterator and q.
bool is_group_of(const IndexFn& f, int& dim, int64_t& size) {
  if (!f.floors.empty() || f.constant != 0 || f.denominator < 2) return false;
  dim = -1;
  for (size_t d = 0; d < f.coefficients.size(); ++d) {
    if (f.coefficients[d] == 0) continue;
    if (f.coefficients[d] != 1 || dim >= 0) return false;
    dim = static_cast<int>(d);
  }
  size = f.denominator;
  return dim >= 0;
}
bool regroup(IndexFn& f, int dim, int64_t size) {
  int64_t group = f.coefficients[dim] * size;
  for (const auto& [c, inner] : f.floors) group += c;
  f.floors.clear();
  f.coefficients.push_back(group);
  auto divides = [&](int64_t c) { return c % f.denominator == 0; };
  if (!divides(f.constant) || !std::all_of(f.coefficients.begin(), f.coefficients.end(), divides)) return false;
  for (int64_t& c : f.coefficients) c /= f.denominator;
  f.constant /= f.denominator;
  f.denominator = 1;
  return true;
}
}  // namespace

bool split_groups(std::vector<std::pair<int64_t, int64_t>>& bounds, const std::vector<std::vector<IndexFn>*>& accesses) {
  int dim = -1;
  int64_t size = 0;
  for (const auto* access : accesses)
    for (const IndexFn& f : *access) {
      if (f.denominator != 1 && f.floors.empty()) return false;
      for (const auto& [c, inner] : f.floors) {
        int d;
        int64_t q;
        if (!is_group_of(inner, d, q) || (dim >= 0 && (d != dim || q != size))) return false;
        dim = d;
        size = q;
      }
    }
  if (dim < 0) return true;
  auto [lo, hi] = bounds[dim];
  if (lo != 0 || (hi + 1) % size != 0) return false;
  for (auto* access : accesses)
    for (IndexFn& f : *access)
      if (!regroup(f, dim, size)) return false;
  bounds[dim] = {0, size - 1};
  bounds.emplace_back(0, (hi + 1) / size - 1);
  return true;
}

}  // namespace nasc
