// Questions about sets that their stored constraints answer, without integer programming.
#pragma once

#include "ir/isl.h"

namespace nasc {

// The intervals of all dimensions when the constraints that `set` is stored with say plainly that it is their product, and
// not empty; nullopt says nothing. No arithmetic: far cheaper than constant_range, which asks it first.
std::optional<std::vector<std::pair<int64_t, int64_t>>> plain_box(const isl::set& set);
// Intervals that the stored constraints put each dimension in, one constraint at a time; nullopt where they leave a side
// open. Constraints on several dimensions may cut the product of the intervals further.
std::vector<std::optional<std::pair<int64_t, int64_t>>> plain_ranges(const isl::set& set);
// sum of coefficient * dimension + constant >= 0
struct Inequality {
  std::vector<int64_t> coefficients;
  int64_t constant;
};
// All constraints that `set` is stored with, an equality as two; nullopt with parameters, divisions, or several parts.
std::optional<std::vector<Inequality>> plain_inequalities(const isl::set& set);
// { tuple[names..] : low <= name <= high .. }, as isl reads it from text, in a tenth of the time. No interval is empty.
isl::set box_set(const std::string& tuple, const std::vector<std::string>& names,
                 const std::vector<std::pair<int64_t, int64_t>>& intervals);
// isl::set(isl_context(), text); what is plainly such a product is made by box_set.
isl::set read_set(const std::string& text);
// The interval of a function over a product of intervals, its values perhaps not all of it; nullopt when it has parameters.
std::optional<std::pair<int64_t, int64_t>> range_over(const QuasiAff& f,
                                                      const std::vector<std::pair<int64_t, int64_t>>& intervals);
// The value of a function without parameters where one input is x and the others are 0; input -1: all are.
int64_t value_at(const QuasiAff& f, int input, int64_t x);
// Names of the tuples of a function.
std::string domain_name(const isl::multi_aff& function);
std::string range_name(const isl::multi_aff& function);
// is_equal, a test of the stored constraints first.
bool same(const isl::set& a, const isl::set& b);
bool same(const isl::union_set& a, const isl::union_set& b);

}  // namespace nasc
