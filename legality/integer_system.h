// IntegerSystem: linear constraints over integers with exact simplification, independent of isl.
#pragma once

#include <cstdint>
#include <map>
#include <stdexcept>
#include <vector>

namespace nasc {

// A number that leaves 64 bits; the caller gives up.
struct IntegerOverflow : std::overflow_error {
  IntegerOverflow() : std::overflow_error("integer constraint leaves 64 bits") {}
};

// constant + sum of coefficient * variable; no zero coefficients.
struct LinearForm {
  std::map<int, int64_t> terms;
  int64_t constant = 0;
  void add(const LinearForm& other, int64_t factor);
  void add(int variable, int64_t coefficient);
};

// Conjunction of forms = 0 and forms >= 0 over integer variables.
class IntegerSystem {
public:
  int add_variables(int count); // index of the first
  void equal_zero(LinearForm form);
  void at_least_zero(LinearForm form);

  // Integer-exact: solves equations for variables of coefficient +-1, divides by common factors,
  // rounds constants, merges parallel bounds. False when the system is found to have no integer
  // point; true is no claim.
  bool simplify();

  const std::vector<LinearForm>& equations() const { return equations_; }
  const std::vector<LinearForm>& bounds() const { return bounds_; }
  // Values of all variables from those of the variables left in equations() and bounds(); others
  // are 0.
  std::vector<int64_t> complete(const std::map<int, int64_t>& values) const;
  // Does the point satisfy every constraint ever added?
  bool holds(const std::vector<int64_t>& point) const;

private:
  void substitute_known(LinearForm& form) const;
  bool solve_equations();
  bool merge_bounds();

  int variables_ = 0;
  bool impossible_ = false;
  std::vector<LinearForm> equations_, bounds_;
  std::vector<LinearForm> all_equations_, all_bounds_; // as added
  std::vector<std::pair<int, LinearForm>> solved_; // variable = form, in the order of elimination
};

} // namespace nasc
