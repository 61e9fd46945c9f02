// The gap functions over isl's C interface; nothing else in the project calls isl_* directly.
#include "ir/isl.h"

#include <isl/aff.h>
#include <isl/ast_build.h>
#include <isl/constraint.h>
#include <isl/map.h>
#include <isl/mat.h>
#include <isl/printer.h>
#include <isl/schedule.h>
#include <isl/schedule_node.h>
#include <isl/set.h>
#include <isl/union_map.h>
#include <isl/val.h>

#include <cstdlib>

namespace nasc {
namespace {
std::string take_string(char* s) {
  std::string out = s ? s : "";
  std::free(s);
  return out;
}
}  // namespace

isl::id make_id(const std::string& name) {
  return isl::manage(isl_id_alloc(isl_context().get(), name.c_str(), nullptr));
}

std::string mark_name(const isl::schedule_node_mark& mark) {
  isl::id id = isl::manage(isl_schedule_node_mark_get_id(mark.get()));
  return isl_id_get_name(id.get());
}

isl::schedule_node insert_mark(const isl::schedule_node& node, const std::string& text) {
  isl::schedule_node marked =
      isl::manage(isl_schedule_node_insert_mark(node.copy(), make_id(text).release()));
  return marked.child(0);
}

isl::schedule_node delete_node(const isl::schedule_node& node) {
  return isl::manage(isl_schedule_node_delete(node.copy()));
}

isl::union_set node_domain(const isl::schedule_node& node) {
  return isl::manage(isl_schedule_node_get_domain(node.get()));
}

int schedule_depth(const isl::schedule_node& node) {
  return isl_schedule_node_get_schedule_depth(node.get());
}

isl::union_map lex_lt(const isl::union_map& a, const isl::union_map& b) {
  return isl::manage(isl_union_map_lex_lt_union_map(a.copy(), b.copy()));
}
isl::union_map lex_ge(const isl::union_map& a, const isl::union_map& b) {
  return isl::manage(isl_union_map_lex_ge_union_map(a.copy(), b.copy()));
}

std::string tuple_name(const isl::set& set) {
  const char* name = isl_set_get_tuple_name(set.get());
  return name ? name : "";
}
std::string range_name(const isl::map& map) {
  const char* name = isl_map_get_tuple_name(map.get(), isl_dim_out);
  return name ? name : "";
}
std::string domain_name(const isl::map& map) {
  const char* name = isl_map_get_tuple_name(map.get(), isl_dim_in);
  return name ? name : "";
}

isl::set renamed(const isl::set& set, const std::string& name) {
  return isl::manage(isl_set_set_tuple_name(set.copy(), name.c_str()));
}
isl::multi_aff renamed(const isl::multi_aff& function, const std::string& domain, const std::string& range) {
  isl_multi_aff* f = function.copy();
  if (!domain.empty()) f = isl_multi_aff_set_tuple_name(f, isl_dim_in, domain.c_str());
  if (!range.empty()) f = isl_multi_aff_set_tuple_name(f, isl_dim_out, range.c_str());
  return isl::manage(f);
}

int dims(const isl::set& set) { return isl_set_dim(set.get(), isl_dim_set); }

std::vector<std::string> dim_names(const isl::set& set) {
  std::vector<std::string> names;
  for (int i = 0, n = dims(set); i < n; ++i) {
    const char* name = isl_set_get_dim_name(set.get(), isl_dim_set, i);
    names.emplace_back(name ? name : "");
  }
  return names;
}

isl::set with_dim_names(const isl::set& set, const std::vector<std::string>& names) {
  isl_set* s = isl_set_drop_unused_params(set.copy());
  for (size_t i = 0; i < names.size(); ++i)
    s = isl_set_set_dim_name(s, isl_dim_set, static_cast<unsigned>(i), names[i].c_str());
  return isl::manage(s);
}

std::vector<isl::basic_set> basic_sets(const isl::set& set) {
  std::vector<isl::basic_set> out;
  auto collect = [](isl_basic_set* s, void* user) {
    static_cast<std::vector<isl::basic_set>*>(user)->push_back(isl::manage(s));
    return isl_stat_ok;
  };
  isl_set_foreach_basic_set(set.get(), collect, &out);
  return out;
}

std::vector<isl::set> sets(const isl::union_set& set) {
  std::vector<isl::set> out;
  set.foreach_set([&](isl::set s) { out.push_back(s); });
  return out;
}

std::vector<isl::map> maps(const isl::union_map& map) {
  std::vector<isl::map> out;
  map.foreach_map([&](isl::map m) { out.push_back(m); });
  return out;
}

std::vector<isl::pw_aff> pw_affs(const isl::union_pw_aff& aff) {
  std::vector<isl::pw_aff> out;
  auto collect = [](isl_pw_aff* a, void* user) {
    static_cast<std::vector<isl::pw_aff>*>(user)->push_back(isl::manage(a));
    return isl_stat_ok;
  };
  isl_union_pw_aff_foreach_pw_aff(aff.get(), collect, &out);
  return out;
}

std::string domain_name(const isl::pw_aff& aff) {
  isl_space* space = isl_pw_aff_get_domain_space(aff.get());
  const char* name = isl_space_get_tuple_name(space, isl_dim_set);
  std::string out = name ? name : "";
  isl_space_free(space);
  return out;
}

isl::pw_aff renamed_domain(const isl::pw_aff& aff, const std::string& name) {
  return isl::manage(isl_pw_aff_set_tuple_id(aff.copy(), isl_dim_in, make_id(name).release()));
}
isl::multi_aff renamed_domain(const isl::multi_aff& map, const std::string& name) {
  return isl::manage(isl_multi_aff_set_tuple_id(map.copy(), isl_dim_in, make_id(name).release()));
}
isl::multi_aff renamed_range(const isl::multi_aff& map, const std::string& name) {
  return isl::manage(isl_multi_aff_set_tuple_id(map.copy(), isl_dim_out, make_id(name).release()));
}

bool involves(const isl::pw_aff& aff, int dim) {
  return isl_pw_aff_involves_dims(aff.get(), isl_dim_in, dim, 1) == isl_bool_true;
}

std::vector<std::vector<int>> coupled_dims(const isl::set& set) {
  std::vector<std::vector<int>> out;
  auto note = [](isl_constraint* c, void* user) {
    std::vector<int> row;
    for (int d = 0, n = isl_constraint_dim(c, isl_dim_set); d < n; ++d)
      if (isl_constraint_involves_dims(c, isl_dim_set, d, 1) == isl_bool_true) row.push_back(d);
    isl_constraint_free(c);
    if (!row.empty()) static_cast<std::vector<std::vector<int>>*>(user)->push_back(row);
    return isl_stat_ok;
  };
  for (const auto& part : basic_sets(set))
    isl_basic_set_foreach_constraint(part.get(), note, &out);
  return out;
}

isl::set without_dim(const isl::set& set, int dim) {
  return isl::manage(isl_set_project_out(set.copy(), isl_dim_set, dim, 1));
}

isl::pw_aff without_dim(const isl::pw_aff& aff, int dim) {
  return isl::manage(isl_pw_aff_drop_dims(aff.copy(), isl_dim_in, dim, 1));
}

isl::pw_aff dim_value(const isl::set& set, int dim) {
  isl_local_space* space = isl_local_space_from_space(isl_set_get_space(set.get()));
  return isl::manage(isl_pw_aff_from_aff(isl_aff_var_on_domain(space, isl_dim_set, dim)));
}

std::optional<long> count(const isl::set& set) {
  if (!isl_set_is_bounded(set.get())) return std::nullopt;
  isl_val* v = isl_set_count_val(set.get());
  if (!v) return std::nullopt;
  isl::val value = isl::manage(v);
  if (!value.is_int()) return std::nullopt;
  return isl_val_get_num_si(value.get());
}

namespace {
std::vector<std::vector<std::string>> rows(__isl_take isl_mat* mat) {
  std::vector<std::vector<std::string>> out(isl_mat_rows(mat));
  for (int r = 0; r < isl_mat_rows(mat); ++r)
    for (int c = 0; c < isl_mat_cols(mat); ++c) {
      isl::val v = isl::manage(isl_mat_get_element_val(mat, r, c));
      out[r].push_back(take_string(isl_val_to_str(v.get())));
    }
  isl_mat_free(mat);
  return out;
}
}  // namespace

Constraints constraints(const isl::basic_set& set) {
  Constraints out;
  isl_basic_set* s = set.get();
  for (int i = 0, n = isl_basic_set_dim(s, isl_dim_param); i < n; ++i) {
    isl_space* space = isl_basic_set_get_space(s);
    out.parameters.emplace_back(isl_space_get_dim_name(space, isl_dim_param, i));
    isl_space_free(space);
  }
  out.dims = isl_basic_set_dim(s, isl_dim_set);
  out.divs = isl_basic_set_dim(s, isl_dim_div);
  out.equalities = rows(isl_basic_set_equalities_matrix(s, isl_dim_param, isl_dim_set, isl_dim_div,
                                                        isl_dim_cst));
  out.inequalities = rows(isl_basic_set_inequalities_matrix(s, isl_dim_param, isl_dim_set,
                                                            isl_dim_div, isl_dim_cst));
  return out;
}

std::optional<LinearAff> linear(const isl::aff& aff) {
  isl_aff* a = aff.get();
  if (isl_aff_dim(a, isl_dim_div) > 0) {
    for (int i = 0, n = isl_aff_dim(a, isl_dim_div); i < n; ++i) {
      isl::val v = isl::manage(isl_aff_get_coefficient_val(a, isl_dim_div, i));
      if (!v.is_zero()) return std::nullopt;
    }
  }
  LinearAff out;
  isl::val denominator = isl::manage(isl_aff_get_denominator_val(a));
  out.denominator = isl_val_get_num_si(denominator.get());
  auto number = [&](__isl_take isl_val* v) {
    isl::val value = isl::manage(v);
    if (value.is_zero() || out.denominator == 1) return isl_val_get_num_si(value.get());
    isl::val scaled = value.mul(denominator);
    return isl_val_get_num_si(scaled.get());
  };
  for (int i = 0, n = isl_aff_dim(a, isl_dim_in); i < n; ++i)
    out.coefficients.push_back(number(isl_aff_get_coefficient_val(a, isl_dim_in, i)));
  for (int i = 0, n = isl_aff_dim(a, isl_dim_param); i < n; ++i) {
    long value = number(isl_aff_get_coefficient_val(a, isl_dim_param, i));
    if (value) out.parameters.emplace_back(isl_aff_get_dim_name(a, isl_dim_param, i), value);
  }
  out.constant = number(isl_aff_get_constant_val(a));
  return out;
}

QuasiAff quasi(const isl::aff& aff) {
  isl_aff* a = aff.get();
  QuasiAff out;
  isl::val denominator = isl::manage(isl_aff_get_denominator_val(a));
  isl::aff rest = aff;
  for (int i = 0, n = isl_aff_dim(a, isl_dim_div); i < n; ++i) {
    isl::val v = isl::manage(isl_aff_get_coefficient_val(a, isl_dim_div, i));
    if (v.is_zero()) continue;
    isl::aff inner = isl::manage(isl_aff_get_div(a, i));
    out.floors.emplace_back(isl_val_get_num_si(v.mul(denominator).get()), quasi(inner));
    rest = isl::manage(isl_aff_set_coefficient_val(rest.release(), isl_dim_div, i, isl_val_zero(isl_context().get())));
  }
  out.linear = *linear(rest);
  long scale = isl_val_get_num_si(denominator.get()) / out.linear.denominator;  // isl reduces what is left
  for (long& c : out.linear.coefficients) c *= scale;
  for (auto& [name, c] : out.linear.parameters) c *= scale;
  out.linear.constant *= scale;
  out.linear.denominator *= scale;
  return out;
}

isl::set with_parameters(const isl::set& set, const std::map<std::string, int64_t>& values) {
  isl_set* s = set.copy();
  for (const auto& [name, value] : values) {
    int at = isl_set_find_dim_by_name(s, isl_dim_param, name.c_str());
    if (at < 0) continue;
    s = isl_set_fix_val(s, isl_dim_param, at, isl_val_int_from_si(isl_context().get(), value));
    s = isl_set_project_out(s, isl_dim_param, at, 1);
  }
  return isl::manage(s);
}

isl::basic_set lifted(const isl::basic_set& set) {
  if (isl_basic_set_dim(set.get(), isl_dim_div) == 0) return set;
  return isl::manage(isl_basic_set_lift(set.copy()));
}

std::optional<std::pair<long, long>> dim_range(const isl::basic_set& set, int dim) {
  isl_local_space* space = isl_local_space_from_space(isl_basic_set_get_space(set.get()));
  isl::aff value = isl::manage(isl_aff_var_on_domain(space, isl_dim_set, dim));
  isl::set all(set);
  isl::val low = isl::manage(isl_set_min_val(all.get(), value.get()));
  isl::val high = isl::manage(isl_set_max_val(all.get(), value.get()));
  if (!low.is_int() || !high.is_int()) return std::nullopt;
  return std::pair(isl_val_get_num_si(low.get()), isl_val_get_num_si(high.get()));
}

bool involves(const isl::aff& aff, int input) {
  return isl_aff_involves_dims(aff.get(), isl_dim_in, static_cast<unsigned>(input), 1) == isl_bool_true;
}

std::vector<std::vector<AffCondition>> conditions(const isl::set& set) {
  std::vector<std::vector<AffCondition>> out;
  auto constraint = [](isl_constraint* c, void* user) {
    isl::aff aff = isl::manage(isl_constraint_get_aff(c));
    static_cast<std::vector<AffCondition>*>(user)->push_back({quasi(aff), isl_constraint_is_equality(c) == isl_bool_true});
    isl_constraint_free(c);
    return isl_stat_ok;
  };
  for (const auto& part : basic_sets(isl::manage(isl_set_compute_divs(set.copy())))) {
    out.emplace_back();
    isl_basic_set_foreach_constraint(part.get(), constraint, &out.back());
  }
  return out;
}

namespace {
std::vector<std::pair<isl::set, isl::aff>> pieces(isl::pw_aff value) {
  std::vector<std::pair<isl::set, isl::aff>> out;
  auto piece = [](isl_set* s, isl_aff* a, void* user) {
    static_cast<std::vector<std::pair<isl::set, isl::aff>>*>(user)->emplace_back(isl::manage(s), isl::manage(a));
    return isl_stat_ok;
  };
  isl_pw_aff_foreach_piece(value.get(), piece, &out);
  return out;
}
}  // namespace

std::vector<std::pair<isl::set, isl::aff>> dim_min(const isl::set& set, int dim) {
  return pieces(isl::manage(isl_set_dim_min(set.copy(), dim)));
}
std::vector<std::pair<isl::set, isl::aff>> dim_max(const isl::set& set, int dim) {
  return pieces(isl::manage(isl_set_dim_max(set.copy(), dim)));
}

isl_ast_expr_op_type op_kind(const isl::ast_expr& expr) { return isl_ast_expr_op_get_type(expr.get()); }

std::string block_text(const isl::schedule& schedule) {
  isl_printer* p = isl_printer_to_str(isl_context().get());
  p = isl_printer_set_yaml_style(p, ISL_YAML_STYLE_BLOCK);
  p = isl_printer_print_schedule(p, schedule.get());
  std::string out = take_string(isl_printer_get_str(p));
  isl_printer_free(p);
  return out;
}

isl::schedule parse_schedule(const std::string& text) {
  return isl::schedule(isl_context(), text);
}

}  // namespace nasc
