// The one door to isl: its C++ bindings, a context per thread, quotas, and the functions the bindings lack.
#pragma once

#include <isl/cpp.h>

#include <cstdint>
#include <exception>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "ir/diag.h"

namespace nasc {

// The isl context of the calling thread, made on first use with our options and never freed: isl values must not cross
// threads and must not outlive their context. Errors throw isl::exception_*.
isl::ctx isl_context();
// Version of the isl library that the process really uses: libLLVM exports another one.
std::string isl_version_text();

// Entries to isl, each under a quota of operations: a transformation (also with the check of its result), the order
// judge with its dependences, an analysis of the scheduler, an AST. All have a fallback.
enum class IslEntry { transformation, order, analysis, ast };
constexpr IslEntry kIslEntries[] = {IslEntry::transformation, IslEntry::order, IslEntry::analysis, IslEntry::ast};
const char* name(IslEntry entry);
// 0 = unlimited. With 1 the entry gives up at once: a test compiles the zoo that way. To be set before threads start.
void set_isl_quota(unsigned long operations);  // of all entries
void set_isl_quota(IslEntry entry, unsigned long operations);
unsigned long isl_quota(IslEntry entry = IslEntry::transformation);

// Throws isl::exception_quota when no operation is left: before something made under a quota is kept for later.
void check_isl_quota();

namespace detail {
struct QuotaScope {  // outermost scope starts counting, nested ones share its budget
  explicit QuotaScope(unsigned long operations);
  ~QuotaScope();
  QuotaScope(const QuotaScope&) = delete;
  bool outermost;
};
// No operation is left. Functions outside the bindings then give NULL, "error" or the part that they got, which
// surfaces as another error or as none, so this is asked whatever happened.
bool quota_used_up();
}  // namespace detail

// f(), or Refusal isl-quota when it used more than the quota of the outermost entry. f returns Expected<T>.
template <class F>
auto with_quota(IslEntry entry, F&& f) -> decltype(f()) {
  detail::QuotaScope scope(isl_quota(entry));
  try {
    auto out = f();
    if (!detail::quota_used_up()) return out;
  } catch (const isl::exception_quota&) {  // NOLINT(bugprone-empty-catch): refused below
  } catch (const std::exception&) {
    if (!detail::quota_used_up()) throw;
  }
  if (!scope.outermost) check_isl_quota();
  return refuse("isl-quota", "the polyhedral engine gave up within its quota");
}

// f(), or `otherwise` when an analysis used more than its quota.
template <class F>
auto analysed(F&& f, decltype(f()) otherwise) -> decltype(f()) {
  auto out = with_quota(IslEntry::analysis, [&]() -> Expected<decltype(f())> { return f(); });
  return out ? std::move(*out) : std::move(otherwise);
}

// An id with any text (isl::id(ctx, "co.p") would silently keep only "co").
isl::id make_id(const std::string& name);
// The text of a mark node.
std::string mark_name(const isl::schedule_node_mark& mark);
// Inserts a mark with any text above `node`; returns the node below the mark.
isl::schedule_node insert_mark(const isl::schedule_node& node, const std::string& text);
// Deletes the node at this position (band or mark); returns the node that takes its place.
isl::schedule_node delete_node(const isl::schedule_node& node);
// Domain elements that reach this node, with bounds (prefix_..().domain() would be a universe).
isl::union_set node_domain(const isl::schedule_node& node);
int schedule_depth(const isl::schedule_node& node);

// { x -> y : x lexicographically < y } applied to the ranges of two union maps: { D -> E : a(D) < b(E) }.
isl::union_map lex_lt(const isl::union_map& a, const isl::union_map& b);
isl::union_map lex_ge(const isl::union_map& a, const isl::union_map& b);

std::string tuple_name(const isl::set& set);
std::string range_name(const isl::map& map);
std::string domain_name(const isl::map& map);
// The same set or function between tuples of other names; an empty name keeps the old one.
isl::set renamed(const isl::set& set, const std::string& name);
isl::multi_aff renamed(const isl::multi_aff& function, const std::string& domain, const std::string& range);
// Number of set dimensions.
int dims(const isl::set& set);
// Names of the set dimensions; unnamed ones are empty.
std::vector<std::string> dim_names(const isl::set& set);
// The set with named dimensions; parameters that no constraint uses are dropped.
isl::set with_dim_names(const isl::set& set, const std::vector<std::string>& names);
std::vector<isl::basic_set> basic_sets(const isl::set& set);
std::vector<isl::set> sets(const isl::union_set& set);
std::vector<isl::map> maps(const isl::union_map& map);
std::vector<isl::pw_aff> pw_affs(const isl::union_pw_aff& aff);
std::string domain_name(const isl::pw_aff& aff);
// The same function with another tuple name of its domain, or of its range.
isl::pw_aff renamed_domain(const isl::pw_aff& aff, const std::string& name);
isl::multi_aff renamed_domain(const isl::multi_aff& map, const std::string& name);
isl::multi_aff renamed_range(const isl::multi_aff& map, const std::string& name);
// Does the function depend on input dimension `dim`?
bool involves(const isl::pw_aff& aff, int dim);
// Per constraint of `set`, the set dimensions that it mentions.
std::vector<std::vector<int>> coupled_dims(const isl::set& set);
// The set without dimension `dim`.
isl::set without_dim(const isl::set& set, int dim);
isl::pw_aff without_dim(const isl::pw_aff& aff, int dim);  // which it does not involve
// { S[i..] -> [i_dim] } on the space of `set`.
isl::pw_aff dim_value(const isl::set& set, int dim);
// Number of points when finite and the count is a constant.
std::optional<long> count(const isl::set& set);

// Constraints of a basic set as integer rows: parameters, then set dimensions, then existentials (divs), then constant.
struct Constraints {
  std::vector<std::string> parameters;
  int dims = 0, divs = 0;
  std::vector<std::vector<std::string>> equalities, inequalities;  // decimal numbers, row . x (= or >=) 0
};
Constraints constraints(const isl::basic_set& set);

// An affine function as numbers: constant + sum of coefficient*dim + parameters, all over `denominator`, or nullopt
// when it has integer divisions.
struct LinearAff {
  std::vector<long> coefficients;  // one per input dimension
  std::vector<std::pair<std::string, long>> parameters;
  long constant = 0, denominator = 1;
};
std::optional<LinearAff> linear(const isl::aff& aff);

// Any quasi-affine function: the linear part plus coefficient * floor(inner), all over linear.denominator.
struct QuasiAff {
  LinearAff linear;
  std::vector<std::pair<long, QuasiAff>> floors;
};
QuasiAff quasi(const isl::aff& aff);

// The set for given parameter values, with no parameters left. Values of other names are ignored.
isl::set with_parameters(const isl::set& set, const std::map<std::string, int64_t>& values);
// Existentially quantified variables turned into further dimensions after the set dimensions.
isl::basic_set lifted(const isl::basic_set& set);
// Least and greatest value of a dimension; nullopt when empty or unbounded. No parameters.
std::optional<std::pair<long, long>> dim_range(const isl::basic_set& set, int dim);

// Whether the value of the function depends on its i-th input (divisions included).
bool involves(const isl::aff& aff, int input);
// Smallest and largest value of one set dimension when both are constants; nullopt when symbolic, empty or unbounded.
std::optional<std::pair<int64_t, int64_t>> constant_range(const isl::set& set, int dim);
// A set as a disjunction of conjunctions of aff = 0 (equality) or aff >= 0, without existentials.
struct AffCondition {
  QuasiAff aff;
  bool equality;
};
std::vector<std::vector<AffCondition>> conditions(const isl::set& set);
// Bounds of one dimension over the whole set, as pieces { condition on parameters, aff } in no order.
std::vector<std::pair<isl::set, isl::aff>> dim_min(const isl::set& set, int dim);
std::vector<std::pair<isl::set, isl::aff>> dim_max(const isl::set& set, int dim);
isl_ast_expr_op_type op_kind(const isl::ast_expr& expr);

// Stable text of a schedule in block style; parses back to the same tree.
std::string block_text(const isl::schedule& schedule);
isl::schedule parse_schedule(const std::string& text);

}  // namespace nasc
