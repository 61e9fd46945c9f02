// Points: the integer points of a domain for concrete parameter values, in rows, and the index functions of accesses.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "ir/program.h"

namespace nasc {

using ParameterValues = std::map<std::string, int64_t>;  // by the name isl knows them under

class Points {
 public:
  // Throws UserError limit when the domain is unbounded, bad_shape when a parameter has no value.
  Points(const isl::set& domain, const ParameterValues& values);

  int dims() const { return dims_; }
  bool empty() const { return parts_.empty(); }
  // Least and greatest value of each dimension. The points are all of this box when is_box().
  const std::vector<std::pair<int64_t, int64_t>>& bounds() const { return bounds_; }
  bool is_box() const { return is_box_; }
  // Points of the bounding box; saturates.
  int64_t volume() const;

  // row(point, lo, hi) for maximal runs of the innermost dimension, in lexicographic order: the points are `point` with
  // its last coordinate running over lo..hi, both inclusive. The row may change the last coordinate of `point`.
  // With no dimensions there is one row, 0..0, when the domain is not empty.
  using Row = std::function<void(int64_t* point, int64_t lo, int64_t hi)>;
  void rows(const Row& row) const;

 private:
  struct Constraint {
    std::vector<int64_t> coefficients;  // of all variables before the bounded one
    int64_t own = 0, constant = 0;
    bool equality = false;
  };
  struct Part {  // a basic set; existentially quantified variables follow the dimensions
    int variables = 0;
    std::vector<std::vector<Constraint>> levels;  // constraints whose last variable is this one
    std::vector<std::pair<int64_t, int64_t>> bounds;
  };
  static bool range(const Part& part, int level, const int64_t* point, int64_t& lo, int64_t& hi);
  bool exists(const Part& part, int level, int64_t* point) const;
  void descend(int level, std::vector<int64_t>& point, const std::vector<const Part*>& alive, const Row& row) const;
  void emit(std::vector<int64_t>& point, const std::vector<const Part*>& alive, const Row& row) const;

  int dims_ = 0;
  bool is_box_ = false;
  std::vector<Part> parts_;
  std::vector<std::pair<int64_t, int64_t>> bounds_;
};

// A quasi-affine function of a point, parameters put in.
struct IndexFn {
  std::vector<int64_t> coefficients;
  int64_t constant = 0, denominator = 1;
  std::vector<std::pair<int64_t, IndexFn>> floors;

  int64_t operator()(const int64_t* point) const;
  bool is_linear() const { return denominator == 1 && floors.empty(); }
  // The value does not depend on this coordinate.
  bool ignores(int dim) const;
};
IndexFn index_fn(const isl::aff& aff, const ParameterValues& values);
std::vector<IndexFn> index_fns(const Access& access, const ParameterValues& values);

// Values of all parameters of the Program: `given` ones; those that are by themselves an extent of a bound tensor whose
// shape is known; derived ones evaluated. Throws UserError bad_shape when one stays unknown or a shape contradicts.
ParameterValues parameter_values(const Program& program, const std::map<std::string, std::vector<int64_t>>& shapes,
                                 const ParameterValues& given);
std::vector<int64_t> evaluate(const Shape& shape, const ParameterValues& values);

}  // namespace nasc
