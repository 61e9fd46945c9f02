// Enumeration of domains by bounds of one variable after the other, in 64-bit arithmetic.
#include "ir/points.h"
#include "ir/floor.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <limits>

namespace nasc {
namespace {
int64_t number(const std::string& decimal) {
  errno = 0;
  long long v = std::strtoll(decimal.c_str(), nullptr, 10);
  if (errno) throw UserError(code::limit, "", "a constraint has a coefficient beyond 64 bits");
  return v;
}
}  // namespace

Points::Points(const isl::set& domain, const ParameterValues& values) {
  isl::set fixed = with_parameters(domain, values);
  dims_ = nasc::dims(fixed);
  bool simple = true;
  for (const isl::basic_set& basic : basic_sets(fixed)) {
    isl::basic_set flat = lifted(basic);
    if (flat.is_empty()) continue;
    Constraints c = constraints(flat);
    if (!c.parameters.empty()) throw UserError(code::bad_shape, "", "parameter " + c.parameters[0] + " has no value");
    Part part;
    part.variables = c.dims;
    part.levels.resize(c.dims);
    auto take = [&](const std::vector<std::string>& row, bool equality) {
      int last = c.dims - 1;
      while (last >= 0 && row[last] == "0") --last;
      if (last < 0) return;  // constants only: isl has removed those that do not hold
      Constraint k;
      for (int i = 0; i < last; ++i) {
        k.coefficients.push_back(number(row[i]));
        simple &= k.coefficients.back() == 0;
      }
      k.own = number(row[last]);
      k.constant = number(row[c.dims]);
      k.equality = equality;
      part.levels[last].push_back(std::move(k));
    };
    for (const auto& row : c.equalities) take(row, true);
    for (const auto& row : c.inequalities) take(row, false);
    for (int d = 0; d < c.dims; ++d) {
      auto range = dim_range(flat, d);
      if (!range) throw UserError(code::limit, "", "domain " + tuple_name(domain) + " is unbounded");
      part.bounds.emplace_back(*range);
    }
    simple &= c.dims == dims_;
    parts_.push_back(std::move(part));
  }
  is_box_ = simple && parts_.size() == 1;
  for (const Part& p : parts_) {
    if (bounds_.empty()) bounds_.assign(p.bounds.begin(), p.bounds.begin() + dims_);
    for (int d = 0; d < dims_; ++d) {
      bounds_[d].first = std::min(bounds_[d].first, p.bounds[d].first);
      bounds_[d].second = std::max(bounds_[d].second, p.bounds[d].second);
    }
  }
}

int64_t Points::volume() const {
  if (empty()) return 0;
  int64_t v = 1;
  for (auto [lo, hi] : bounds_)
    if (__builtin_mul_overflow(v, hi - lo + 1, &v)) return std::numeric_limits<int64_t>::max();
  return v;
}

bool Points::range(const Part& part, int level, const int64_t* point, int64_t& lo, int64_t& hi) {
  std::tie(lo, hi) = part.bounds[level];
  for (const Constraint& c : part.levels[level]) {
    int64_t rest = c.constant;
    for (size_t i = 0; i < c.coefficients.size(); ++i) rest += c.coefficients[i] * point[i];
    if (c.equality) {
      if (rest % c.own) return false;
      lo = std::max(lo, -rest / c.own);
      hi = std::min(hi, -rest / c.own);
    } else if (c.own > 0) {
      lo = std::max(lo, -floor_div(rest, c.own));
    } else {
      hi = std::min(hi, floor_div(rest, -c.own));
    }
  }
  return lo <= hi;
}

bool Points::exists(const Part& part, int level, int64_t* point) const {
  if (level == part.variables) return true;
  int64_t lo, hi;
  if (!range(part, level, point, lo, hi)) return false;
  for (int64_t v = lo; v <= hi; ++v) {
    point[level] = v;
    if (exists(part, level + 1, point)) return true;
  }
  return false;
}

void Points::rows(const Row& row) const {
  size_t width = 1;
  std::vector<const Part*> alive;
  for (const Part& p : parts_) {
    width = std::max(width, static_cast<size_t>(p.variables));
    alive.push_back(&p);
  }
  std::vector<int64_t> point(width, 0);
  if (alive.empty()) return;
  if (dims_ == 0) return row(point.data(), 0, 0);
  descend(0, point, alive, row);
}

void Points::descend(int level, std::vector<int64_t>& point, const std::vector<const Part*>& alive,
                     const Row& row) const {
  if (level == dims_ - 1) return emit(point, alive, row);
  int64_t lo, hi;
  if (alive.size() == 1) {
    if (!range(*alive[0], level, point.data(), lo, hi)) return;
    for (int64_t v = lo; v <= hi; ++v) {
      point[level] = v;
      descend(level + 1, point, alive, row);
    }
    return;
  }
  struct Open {
    const Part* part;
    int64_t lo, hi;
  };
  std::vector<Open> open;
  int64_t first = std::numeric_limits<int64_t>::max(), last = std::numeric_limits<int64_t>::min();
  for (const Part* p : alive) {
    if (!range(*p, level, point.data(), lo, hi)) continue;
    open.push_back({p, lo, hi});
    first = std::min(first, lo);
    last = std::max(last, hi);
  }
  std::vector<const Part*> inside;
  for (int64_t v = first; v <= last && !open.empty(); ++v) {
    inside.clear();
    for (const Open& o : open)
      if (o.lo <= v && v <= o.hi) inside.push_back(o.part);
    if (inside.empty()) continue;
    point[level] = v;
    descend(level + 1, point, inside, row);
  }
}

void Points::emit(std::vector<int64_t>& point, const std::vector<const Part*>& alive, const Row& row) const {
  int64_t lo, hi;
  if (alive.size() == 1 && alive[0]->variables == dims_) {
    if (range(*alive[0], dims_ - 1, point.data(), lo, hi)) row(point.data(), lo, hi);
    return;
  }
  std::vector<std::pair<int64_t, int64_t>> runs;
  std::vector<int64_t> trial = point;
  for (const Part* p : alive) {
    if (!range(*p, dims_ - 1, point.data(), lo, hi)) continue;
    if (p->variables == dims_) {
      runs.emplace_back(lo, hi);
      continue;
    }
    for (int64_t v = lo; v <= hi; ++v) {
      trial[dims_ - 1] = v;
      if (exists(*p, dims_, trial.data())) runs.emplace_back(v, v);
    }
  }
  std::sort(runs.begin(), runs.end());
  for (size_t i = 0; i < runs.size();) {
    auto [first, last] = runs[i++];
    while (i < runs.size() && runs[i].first <= last + 1) last = std::max(last, runs[i++].second);
    row(point.data(), first, last);
  }
}

int64_t IndexFn::operator()(const int64_t* point) const {
  int64_t v = constant;
  for (size_t i = 0; i < coefficients.size(); ++i) v += coefficients[i] * point[i];
  for (const auto& [c, inner] : floors) v += c * inner(point);
  return denominator == 1 ? v : floor_div(v, denominator);
}
bool IndexFn::ignores(int dim) const {
  return coefficients[dim] == 0 &&
         std::all_of(floors.begin(), floors.end(), [&](const auto& f) { return f.second.ignores(dim); });
}

namespace {
IndexFn put_in(const QuasiAff& q, const ParameterValues& values) {
  IndexFn out;
  out.coefficients.assign(q.linear.coefficients.begin(), q.linear.coefficients.end());
  out.constant = q.linear.constant;
  out.denominator = q.linear.denominator;
  for (const auto& [name, coefficient] : q.linear.parameters) {
    auto it = values.find(name);
    if (it == values.end()) throw UserError(code::bad_shape, "", "parameter " + name + " has no value");
    out.constant += coefficient * it->second;
  }
  for (const auto& [coefficient, inner] : q.floors) out.floors.emplace_back(coefficient, put_in(inner, values));
  return out;
}
}  // namespace

IndexFn index_fn(const isl::aff& aff, const ParameterValues& values) { return put_in(quasi(aff), values); }
std::vector<IndexFn> index_fns(const Access& access, const ParameterValues& values) {
  std::vector<IndexFn> out;
  for (unsigned d = 0; d < access.map.size(); ++d) out.push_back(index_fn(access.map.at(d), values));
  return out;
}

ParameterValues parameter_values(const Program& program, const std::map<std::string, std::vector<int64_t>>& shapes,
                                 const ParameterValues& given) {
  ParameterValues values = given;
  std::map<std::string, Extent> parameters = program.parameters();
  auto known = [&](const Tensor& t) -> const std::vector<int64_t>* {
    auto it = shapes.find(t.name);
    if (it == shapes.end()) return nullptr;
    if (it->second.size() != t.shape.size())
      throw UserError(code::bad_shape, program.name, text("tensor ", t.name, " has rank ", t.rank(), ", given ", it->second.size()));
    return &it->second;
  };
  for (const Tensor& t : program.tensors)
    if (const auto* shape = known(t))
      for (int d = 0; d < t.rank(); ++d) {
        auto names = t.shape[d].parameters();
        if (names.size() == 1 && t.shape[d] == Extent::parameter(names[0])) values.emplace(names[0], (*shape)[d]);
      }
  auto lookup = [&](const std::string& name) {
    auto it = values.find(name);
    if (it == values.end()) throw UserError(code::bad_shape, program.name, "parameter " + name + " has no value");
    return it->second;
  };
  for (const auto& [name, e] : parameters)
    if (!values.count(name)) values.emplace(name, e.evaluate(lookup));
  for (const Tensor& t : program.tensors)
    if (const auto* shape = known(t); shape && evaluate(t.shape, values) != *shape)
      throw UserError(code::bad_shape, program.name,
                      text("tensor ", t.name, " is ", text(t.shape), ", given ", text(shape_of(*shape))));
  return values;
}

std::vector<int64_t> evaluate(const Shape& shape, const ParameterValues& values) {
  std::vector<int64_t> out;
  for (const Extent& e : shape)
    out.push_back(e.evaluate([&](const std::string& name) {
      auto it = values.find(name);
      if (it == values.end()) throw UserError(code::bad_shape, "", "parameter " + name + " has no value");
      return it->second;
    }));
  return out;
}

}  // namespace nasc
