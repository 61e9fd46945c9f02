// Boxes read off constraint by constraint.
#include <isl/aff.h>
#include <isl/constraint.h>
#include <isl/set.h>
#include <isl/val.h>

#include <algorithm>
#include <memory>
#include <unordered_map>

#include "ir/floor.h"
#include "ir/isl_box.h"

namespace nasc {

namespace {
using Interval = std::pair<int64_t, int64_t>;
constexpr long kMost = 1L << 40;
constexpr Interval kOpen = {-kMost, kMost};
using Val = std::unique_ptr<isl_val, isl_val* (*)(isl_val*)>;

std::optional<int64_t> small_integer(__isl_take isl_val* taken) {
  // No isl::val: isl calls this, and what it throws when the quota ends must not pass through isl.
  Val v(taken, isl_val_free);
  if (!v || isl_val_is_int(v.get()) != isl_bool_true || isl_val_cmp_si(v.get(), kMost) >= 0 ||
      isl_val_cmp_si(v.get(), -kMost) <= 0)
    return std::nullopt;
  return isl_val_get_num_si(v.get());
}

// Constraints of dimensions alone, and the interval of each dimension that those on one dimension give.
struct BoxReader {
  std::vector<Interval> box;
  std::vector<Inequality> rows;
  bool empty = false, whole = true, product = true;  // whole: every constraint is in rows; product: and in box

  void take(isl_constraint* c) {
    auto row = row_of(c);
    if (!row) {
      whole = product = false;
      return;
    }
    bool both = isl_constraint_is_equality(c) == isl_bool_true;
    product &= narrow(*row, both);
    rows.push_back(*row);
    if (!both) return;
    for (int64_t& by : row->coefficients) by = -by;
    row->constant = -row->constant;
    rows.push_back(std::move(*row));
  }

  // nullopt with parameters, divisions or large numbers.
  std::optional<Inequality> row_of(isl_constraint* c) const {
    auto none = [&](isl_dim_type type) {
      int count = isl_constraint_dim(c, type);
      return count == 0 || isl_constraint_involves_dims(c, type, 0, count) == isl_bool_false;
    };
    if (!none(isl_dim_param) || !none(isl_dim_div)) return std::nullopt;
    Inequality row{std::vector<int64_t>(box.size()), 0};
    for (size_t d = 0; d < box.size(); ++d) {
      int dim = static_cast<int>(d);
      if (isl_constraint_involves_dims(c, isl_dim_set, dim, 1) == isl_bool_false) continue;
      auto by = small_integer(isl_constraint_get_coefficient_val(c, isl_dim_set, dim));
      if (!by) return std::nullopt;
      row.coefficients[d] = *by;
    }
    auto constant = small_integer(isl_constraint_get_constant_val(c));
    if (!constant) return std::nullopt;
    row.constant = *constant;
    return row;
  }

  // False when the row is none of one dimension alone, by 1 or -1.
  bool narrow(const Inequality& row, bool both) {
    auto used = [](int64_t by) { return by != 0; };
    auto at = std::find_if(row.coefficients.begin(), row.coefficients.end(), used);
    if (at == row.coefficients.end() || std::any_of(at + 1, row.coefficients.end(), used) || std::abs(*at) != 1)
      return false;
    auto& [low, high] = box[static_cast<size_t>(at - row.coefficients.begin())];
    int64_t k = row.constant;
    bool up = *at > 0;
    if (up || both) low = std::max<int64_t>(low, up ? -k : k);
    if (!up || both) high = std::min<int64_t>(high, up ? -k : k);
    return true;
  }
};

// What rows of several dimensions add to the intervals: each dimension's bound where the others are at their ends.
void propagate(const std::vector<Inequality>& rows, std::vector<Interval>& box) {
  constexpr int kRounds = 8;
  bool changed = true;
  for (int round = 0; round < kRounds && changed; ++round) {
    changed = false;
    for (const Inequality& row : rows)
      for (size_t d = 0; d < box.size(); ++d) {
        int64_t by = row.coefficients[d], rest = row.constant;
        bool open = by == 0;
        for (size_t o = 0; o < box.size() && !open; ++o) {
          int64_t c = o == d ? 0 : row.coefficients[o], end = c > 0 ? box[o].second : box[o].first, term = 0;
          if (c == 0) continue;
          open = end <= -kMost || end >= kMost || __builtin_mul_overflow(c, end, &term) ||
                 __builtin_add_overflow(rest, term, &rest);
        }
        if (open || rest >= kMost || rest <= -kMost) continue;
        auto& [low, high] = box[d];
        int64_t least = by > 0 ? -floor_div(rest, by) : low, most = by < 0 ? floor_div(rest, -by) : high;
        changed |= least > low || most < high;
        low = std::max(low, least);
        high = std::min(high, most);
      }
  }
}

// nullopt when the set is not stored as one basic set.
std::optional<BoxReader> read_box(const isl::set& set) {
  int n = isl_set_dim(set.get(), isl_dim_set);
  if (n < 0 || isl_set_n_basic_set(set.get()) != 1) return std::nullopt;
  BoxReader reader;
  reader.box.assign(static_cast<size_t>(n), kOpen);
  auto part = [](isl_basic_set* basic, void* user) {
    auto& to = *static_cast<BoxReader*>(user);
    auto constraint = [](isl_constraint* c, void* reading) {
      auto& into = *static_cast<BoxReader*>(reading);
      into.take(c);
      isl_constraint_free(c);
      return isl_stat_ok;
    };
    to.empty = isl_basic_set_plain_is_empty(basic) != isl_bool_false;
    bool read = isl_basic_set_foreach_constraint(basic, constraint, &to) == isl_stat_ok;
    if (!read || isl_basic_set_dim(basic, isl_dim_div) != 0) to.whole = to.product = false;
    isl_basic_set_free(basic);
    return isl_stat_ok;
  };
  if (isl_set_foreach_basic_set(set.get(), part, &reader) != isl_stat_ok) return std::nullopt;
  return reader;
}
bool is_bounded(const Interval& i) { return i.first > kOpen.first && i.second < kOpen.second && i.first <= i.second; }
}  // namespace

std::optional<std::vector<Interval>> plain_box(const isl::set& set) {
  // Programs share the sets of their statements, which are asked for again and again. What is kept keeps its address.
  struct Known {
    isl::set set;
    std::optional<std::vector<Interval>> box;
  };
  constexpr size_t kMost = 2048;
  static thread_local std::unordered_map<isl_set*, Known> known;
  if (auto it = known.find(set.get()); it != known.end()) return it->second.box;
  auto read = read_box(set);
  std::optional<std::vector<Interval>> out;
  if (read && !read->empty && read->product && std::all_of(read->box.begin(), read->box.end(), is_bounded))
    out = std::move(read->box);
  if (detail::quota_used_up()) return out;
  if (known.size() >= kMost) known.clear();
  known.emplace(set.get(), Known{set, out});
  return out;
}

std::vector<std::optional<Interval>> plain_ranges(const isl::set& set) {
  std::vector<std::optional<Interval>> out(static_cast<size_t>(std::max(0, dims(set))));
  auto read = read_box(set);
  if (!read) return out;
  propagate(read->rows, read->box);
  for (size_t d = 0; d < out.size(); ++d)
    if (is_bounded(read->box[d])) out[d] = read->box[d];
  return out;
}

std::optional<std::vector<Inequality>> plain_inequalities(const isl::set& set) {
  auto read = read_box(set);
  if (!read || !read->whole || read->empty) return std::nullopt;
  return std::move(read->rows);
}

std::string domain_name(const isl::multi_aff& function) {
  const char* name = isl_multi_aff_get_tuple_name(function.get(), isl_dim_in);
  return name ? name : "";
}
std::string range_name(const isl::multi_aff& function) {
  const char* name = isl_multi_aff_get_tuple_name(function.get(), isl_dim_out);
  return name ? name : "";
}

std::optional<Interval> range_over(const QuasiAff& f, const std::vector<Interval>& intervals) {
  if (!f.linear.parameters.empty()) return std::nullopt;
  Interval sum{f.linear.constant, f.linear.constant};
  auto add = [&](int64_t by, const Interval& r) {
    sum.first += by * (by < 0 ? r.second : r.first);
    sum.second += by * (by < 0 ? r.first : r.second);
  };
  for (size_t k = 0; k < f.linear.coefficients.size(); ++k) add(f.linear.coefficients[k], intervals[k]);
  for (const auto& [by, inner] : f.floors) {
    auto r = range_over(inner, intervals);
    if (!r) return r;
    add(by, *r);
  }
  return Interval{floor_div(sum.first, f.linear.denominator), floor_div(sum.second, f.linear.denominator)};
}

int64_t value_at(const QuasiAff& f, int input, int64_t x) {
  int64_t sum = f.linear.constant;
  if (input >= 0) sum += f.linear.coefficients[static_cast<size_t>(input)] * x;
  for (const auto& [by, inner] : f.floors) sum += by * value_at(inner, input, x);
  return floor_div(sum, f.linear.denominator);
}

bool same(const isl::set& a, const isl::set& b) {
  if (isl_set_plain_is_equal(a.get(), b.get()) == isl_bool_true) return true;
  if (isl_set_has_equal_space(a.get(), b.get()) == isl_bool_true)
    if (auto x = plain_box(a))
      if (auto y = plain_box(b)) return *x == *y;
  return a.is_equal(b);
}

bool same(const isl::union_set& a, const isl::union_set& b) {
  std::vector<isl::set> left = sets(a), right = sets(b);
  bool plain = left.size() == right.size();
  for (const isl::set& s : left)
    plain = plain && std::any_of(right.begin(), right.end(), [&](const isl::set& t) {
              return isl_set_plain_is_equal(s.get(), t.get()) == isl_bool_true;
            });
  return plain || a.is_equal(b);
}

std::optional<std::pair<int64_t, int64_t>> constant_range(const isl::set& set, int dim) {
  if (auto box = plain_box(set)) return (*box)[static_cast<size_t>(dim)];
  if (set.is_empty()) return std::nullopt;
  auto bound = [&](isl_val* v) -> std::optional<int64_t> {
    if (!v) return std::nullopt;
    isl::val value = isl::manage(v);
    if (!value.is_int()) return std::nullopt;
    return isl_val_get_num_si(value.get());
  };
  auto low = bound(isl_set_dim_min_val(set.copy(), dim)), high = bound(isl_set_dim_max_val(set.copy(), dim));
  if (!low || !high) return std::nullopt;
  return std::pair(*low, *high);
}

}  // namespace nasc
