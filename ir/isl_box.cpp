// Boxes read off constraint by constraint.
#include <isl/constraint.h>
#include <isl/set.h>
#include <isl/val.h>

#include <algorithm>

#include "ir/isl_box.h"

namespace nasc {

namespace {
// Interval of each dimension while constraints narrow it.
struct BoxReader {
  std::vector<std::pair<int64_t, int64_t>> box;
  bool plain = true;

  // coefficient * i_d + constant >= 0 (or = 0) of one dimension, and nothing else.
  isl_stat take(isl_constraint* c) {
    int dim = -1, n = static_cast<int>(box.size());
    for (int d = 0; d < n; ++d)
      if (isl_constraint_involves_dims(c, isl_dim_set, d, 1) == isl_bool_true) plain &= dim < 0, dim = d;
    int parameters = isl_constraint_dim(c, isl_dim_param);
    plain &= dim >= 0 && isl_constraint_dim(c, isl_dim_div) == 0 &&
             (parameters == 0 || isl_constraint_involves_dims(c, isl_dim_param, 0, parameters) == isl_bool_false);
    if (!plain) return isl_stat_error;
    isl_val* by = isl_constraint_get_coefficient_val(c, isl_dim_set, dim);
    isl_val* constant = isl_constraint_get_constant_val(c);
    bool up = isl_val_is_one(by) == isl_bool_true, down = isl_val_is_negone(by) == isl_bool_true;
    bool small = isl_val_is_int(constant) == isl_bool_true && isl_val_cmp_si(constant, kMost) < 0 &&
                 isl_val_cmp_si(constant, -kMost) > 0;
    plain &= (up || down) && small;
    if (plain) {
      int64_t k = isl_val_get_num_si(constant);
      auto& [low, high] = box[static_cast<size_t>(dim)];
      bool both = isl_constraint_is_equality(c) == isl_bool_true;
      if (up || both) low = std::max<int64_t>(low, up ? -k : k);
      if (down || both) high = std::min<int64_t>(high, up ? -k : k);
    }
    isl_val_free(by);
    isl_val_free(constant);
    return plain ? isl_stat_ok : isl_stat_error;
  }
  static constexpr long kMost = 1L << 40;
};
}  // namespace

std::optional<std::vector<std::pair<int64_t, int64_t>>> plain_box(const isl::set& set) {
  int n = isl_set_dim(set.get(), isl_dim_set);
  if (n < 0 || isl_set_n_basic_set(set.get()) != 1) return std::nullopt;
  BoxReader reader;
  reader.box.assign(static_cast<size_t>(n), {-BoxReader::kMost, BoxReader::kMost});
  auto part = [](isl_basic_set* basic, void* user) {
    auto& to = *static_cast<BoxReader*>(user);
    auto constraint = [](isl_constraint* c, void* reading) {
      isl_stat out = static_cast<BoxReader*>(reading)->take(c);
      isl_constraint_free(c);
      return out;
    };
    to.plain = to.plain && isl_basic_set_dim(basic, isl_dim_div) == 0 &&
               isl_basic_set_plain_is_empty(basic) == isl_bool_false &&
               isl_basic_set_foreach_constraint(basic, constraint, &to) == isl_stat_ok;
    isl_basic_set_free(basic);
    return isl_stat_ok;
  };
  reader.plain = isl_set_foreach_basic_set(set.get(), part, &reader) == isl_stat_ok && reader.plain;
  for (const auto& [low, high] : reader.box)
    reader.plain &= low > -BoxReader::kMost && high < BoxReader::kMost && low <= high;
  if (!reader.plain) return std::nullopt;
  return reader.box;
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
