// Expression trees: parsing, printing, evaluation.
#include "polyhedral/search/objective.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <set>

namespace nasc {

struct ObjectiveExpr {
  enum Kind { number, metric, call } kind = number;
  double value = 0;
  std::string name; // metric; + - * / ^ or a function
  std::vector<std::shared_ptr<const ObjectiveExpr>> items;
};

namespace {
using Expr = std::shared_ptr<const ObjectiveExpr>;

// Whole exponents by multiplication; a negative base has no other powers.
double power(double base, double exponent) {
  if (exponent != std::nearbyint(exponent) || std::abs(exponent) > 64)
    return base < 0 ? std::numeric_limits<double>::quiet_NaN() : portable_pow(base, exponent);
  double out = 1;
  for (int i = 0; i < std::abs(exponent); ++i)
    out *= base;
  return exponent < 0 ? 1 / out : out;
}

struct Function {
  const char* name;
  size_t arity;
  double (*of)(const double*);
};
const Function kFunctions[] = {
    {"+", 2, [](const double* x) { return x[0] + x[1]; }},
    {"-", 2, [](const double* x) { return x[0] - x[1]; }},
    {"*", 2, [](const double* x) { return x[0] * x[1]; }},
    {"/", 2, [](const double* x) { return x[0] / x[1]; }},
    {"^", 2, [](const double* x) { return power(x[0], x[1]); }},
    {"neg", 1, [](const double* x) { return -x[0]; }},
    {"abs", 1, [](const double* x) { return std::abs(x[0]); }},
    {"log", 1, [](const double* x) { return portable_log(x[0]); }},
    {"exp", 1, [](const double* x) { return portable_exp(x[0]); }},
    {"sqrt", 1, [](const double* x) { return std::sqrt(x[0]); }},
    {"min", 2, [](const double* x) { return std::min(x[0], x[1]); }},
    {"max", 2, [](const double* x) { return std::max(x[0], x[1]); }},
};
const Function* function(const std::string& name) {
  for (const Function& f : kFunctions)
    if (name == f.name)
      return &f;
  return nullptr;
}
int strength(const std::string& op) {
  return op == "+" || op == "-"   ? 1
         : op == "*" || op == "/" ? 2
         : op == "neg"            ? 3
         : op == "^"              ? 4
                                  : 5;
}

class Parser {
public:
  explicit Parser(const std::string& text) : text_(text) { skip(); }

  Objective objective() {
    Objective out;
    if (accept_word("pareto")) {
      bool parentheses = accept("(");
      do
        out.terms.push_back(term());
      while (accept(","));
      if (parentheses)
        expect(")");
    } else {
      out.terms.push_back(term());
    }
    if (accept_word("s.t.") || accept_word("st") || accept_word("where")) {
      do
        out.bounds.push_back(bound());
      while (accept(",") || accept_word("and"));
    }
    if (at_ != text_.size())
      fail("expected s.t., a comma or the end, found " + escaped(text_.substr(at_, 12)));
    return out;
  }

private:
  [[noreturn]] void fail(const std::string& what) const {
    throw UserError(code::usage, nasc::text("--objective:", at_ + 1), what);
  }
  void skip() {
    while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_])))
      ++at_;
  }
  bool accept(const std::string& mark) {
    if (text_.compare(at_, mark.size(), mark) != 0)
      return false;
    at_ += mark.size();
    skip();
    return true;
  }
  void expect(const char* mark) {
    if (!accept(mark))
      fail(nasc::text("expected ", mark));
  }
  static bool name_char(char c) {
    return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '.' || c == ':';
  }
  size_t name_end() const {
    size_t end = at_;
    while (end < text_.size() && name_char(text_[end]))
      ++end;
    return end;
  }
  bool accept_word(const std::string& word) {
    return text_.compare(at_, name_end() - at_, word) == 0 && accept(word);
  }

  ObjectiveTerm term() {
    ObjectiveTerm out;
    if (!is_call() && accept_word("max"))
      out.maximise = true;
    else if (!is_call())
      accept_word("min");
    out.expr = sum(0);
    return out;
  }
  // `min(a, b)` is a function, `min (a + b) * c` would be an objective: no space decides.
  bool is_call() const { return name_end() < text_.size() && text_[name_end()] == '('; }

  ObjectiveBound bound() {
    ObjectiveBound out;
    out.expr = sum(0);
    for (const char* relation : {"<=", ">=", "==", "=", "<", ">"})
      if (out.relation.empty() && accept(relation))
        out.relation = relation == std::string("==") ? "=" : relation;
    if (out.relation.empty())
      fail("expected < <= > >= or = and a number");
    bool negative = accept("-");
    out.limit = number() * (negative ? -1 : 1);
    return out;
  }

  double number() {
    double out = 0;
    auto [end, error] = std::from_chars(text_.data() + at_, text_.data() + text_.size(), out);
    if (error != std::errc() || !std::isfinite(out))
      fail("expected a number");
    at_ = static_cast<size_t>(end - text_.data());
    if (at_ < text_.size() && name_char(text_[at_]))
      fail("a number with a unit; metrics carry their units in their names");
    skip();
    return out;
  }

  static Expr node(const std::string& name, std::vector<Expr> items) {
    return std::make_shared<ObjectiveExpr>(
        ObjectiveExpr{ObjectiveExpr::call, 0, name, std::move(items)});
  }

  Expr sum(int depth) {
    if (depth > 100)
      fail("the expression nests too deeply");
    Expr out = product(depth);
    while (true)
      if (accept("+"))
        out = node("+", {out, product(depth)});
      else if (accept("-"))
        out = node("-", {out, product(depth)});
      else
        return out;
  }
  Expr product(int depth) {
    Expr out = factor(depth);
    while (true)
      if (accept("*"))
        out = node("*", {out, factor(depth)});
      else if (accept("/"))
        out = node("/", {out, factor(depth)});
      else
        return out;
  }
  Expr factor(int depth) {
    if (depth > 100)
      fail("the expression nests too deeply");
    if (accept("-"))
      return node("neg", {factor(depth + 1)});
    Expr base = atom(depth);
    return accept("^") ? node("^", {base, factor(depth + 1)}) : base;
  }
  Expr atom(int depth) {
    if (accept("(")) {
      Expr out = sum(depth + 1);
      expect(")");
      return out;
    }
    if (at_ < text_.size() &&
        (std::isdigit(static_cast<unsigned char>(text_[at_])) || text_[at_] == '.'))
      return std::make_shared<ObjectiveExpr>(
          ObjectiveExpr{ObjectiveExpr::number, number(), "", {}});
    std::string name = text_.substr(at_, name_end() - at_);
    if (name.empty())
      fail(at_ == text_.size()
               ? "unexpected end"
               : "expected a metric or a number, found " + escaped(text_.substr(at_, 1)));
    at_ += name.size();
    skip();
    if (!accept("("))
      return std::make_shared<ObjectiveExpr>(ObjectiveExpr{ObjectiveExpr::metric, 0, name, {}});
    const Function* f = function(name);
    if (!f)
      fail("no function " + escaped(name) + "; there are abs, log, exp, sqrt, min and max");
    std::vector<Expr> items;
    do
      items.push_back(sum(depth + 1));
    while (accept(","));
    expect(")");
    if (items.size() != f->arity)
      fail(nasc::text(name, " takes ", f->arity, " values"));
    return node(name, std::move(items));
  }

  const std::string& text_;
  size_t at_ = 0;
};

std::string text_of(const ObjectiveExpr& e, int outer) {
  if (e.kind == ObjectiveExpr::number)
    return number_text(e.value);
  if (e.kind == ObjectiveExpr::metric)
    return e.name;
  int own = strength(e.name);
  std::string out;
  if (own == 5) {
    for (const Expr& item : e.items)
      out += (out.empty() ? "" : ", ") + text_of(*item, 0);
    return e.name + "(" + out + ")";
  }
  if (e.name == "neg")
    out = "-" + text_of(*e.items[0], own);
  else if (e.name == "^")
    out = text_of(*e.items[0], own + 1) + "^" + text_of(*e.items[1], 3);
  else
    out = text_of(*e.items[0], own) + " " + e.name + " " + text_of(*e.items[1], own + 1);
  return own < outer ? "(" + out + ")" : out;
}

void collect(const ObjectiveExpr& e, std::set<std::string>& names) {
  if (e.kind == ObjectiveExpr::metric)
    names.insert(e.name);
  for (const Expr& item : e.items)
    collect(*item, names);
}

// Degree in metrics: 0, 1, or 2 for what is not linear without constant.
int degree(const ObjectiveExpr& e) {
  if (e.kind != ObjectiveExpr::call)
    return e.kind == ObjectiveExpr::metric;
  int a = degree(*e.items[0]), b = e.items.size() > 1 ? degree(*e.items[1]) : 0;
  if (a == 0 && b == 0)
    return 0;
  if (e.name == "+" || e.name == "-")
    return a == b ? a : 2;
  if (e.name == "*")
    return a + b;
  return (e.name == "neg" || (e.name == "/" && b == 0)) ? a : 2;
}
} // namespace

Objective parse_objective(const std::string& text) { return Parser(text).objective(); }

std::string text(const ObjectiveBound& bound) {
  return text_of(*bound.expr, 0) + " " + bound.relation + " " + number_text(bound.limit);
}

std::string text(const Objective& objective) {
  std::string out;
  for (const ObjectiveTerm& t : objective.terms)
    out +=
        (out.empty() ? "" : ", ") + std::string(t.maximise ? "max " : "min ") + text_of(*t.expr, 0);
  if (objective.terms.size() > 1)
    out = "pareto(" + out + ")";
  for (const ObjectiveBound& b : objective.bounds)
    out += (&b == objective.bounds.data() ? " s.t. " : ", ") + text(b);
  return out;
}

std::vector<std::string> metrics_of(const Objective& objective) {
  std::set<std::string> names;
  for (const ObjectiveTerm& t : objective.terms)
    collect(*t.expr, names);
  for (const ObjectiveBound& b : objective.bounds)
    collect(*b.expr, names);
  return {names.begin(), names.end()};
}

std::optional<double> value(const ObjectiveExpr& e, const Metrics& metrics) {
  double out = e.value;
  if (e.kind == ObjectiveExpr::metric) {
    auto found = metrics.find(e.name);
    if (found == metrics.end())
      return {};
    out = found->second.value;
  } else if (e.kind == ObjectiveExpr::call) {
    double x[2] = {0, 0};
    for (size_t i = 0; i < e.items.size(); ++i) {
      auto item = value(*e.items[i], metrics);
      if (!item)
        return {};
      x[i] = *item;
    }
    out = function(e.name)->of(x);
  }
  if (!std::isfinite(out))
    return {};
  return out;
}

std::optional<double> violation(const ObjectiveBound& b, const Metrics& metrics) {
  std::optional<double> x = value(*b.expr, metrics);
  if (!x)
    return {};
  double error = b.expr->kind == ObjectiveExpr::metric ? metrics.at(b.expr->name).error : 0;
  double high = *x + error - b.limit, low = b.limit - (*x - error);
  bool below = b.relation[0] == '<', above = b.relation[0] == '>';
  double excess = below ? high : above ? low : std::max(high, low);
  bool strict = b.relation == "<" || b.relation == ">";
  if (excess < 0 || (excess == 0 && !strict))
    return 0;
  double relative = excess / std::max(std::abs(b.limit), 1e-9);
  return std::max(relative, 1e-12); // a strict bound that is just met is missed
}

std::string broken(const Objective& objective, const Metrics& metrics) {
  for (const ObjectiveBound& b : objective.bounds) {
    auto miss = violation(b, metrics);
    if (!miss || *miss == 0)
      continue;
    std::string out = text(b) + ": it is " + number_text(*value(*b.expr, metrics));
    if (b.expr->kind == ObjectiveExpr::metric && metrics.at(b.expr->name).error > 0)
      out += " +- " + number_text(metrics.at(b.expr->name).error);
    return out;
  }
  return "";
}

Outcome outcome(const Objective& objective, const Metrics& metrics) {
  Outcome out;
  for (const ObjectiveTerm& t : objective.terms) {
    auto x = value(*t.expr, metrics);
    if (!x)
      return {};
    out.objectives.push_back(t.maximise ? -*x : *x);
  }
  for (const ObjectiveBound& b : objective.bounds) {
    auto miss = violation(b, metrics);
    if (!miss)
      return {};
    out.violation += *miss;
  }
  return out;
}

bool additive(const Objective& objective) {
  auto linear = [](const auto& t) { return degree(*t.expr) == 1; };
  return std::all_of(objective.terms.begin(), objective.terms.end(), linear) &&
         std::all_of(objective.bounds.begin(), objective.bounds.end(), linear);
}

} // namespace nasc
