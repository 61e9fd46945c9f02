// The only file that includes PPL, whose initialisation would otherwise leave the process rounding
// upward.
#define PPL_NO_AUTOMATIC_INITIALIZATION
#include <ppl.hh>

#include "legality/order_ppl.h"

#include <atomic>
#include <cfenv>
#include <mutex>

#include "legality/conflict_cases.h"

namespace nasc {
namespace {
namespace ppl = Parma_Polyhedra_Library;

std::atomic<uint64_t> quota = 400'000'000;
std::atomic<void (*)()> probe = nullptr;
std::mutex one_at_a_time; // PPL's weight and watchers are process-wide

struct OverWeight {};
void throw_over_weight() { throw OverWeight(); }

// PPL's rounding mode while in scope, the caller's after.
struct Entry {
  Entry() : lock(one_at_a_time), rounding(std::fegetround()) {
    static const bool initialised = [] {
      ppl::initialize();
      ppl::restore_pre_PPL_rounding();
      return true;
    }();
    (void)initialised;
    ppl::set_rounding_for_PPL();
    if (auto f = probe.load())
      f();
  }
  ~Entry() {
    ppl::restore_pre_PPL_rounding();
    std::fesetround(rounding);
  }
  std::lock_guard<std::mutex> lock;
  int rounding;
};

int64_t number(const ppl::Coefficient& c) {
  if (!c.fits_slong_p())
    throw IntegerOverflow();
  return c.get_si();
}

ppl::Linear_Expression expression(const LinearForm& form, const std::map<int, int>& columns) {
  ppl::Linear_Expression out(ppl::Coefficient(static_cast<long>(form.constant)));
  for (auto [variable, c] : form.terms)
    out += ppl::Coefficient(static_cast<long>(c)) * ppl::Variable(columns.at(variable));
  return out;
}

std::optional<std::map<int, int64_t>> integer_point(const IntegerSystem& system) {
  std::map<int, int> columns;
  for (auto* list : {&system.equations(), &system.bounds()})
    for (const LinearForm& f : *list)
      for (auto [variable, c] : f.terms)
        columns.emplace(variable, columns.size());
  ppl::MIP_Problem problem(columns.size());
  problem.set_control_parameter(ppl::MIP_Problem::PRICING_TEXTBOOK);
  ppl::Variables_Set integers;
  for (auto [variable, column] : columns)
    integers.insert(column);
  problem.add_to_integer_space_dimensions(integers);
  for (const LinearForm& e : system.equations())
    problem.add_constraint(expression(e, columns) == 0);
  for (const LinearForm& b : system.bounds())
    problem.add_constraint(expression(b, columns) >= 0);
  if (!problem.is_satisfiable())
    return std::nullopt;
  const ppl::Generator& point = problem.feasible_point();
  std::map<int, int64_t> values;
  for (auto [variable, column] : columns) {
    ppl::Coefficient c = 0;
    if (static_cast<size_t>(column) < point.space_dimension())
      c = point.coefficient(ppl::Variable(column));
    NASC_CHECK(c % point.divisor() == 0) << "PPL's point is not integer";
    values[variable] = number(c / point.divisor());
  }
  return values;
}
} // namespace

void set_ppl_quota(uint64_t weight) { quota = weight; }
uint64_t ppl_quota() { return quota; }
void set_ppl_probe_for_tests(void (*f)()) { probe = f; }

IntegerAnswer ppl_integer_point(IntegerSystem system, uint64_t& weight, bool simplify) {
  uint64_t rows = 1 + system.equations().size() + system.bounds().size();
  if (weight <= rows) {
    weight = 0;
    return {Emptiness::gave_up, {}};
  }
  weight -= rows;
  if (simplify && !system.simplify())
    return {Emptiness::empty, {}};
  Entry entry;
  uint64_t before = ppl::Weightwatch_Traits::get();
  auto spent = [&] {
    uint64_t used = ppl::Weightwatch_Traits::get() - before;
    weight = used < weight ? weight - used : 0;
  };
  try {
    ppl::Threshold_Watcher<ppl::Weightwatch_Traits> limit(weight, throw_over_weight);
    std::optional<std::map<int, int64_t>> values = integer_point(system);
    spent();
    if (!values)
      return {Emptiness::empty, {}};
    std::vector<int64_t> point = system.complete(*values);
    NASC_CHECK(system.holds(point)) << "PPL's point violates a constraint";
    return {Emptiness::point, point};
  } catch (const OverWeight&) {
    spent();
    return {Emptiness::gave_up, {}};
  }
}

Verdict judge_order_by_ppl(const Kernel& kernel, bool simplify) {
  uint64_t weight = quota;
  try {
    return judge_cases(
        kernel, [&](const IntegerSystem& s) { return ppl_integer_point(s, weight, simplify); },
        simplify);
  } catch (const IntegerOverflow&) {
    return gave_up("PPL");
  }
}

} // namespace nasc
