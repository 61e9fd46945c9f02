// Arithmetic of the definition notation.
#include "ir/einsum_value.h"

#include <algorithm>
#include <cmath>

#include "ir/diag.h"

namespace nasc::einsum {
namespace {
[[noreturn]] void wrong(const char* wanted, const Val& v) {
  throw InternalError(text("definition: ", wanted, " wanted, not ", show(v)));
}
std::string paren(const std::string& op, const std::string& a, const std::string& b) {
  return a.empty() || b.empty() ? "" : "(" + a + " " + op + " " + b + ")";
}
bool is_compare(const std::string& op) {
  return op == "==" || op == "!=" || op == "<" || op == "<=" || op == ">" || op == ">=";
}
template <class T>
bool compare(const std::string& op, const T& a, const T& b) {
  return op == "==" ? a == b : op == "!=" ? a != b : op == "<" ? a < b : op == "<=" ? a <= b : op == ">" ? a > b : a >= b;
}
ExprRef floor_div(const ExprRef& a, const ExprRef& b) {
  return nasc::apply(Fn::div, {nasc::apply(Fn::sub, {a, nasc::apply(Fn::mod, {a, b})}), b});
}

Val index_binary(const std::string& op, const Index& a, const Index& b, bool divisor_constant, bool factor_constant) {
  if (is_compare(op))
    return Cond{paren(op == "==" ? "=" : op, a.isl, b.isl), nasc::apply(find_fn(op)->fn, {a.body, b.body})};
  auto is = [](const Index& i, int64_t n) { return i.body->fn == Fn::constant && i.body->integer == n; };
  if ((op == "*" || op == "/") && is(b, 1)) return a;
  if (op == "*" && is(a, 1)) return b;
  if ((op == "+" || op == "-") && is(b, 0)) return a;
  if (op == "+" && is(a, 0)) return b;
  if ((op == "*" && (is(a, 0) || is(b, 0))) || (op == "%" && is(b, 1))) return 0;
  if (op == "/")
    return Index{divisor_constant && !a.isl.empty() ? "floor((" + a.isl + ")/" + b.isl + ")" : "", floor_div(a.body, b.body)};
  if (op == "%")
    return Index{divisor_constant && !a.isl.empty() ? "((" + a.isl + ") mod " + b.isl + ")" : "",
                 nasc::apply(Fn::mod, {a.body, b.body})};
  if (op == "*") {  // isl wants the number first
    bool swap = b.body->fn == Fn::constant;
    return Index{factor_constant ? paren(op, swap ? b.isl : a.isl, swap ? a.isl : b.isl) : "",
                 nasc::apply(Fn::mul, {a.body, b.body})};
  }
  if (op == "+" || op == "-")
    return Index{paren(op, a.isl, b.isl), nasc::apply(op == "+" ? Fn::add : Fn::sub, {a.body, b.body})};
  throw InternalError("definition: operator " + op + " on an index");
}

Val extent_binary(const std::string& op, const Extent& a, const Extent& b) {
  if (op == "+") return a + b;
  if (op == "-") return a - b;
  if (op == "*") return a * b;
  if (op == "/" || op == "%") {
    if (b.is(0)) throw UserError(code::bad_shape, "", "division by zero");
    Extent q = floordiv(a, b);
    return op == "/" ? q : a - q * b;
  }
  if (a.is_constant() && b.is_constant()) return compare(op, a.constant(), b.constant());
  Extent d = a - b;
  if (d.is_constant()) return compare(op, d.constant(), int64_t{0});
  return index_binary(op, index_of(a), index_of(b), true, true);
}
}  // namespace

std::string show(const Val& v) {
  if (v.none()) return "none";
  if (auto e = v.as<Extent>()) return e->text();
  if (auto d = v.as<double>()) return text(*d);
  if (auto s = v.as<std::string>()) return "'" + escaped(s->substr(0, 80)) + "'";
  if (auto t = v.as<DType>()) return name(*t);
  if (auto i = v.as<Index>()) return i->isl;
  if (auto l = v.list()) {
    std::string out = "[";
    for (size_t i = 0; i < l->size(); ++i) {
      if (i == 16) return out + ", ...]";
      out += (i ? ", " : "") + show((*l)[i]);
    }
    return out + "]";
  }
  return v.as<TensorRef>() ? "a tensor" : "an expression";
}

Val list_of(const Shape& shape) { return List(shape.begin(), shape.end()); }
const Extent& extent_of(const Val& v) {
  auto e = v.as<Extent>();
  if (!e) wrong("an integer", v);
  return *e;
}
int64_t integer_of(const Val& v) {
  const Extent& e = extent_of(v);
  if (!e.is_constant())
    throw UserError(code::unsupported_shape, "", text("needs ", e.text(), " to be known at compile time"));
  return e.constant();
}
double number_of(const Val& v) {
  if (auto d = v.as<double>()) return *d;
  return static_cast<double>(integer_of(v));
}
const List& list_of(const Val& v) {
  auto l = v.list();
  if (!l) wrong("a list", v);
  return *l;
}
Shape shape_of(const Val& v) {
  Shape out;
  for (const auto& e : list_of(v)) out.push_back(extent_of(e));
  return out;
}
std::vector<int64_t> integers_of(const Val& v) {
  std::vector<int64_t> out;
  for (const auto& e : list_of(v)) out.push_back(integer_of(e));
  return out;
}

std::optional<bool> truth(const Val& v) {
  if (v.none()) return false;
  if (auto e = v.as<Extent>()) return e->is_constant() ? std::optional(!e->is(0)) : std::nullopt;
  if (auto d = v.as<double>()) return *d != 0;
  if (auto l = v.list()) {
    bool unknown = false;
    for (const auto& e : *l) {
      auto t = truth(e);
      if (t == false) return false;
      unknown |= !t;
    }
    return unknown ? std::nullopt : std::optional(true);
  }
  if (v.as<Cond>() || v.as<ExprRef>()) return std::nullopt;
  return true;
}

ExprRef body_of(const Val& v, DType want) {
  if (auto e = v.as<ExprRef>()) return *e;
  if (auto c = v.as<Cond>()) return c->body;
  if (auto d = v.as<double>()) return constant(want, *d);
  if (auto e = v.as<Extent>()) return e->is_constant() ? constant_int(want, e->constant()) : cast(want, extent(*e));
  if (auto i = v.as<Index>()) return cast(want, i->body);
  wrong("a scalar", v);
}
std::optional<DType> body_type(const Val& v) {
  if (auto e = v.as<ExprRef>()) return (*e)->dtype;
  if (v.as<Cond>()) return DType::boolean;
  return std::nullopt;
}
Index index_of(const Val& v) {
  if (auto i = v.as<Index>()) return *i;
  const Extent& e = extent_of(v);
  if (e.is_constant()) return {isl_text(e), constant_int(DType::i64, e.constant())};
  return {"(" + isl_text(e) + ")", extent(e)};
}
Cond cond_of(const Val& v) {
  if (auto c = v.as<Cond>()) return *c;
  auto known = truth(v);
  if (!known) wrong("a condition on indices", v);
  return {*known ? "1 = 1" : "1 = 0", constant_int(DType::boolean, *known)};
}

Val binary(const std::string& op, const Val& a, const Val& b) {
  if (op == "++") {
    List out = list_of(a);
    for (const auto& e : list_of(b)) out.push_back(e);
    return out;
  }
  if (a.list() || b.list()) {
    if (a.list() && b.list() && a.list()->size() != b.list()->size()) {
      if (op == "==" || op == "!=") return op == "!=";
      throw UserError(code::bad_shape, "", text("lists of different length: ", show(a), " and ", show(b)));
    }
    List out;
    for (size_t i = 0, n = (a.list() ? a : b).list()->size(); i < n; ++i)
      out.push_back(binary(op, a.list() ? (*a.list())[i] : a, b.list() ? (*b.list())[i] : b));
    return out;
  }
  if (op == "==" || op == "!=") {
    if (a.none() || b.none()) return (a.none() && b.none()) == (op == "==");
    auto s = a.as<std::string>(), t = b.as<std::string>();
    if (s && t) return (*s == *t) == (op == "==");
    auto x = a.as<DType>(), y = b.as<DType>();
    if (x && y) return (*x == *y) == (op == "==");
  }
  if (a.none() || b.none()) return Val();
  if (op == "and" || op == "or") {
    auto p = a.as<Cond>(), q = b.as<Cond>();
    Fn fn = op == "and" ? Fn::and_ : Fn::or_;
    if (p && q) return Cond{paren(op, p->isl, q->isl), nasc::apply(fn, {p->body, q->body})};
    return nasc::apply(fn, {body_of(a, DType::boolean), body_of(b, DType::boolean)});
  }
  if (body_type(a) || body_type(b)) {
    DType type = body_type(a) ? *body_type(a) : *body_type(b);
    return nasc::apply(op == "%" ? Fn::mod : find_fn(op)->fn, {body_of(a, type), body_of(b, type)});
  }
  if (a.as<double>() || b.as<double>()) {
    if (a.as<Index>() || b.as<Index>()) {  // an iterator in real arithmetic: double, exact for every index
      auto real = [](const Val& v) { return body_of(v, DType::f64); };
      return binary(op, real(a), real(b));
    }
    double x = number_of(a), y = number_of(b);
    if (is_compare(op)) return compare(op, x, y);
    return op == "+" ? x + y : op == "-" ? x - y : op == "*" ? x * y : op == "/" ? x / y : std::fmod(x, y);
  }
  if (a.as<Index>() || b.as<Index>()) {
    auto number = [](const Val& v) { return v.as<Extent>() && v.as<Extent>()->is_constant(); };
    if ((op == "/" || op == "%") && number(b) && integer_of(b) < 1)
      throw UserError(code::bad_shape, "", "an index is divided by " + show(b));
    return index_binary(op, index_of(a), index_of(b), number(b), number(a) || number(b));
  }
  return extent_binary(op, extent_of(a), extent_of(b));
}

Val negated(const Val& v) {
  if (auto e = v.as<ExprRef>()) return nasc::apply(Fn::neg, {*e});
  if (auto d = v.as<double>()) return -*d;
  if (v.none()) return v;
  return binary("-", 0, v);
}

bool is_scalar_function(const std::string& name) {
  const FnInfo* fn = find_fn(name);
  return fn && fn->arity >= 1 && fn->arity <= 2 && fn->fn != Fn::cast;
}

Val call_scalar(const std::string& name, const std::vector<Val>& args) {
  size_t length = 0;
  bool any_list = false;
  for (const auto& a : args)
    if (a.list()) any_list = true, length = std::max(length, a.list()->size());
  if (any_list) {
    List out;
    for (size_t i = 0; i < length; ++i) {
      std::vector<Val> one;
      for (const auto& a : args) {
        if (a.list() && a.list()->size() != length) throw UserError(code::bad_shape, "", "lists of different length");
        one.push_back(a.list() ? (*a.list())[i] : a);
      }
      out.push_back(call_scalar(name, one));
    }
    return out;
  }
  const FnInfo* fn = find_fn(name);
  NASC_CHECK(fn && fn->arity == static_cast<int>(args.size())) << "definition: arguments of " << name;
  if (fn->fn == Fn::not_ && args[0].as<Cond>()) {
    const Cond& c = *args[0].as<Cond>();
    return Cond{"not (" + c.isl + ")", nasc::apply(Fn::not_, {c.body})};
  }
  std::optional<DType> type;
  bool index = false, real = false;
  for (const auto& a : args) {
    if (a.none()) return Val();
    if (!type) type = body_type(a);
    index |= a.as<Index>() != nullptr;
    real |= a.as<double>() != nullptr;
  }
  if (!type && index) type = real ? DType::f64 : DType::i64;
  if (type) {
    std::vector<ExprRef> bodies;
    for (const auto& a : args) bodies.push_back(body_of(a, *type));
    return nasc::apply(fn->fn, std::move(bodies));
  }
  if (args.size() == 2 && args[0].as<Extent>() && args[1].as<Extent>()) {
    const Extent &a = *args[0].as<Extent>(), &b = *args[1].as<Extent>();
    bool numbers = a.is_constant() && b.is_constant();
    if (name == "max") return numbers ? std::max(a.constant(), b.constant()) : nasc::max(a, b);
    if (name == "min") return numbers ? std::min(a.constant(), b.constant()) : nasc::min(a, b);
    if (name == "mod") return binary("%", a, b);
  }
  if (name == "not") {
    auto known = truth(args[0]);
    if (!known) throw UserError(code::unsupported_shape, "", "depends on a symbolic extent");
    return !*known;
  }
  if (name == "abs" && args[0].as<Extent>()) return nasc::max(extent_of(args[0]), Extent(0) - extent_of(args[0]));
  double x = number_of(args[0]), y = args.size() > 1 ? number_of(args[1]) : 0;
  if (name == "floor") return std::floor(x);
  if (name == "ceil") return std::ceil(x);
  if (name == "round") return std::nearbyint(x);
  if (name == "abs") return std::fabs(x);
  if (name == "sqrt") return std::sqrt(x);
  if (name == "exp") return std::exp(x);
  if (name == "log") return std::log(x);
  if (name == "cos") return std::cos(x);
  if (name == "sin") return std::sin(x);
  if (name == "pow") return std::pow(x, y);
  if (name == "max") return std::max(x, y);
  if (name == "min") return std::min(x, y);
  if (name == "isnan") return std::isnan(x);
  if (name == "isinf") return std::isinf(x);
  throw InternalError("definition: " + name + " of numbers");
}

Val select(const Val& c, const Val& a, const Val& b) {
  if (auto known = truth(c)) return *known ? a : b;
  auto type = body_type(a) ? body_type(a) : body_type(b);
  if (!type) type = a.as<double>() || b.as<double>() ? DType::f64 : DType::i64;
  return nasc::apply(Fn::select, {body_of(c, DType::boolean), body_of(a, *type), body_of(b, *type)});
}

std::vector<std::vector<int64_t>> affine_pieces(const std::vector<int64_t>& list) {
  std::vector<std::vector<int64_t>> out;
  auto floor_to = [](int64_t a, int64_t b) { return a >= 0 ? a / b : -((-a + b - 1) / b); };
  // Longest prefix of list[lo..] that floor((a*i + b)/c) gives, and its b.
  auto reach = [&](size_t lo, int64_t a, int64_t c) {
    int64_t low = INT64_MIN, high = INT64_MAX, b = c * list[lo];
    size_t n = 0;
    for (; lo + n < list.size(); ++n) {
      int64_t base = c * list[lo + n] - a * static_cast<int64_t>(n);
      low = std::max(low, base);
      high = std::min(high, base + c - 1);
      if (low > high) break;
      b = low;
    }
    return std::pair(n, b);
  };
  for (size_t lo = 0; lo < list.size();) {
    std::vector<int64_t> best = {static_cast<int64_t>(lo), 1, 0, list[lo], 1};
    auto offer = [&](int64_t a, int64_t c) {
      auto [n, b] = reach(lo, a, c);
      if (static_cast<int64_t>(n) > best[1]) best = {static_cast<int64_t>(lo), static_cast<int64_t>(n), a, b, c};
    };
    offer(0, 1);
    if (lo + 1 < list.size()) offer(list[lo + 1] - list[lo], 1);
    size_t left = list.size() - lo;
    if (best[1] < static_cast<int64_t>(left) && left > 2)
      for (int64_t c = 2; c <= 16; ++c)
        for (size_t span : {left - 1, left - 2, left / 2, size_t{4}, size_t{8}, size_t{12}}) {
          if (span == 0 || span >= left) continue;
          int64_t a = floor_to(2 * c * (list[lo + span] - list[lo]) + static_cast<int64_t>(span), 2 * static_cast<int64_t>(span));
          for (int64_t d = -1; d <= 1; ++d) offer(a + d, c);
        }
    out.push_back(best);
    lo += static_cast<size_t>(best[1]);
  }
  return out;
}

}  // namespace nasc::einsum
