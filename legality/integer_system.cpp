// Simplification of integer constraints.
#include "legality/integer_system.h"
#include "ir/floor.h"

#include <cstdlib>
#include <numeric>

namespace nasc {
namespace {
int64_t times(int64_t a, int64_t b) {
  int64_t out;
  if (__builtin_mul_overflow(a, b, &out))
    throw IntegerOverflow();
  return out;
}
int64_t plus(int64_t a, int64_t b) {
  int64_t out;
  if (__builtin_add_overflow(a, b, &out))
    throw IntegerOverflow();
  return out;
}

int64_t common_factor(const LinearForm& form) {
  int64_t g = 0;
  for (auto [variable, c] : form.terms)
    g = std::gcd(g, c);
  return g;
}

int64_t value(const LinearForm& form, const std::vector<int64_t>& point) {
  int64_t sum = form.constant;
  for (auto [variable, c] : form.terms)
    sum = plus(sum, times(c, point[variable]));
  return sum;
}

// A variable of coefficient +-1, preferring none; -1 when there is none.
int unit_variable(const LinearForm& form) {
  for (auto [variable, c] : form.terms)
    if (c == 1 || c == -1)
      return variable;
  return -1;
}
} // namespace

void LinearForm::add(int variable, int64_t coefficient) {
  int64_t& c = terms[variable];
  c = plus(c, coefficient);
  if (c == 0)
    terms.erase(variable);
}

void LinearForm::add(const LinearForm& other, int64_t factor) {
  for (auto [variable, c] : other.terms)
    add(variable, times(c, factor));
  constant = plus(constant, times(other.constant, factor));
}

int IntegerSystem::add_variables(int count) {
  variables_ += count;
  return variables_ - count;
}

void IntegerSystem::substitute_known(LinearForm& form) const {
  for (const auto& [variable, known] : solved_) {
    auto it = form.terms.find(variable);
    if (it == form.terms.end())
      continue;
    int64_t c = it->second;
    form.terms.erase(it);
    form.add(known, c);
  }
}

void IntegerSystem::equal_zero(LinearForm form) {
  all_equations_.push_back(form);
  substitute_known(form);
  equations_.push_back(std::move(form));
}

void IntegerSystem::at_least_zero(LinearForm form) {
  all_bounds_.push_back(form);
  substitute_known(form);
  bounds_.push_back(std::move(form));
}

bool IntegerSystem::solve_equations() {
  for (size_t k = 0; k < equations_.size();) {
    LinearForm& e = equations_[k];
    int64_t g = common_factor(e);
    if (g == 0) {
      if (e.constant != 0)
        return false;
      equations_.erase(equations_.begin() + k);
      continue;
    }
    if (e.constant % g != 0)
      return false;
    for (auto& [variable, c] : e.terms)
      c /= g;
    e.constant /= g;
    int variable = unit_variable(e);
    if (variable < 0) {
      ++k;
      continue;
    }
    LinearForm solved;
    solved.add(e, -e.terms[variable]); // e = +-variable + rest = 0
    solved.terms.erase(variable);
    equations_.erase(equations_.begin() + k);
    solved_.emplace_back(variable, solved);
    for (auto* list : {&equations_, &bounds_})
      for (LinearForm& f : *list)
        substitute_known(f);
    k = 0;
  }
  return true;
}

bool IntegerSystem::merge_bounds() {
  std::map<std::map<int, int64_t>, int64_t> tightest;
  for (LinearForm& b : bounds_) {
    int64_t g = common_factor(b);
    if (g == 0) {
      if (b.constant < 0)
        return false;
      continue;
    }
    for (auto& [variable, c] : b.terms)
      c /= g;
    b.constant = floor_div(b.constant, g);
    auto [it, fresh] = tightest.emplace(b.terms, b.constant);
    if (!fresh)
      it->second = std::min(it->second, b.constant);
  }
  bounds_.clear();
  for (const auto& [terms, constant] : tightest) {
    std::map<int, int64_t> negated;
    for (auto [variable, c] : terms)
      negated[variable] = -c;
    auto other = tightest.find(negated);
    int64_t slack = other == tightest.end() ? 1 : plus(constant, other->second);
    if (slack < 0)
      return false;
    if (slack > 0)
      bounds_.push_back({terms, constant});
    else if (terms < negated)
      equations_.push_back({terms, constant});
  }
  return true;
}

bool IntegerSystem::simplify() {
  if (impossible_)
    return false;
  do {
    impossible_ = !solve_equations() || !merge_bounds();
    if (impossible_)
      return false;
    // merge_bounds may have found new equations that can be solved
  } while ([&] {
    for (const LinearForm& e : equations_)
      if (unit_variable(e) >= 0 || common_factor(e) > 1)
        return true;
    return false;
  }());
  return true;
}

std::vector<int64_t> IntegerSystem::complete(const std::map<int, int64_t>& values) const {
  std::vector<int64_t> point(variables_, 0);
  for (auto [variable, v] : values)
    point[variable] = v;
  for (auto it = solved_.rbegin(); it != solved_.rend(); ++it)
    point[it->first] = value(it->second, point);
  return point;
}

bool IntegerSystem::holds(const std::vector<int64_t>& point) const {
  for (const LinearForm& e : all_equations_)
    if (value(e, point) != 0)
      return false;
  for (const LinearForm& b : all_bounds_)
    if (value(b, point) < 0)
      return false;
  return true;
}

} // namespace nasc
