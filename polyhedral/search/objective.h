// What a search is for, as text: objectives over metrics, constraints, Pareto sets.
//
//   min latency_ms s.t. macs_ratio <= 0.6, fisher >= 0.9
//   max accuracy - 0.10 * abs(latency_ms / 8 - 1)
//   pareto(min latency_ms, max accuracy) s.t. params < 5e6
//
// Expressions: numbers, metric names (letters, digits, _ . :), + - * / ^, unary -, abs, log, exp,
// sqrt, min, max, parentheses. `and` is a comma. A constraint compares an expression with a number.
#pragma once

#include <map>
#include <memory>

#include "polyhedral/search/strategy.h"

namespace nasc {

// A measured or judged number, with a half-width of its confidence interval (0: exact).
struct Metric {
  double value = 0, error = 0;
  bool operator==(const Metric&) const = default;
};
using Metrics = std::map<std::string, Metric>;

struct ObjectiveExpr; // immutable tree
struct ObjectiveTerm {
  std::shared_ptr<const ObjectiveExpr> expr;
  bool maximise = false;
};
// A bound holds with confidence: a single metric counts with its error against it, so that what is
// undecided within the error is no.
struct ObjectiveBound {
  std::shared_ptr<const ObjectiveExpr> expr;
  std::string relation; // < <= > >= =
  double limit = 0;
};
struct Objective {
  std::vector<ObjectiveTerm> terms; // several: Pareto
  std::vector<ObjectiveBound> bounds;
};
// Throws UserError usage `--objective:COLUMN`.
Objective parse_objective(const std::string& text);
std::string text(const Objective& objective); // parses to the same
std::string text(const ObjectiveBound& bound);
std::vector<std::string> metrics_of(const Objective& objective); // sorted

// Value of an expression, when all its metrics are there and it is a number.
std::optional<double> value(const ObjectiveExpr& expr, const Metrics& metrics);
// How far a bound is missed, relative to its limit; 0: it holds; nothing: not known yet.
std::optional<double> violation(const ObjectiveBound& bound, const Metrics& metrics);
// The first bound that the known metrics break, in words; empty: none.
std::string broken(const Objective& objective, const Metrics& metrics);
// Objectives to be minimised and the sum of violations. Without all metrics: not usable.
Outcome outcome(const Objective& objective, const Metrics& metrics);
// Whether each term and bound is linear in metrics, so that sums over layers decide it: for
// `exact`.
bool additive(const Objective& objective);

} // namespace nasc
