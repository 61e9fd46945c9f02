// Extent arithmetic, evaluation and text.
#include "ir/extent.h"

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <set>

#include "ir/diag.h"
#include "ir/hash.h"
#include "ir/joined.h"

namespace nasc {
namespace {
constexpr int kMaxParseDepth = 64;
constexpr size_t kMaxTerms = 4096;

int64_t checked_mul(int64_t a, int64_t b) {
  int64_t r;
  if (__builtin_mul_overflow(a, b, &r)) throw UserError(code::limit, "", "an extent overflows 64 bits");
  return r;
}
int64_t checked_add(int64_t a, int64_t b) {
  int64_t r;
  if (__builtin_add_overflow(a, b, &r)) throw UserError(code::limit, "", "an extent overflows 64 bits");
  return r;
}
int64_t floor_div(int64_t a, int64_t b) {
  if (b == 0) throw UserError(code::bad_shape, "", "an extent divides by zero");
  if (a == INT64_MIN && b == -1) throw UserError(code::limit, "", "an extent overflows 64 bits");
  int64_t q = a / b;
  return (a % b != 0 && (a < 0) != (b < 0)) ? q - 1 : q;
}

std::string key(const Extent::Monomial& atoms) {
  std::string out;
  for (const auto& a : atoms) out += (out.empty() ? "" : "*") + a->text;
  return out;
}

}  // namespace

Extent::Extent(int64_t value) : constant_(value) {}

void Extent::add(const Monomial& atoms, int64_t coefficient) {
  if (!coefficient) return;
  if (atoms.empty()) {
    constant_ = checked_add(constant_, coefficient);
    return;
  }
  if (rest_.use_count() != 1) rest_ = rest_ ? std::make_shared<Terms>(*rest_) : std::make_shared<Terms>();
  auto [it, fresh] = rest_->try_emplace(key(atoms), Term{atoms, 0});
  it->second.coefficient = checked_add(it->second.coefficient, coefficient);
  if (!it->second.coefficient) rest_->erase(it);
  if (rest_->size() > kMaxTerms) throw UserError(code::limit, "", "a symbolic extent has too many terms");
  if (rest_->empty()) rest_.reset();
}

Extent Extent::parameter(const std::string& name) {
  Extent e;
  e.add({std::make_shared<Atom>(Atom{Atom::parameter, name, {}, {}})}, 1);
  return e;
}

int64_t Extent::constant() const {
  NASC_CHECK(is_constant()) << "extent " << text() << " is symbolic";
  return constant_;
}

std::vector<std::string> Extent::parameters() const {
  if (!rest_) return {};
  std::set<std::string> names;
  for (const auto& [k, t] : *rest_)
    for (const auto& atom : t.atoms) {
      if (atom->kind == Atom::parameter) names.insert(atom->text);
      for (const Extent* e : {&atom->a, &atom->b})
        for (auto& n : e->parameters()) names.insert(n);
    }
  return {names.begin(), names.end()};
}

bool Extent::is_affine() const {
  return every([](const Term& t) {
    if (t.atoms.size() > 1) return false;
    for (const auto& atom : t.atoms) {
      if (atom->kind == Atom::parameter) continue;
      if (atom->kind != Atom::floordiv || !atom->b.is_constant() || !atom->a.is_affine()) return false;
    }
    return true;
  });
}

int64_t Extent::evaluate(const std::function<int64_t(const std::string&)>& lookup) const {
  int64_t sum = 0;
  every([&](const Term& t) {
    int64_t p = t.coefficient;
    for (const auto& atom : t.atoms) {
      int64_t v = 0;
      if (atom->kind == Atom::parameter) {
        v = lookup(atom->text);
      } else {
        int64_t a = atom->a.evaluate(lookup), b = atom->b.evaluate(lookup);
        v = atom->kind == Atom::floordiv ? floor_div(a, b)
            : atom->kind == Atom::max    ? std::max(a, b)
                                         : std::min(a, b);
      }
      p = checked_mul(p, v);
    }
    sum = checked_add(sum, p);
    return true;
  });
  return sum;
}

Extent Extent::substitute(const std::function<Extent(const std::string&)>& lookup) const {
  if (!rest_) return *this;
  Extent sum;
  every([&](const Term& t) {
    Extent p = t.coefficient;
    for (const auto& atom : t.atoms) {
      if (atom->kind == Atom::parameter) {
        p = p * lookup(atom->text);
        continue;
      }
      Extent a = atom->a.substitute(lookup), b = atom->b.substitute(lookup);
      p = p * (atom->kind == Atom::floordiv ? nasc::floordiv(a, b)
               : atom->kind == Atom::max    ? nasc::max(a, b)
                                            : nasc::min(a, b));
    }
    sum = sum + p;
    return true;
  });
  return sum;
}

std::vector<Extent::Term> Extent::terms() const {
  std::vector<Term> out;
  every([&](const Term& t) { return out.push_back(t), true; });
  std::stable_sort(out.begin(), out.end(),
                   [](const Term& a, const Term& b) { return a.atoms.size() > b.atoms.size(); });
  return out;
}

std::string Extent::text() const {
  if (!rest_) return std::to_string(constant_);
  std::string out;
  for (const Term& t : terms()) {
    int64_t c = t.coefficient;
    if (!out.empty()) out += c < 0 ? " - " : " + ";
    else if (c < 0) out += "-";
    std::string number = std::to_string(c);
    if (c < 0) number.erase(0, 1);
    std::string product = key(t.atoms);
    if (product.empty()) out += number;
    else out += (number == "1" ? "" : number + "*") + product;
  }
  return out;
}

Extent operator+(const Extent& a, const Extent& b) {
  Extent r = a;
  b.every([&](const Extent::Term& t) { return r.add(t.atoms, t.coefficient), true; });
  return r;
}
Extent operator-(const Extent& a, const Extent& b) { return a + b * Extent(-1); }
Extent operator*(const Extent& a, const Extent& b) {
  if (!a.rest_ && !b.rest_) return checked_mul(a.constant_, b.constant_);
  Extent r;
  a.every([&](const Extent::Term& ta) {
    return b.every([&](const Extent::Term& tb) {
      Extent::Monomial atoms = ta.atoms;
      atoms.insert(atoms.end(), tb.atoms.begin(), tb.atoms.end());
      std::sort(atoms.begin(), atoms.end(), [](auto& x, auto& y) { return x->text < y->text; });
      r.add(atoms, checked_mul(ta.coefficient, tb.coefficient));
      return true;
    });
  });
  return r;
}

namespace {
Extent function(Extent::Atom::Kind kind, const char* name, const Extent& a, const Extent& b) {
  std::string text = kind == Extent::Atom::floordiv
                         ? "floor((" + a.text() + ")/" + (b.is_constant() ? b.text() : "(" + b.text() + ")") + ")"
                         : std::string(name) + "(" + a.text() + ", " + b.text() + ")";
  return Extent::of({kind, text, a, b});
}
}  // namespace

Extent Extent::of(Atom atom) {
  Extent e;
  e.add({std::make_shared<Atom>(std::move(atom))}, 1);
  return e;
}

Extent floordiv(const Extent& a, const Extent& b) {
  if (b.is(1)) return a;
  if (a.is_constant() && b.is_constant()) return floor_div(a.constant(), b.constant());
  if (std::vector<Extent::Term> terms = b.terms(); terms.size() == 1) {  // exact when it divides every term of a
    const Extent::Term& d = terms[0];
    Extent quotient;
    bool exact = a.every([&](const Extent::Term& t) {
      Extent::Monomial rest = t.atoms;
      for (const auto& atom : d.atoms) {
        auto it = std::find_if(rest.begin(), rest.end(), [&](auto& x) { return x->text == atom->text; });
        if (it == rest.end()) return false;
        rest.erase(it);
      }
      if (t.coefficient % d.coefficient) return false;
      quotient.add(rest, t.coefficient / d.coefficient);
      return true;
    });
    if (exact) return quotient;
  }
  if (a == b) return 1;
  if (b.is_constant() && b.constant() > 1) {  // floor((6*N + 5)/3) = 2*N + 1
    Extent whole, rest;
    a.every([&](const Extent::Term& t) {
      return (t.coefficient % b.constant() == 0 ? whole : rest).add(t.atoms, t.coefficient), true;
    });
    if (rest.is_constant()) return floordiv(whole, b) + floor_div(rest.constant(), b.constant());
  }
  return function(Extent::Atom::floordiv, "floor", a, b);
}
Extent max(const Extent& a, const Extent& b) {
  if (a == b) return a;
  Extent d = a - b;
  if (d.is_constant()) return d.constant() >= 0 ? a : b;
  return a.text() < b.text() ? function(Extent::Atom::max, "max", a, b) : max(b, a);
}
Extent min(const Extent& a, const Extent& b) {
  if (a == b) return a;
  Extent d = a - b;
  if (d.is_constant()) return d.constant() <= 0 ? a : b;
  return a.text() < b.text() ? function(Extent::Atom::min, "min", a, b) : min(b, a);
}
Extent ceildiv(const Extent& a, const Extent& b) { return floordiv(a + b - 1, b); }

Extent product(const Shape& shape) {
  Extent p = 1;
  for (const auto& e : shape) p = p * e;
  return p;
}
std::string text(const Shape& shape) {
  std::string out = "[";
  for (size_t i = 0; i < shape.size(); ++i) out += (i ? ", " : "") + shape[i].text();
  return out + "]";
}
bool is_static(const Shape& shape) {
  return std::all_of(shape.begin(), shape.end(), [](const Extent& e) { return e.is_constant(); });
}
std::vector<int64_t> constants(const Shape& shape) {
  std::vector<int64_t> out;
  for (const auto& e : shape) out.push_back(e.constant());
  return out;
}
Shape shape_of(const std::vector<int64_t>& extents) { return {extents.begin(), extents.end()}; }

std::string isl_text(const Extent& extent) {
  if (extent.is_affine()) return extent.text();
  char name[32];
  std::snprintf(name, sizeof name, "q_%016llx", static_cast<unsigned long long>(hash_text(extent.text())));
  return name;
}

std::string isl_parameters(const Shape& extents) {
  std::vector<std::string> names;
  for (const Extent& e : extents)
    for (const std::string& name : e.is_affine() ? e.parameters() : std::vector{isl_text(e)})
      if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  return names.empty() ? "" : "[" + joined(names) + "] -> ";
}

namespace {
struct Parser {
  const std::string& s;
  size_t at = 0;
  int depth = 0;
  [[noreturn]] void fail() const {
    throw UserError(code::bad_text, "", "bad extent '" + escaped(s.substr(0, 80)) + "'");
  }
  void space() {
    while (at < s.size() && s[at] == ' ') ++at;
  }
  bool eat(char c) {
    space();
    if (at < s.size() && s[at] == c) return ++at, true;
    return false;
  }
  void need(char c) {
    if (!eat(c)) fail();
  }
  Extent sum() {
    if (++depth > kMaxParseDepth) fail();
    Extent r = eat('-') ? Extent(0) - term() : term();
    for (;;) {
      if (eat('+')) r = r + term();
      else if (eat('-')) r = r - term();
      else break;
    }
    --depth;
    return r;
  }
  Extent term() {
    Extent r = factor();
    while (eat('*')) r = r * factor();
    return r;
  }
  Extent factor() {
    space();
    if (eat('(')) {
      Extent r = sum();
      need(')');
      return r;
    }
    if (at < s.size() && std::isdigit(static_cast<unsigned char>(s[at]))) {
      int64_t v = 0;
      while (at < s.size() && std::isdigit(static_cast<unsigned char>(s[at])))
        v = checked_add(checked_mul(v, 10), s[at++] - '0');
      return v;
    }
    std::string name;
    while (at < s.size() && (std::isalnum(static_cast<unsigned char>(s[at])) || s[at] == '_'))
      name += s[at++];
    if (name.empty()) fail();
    if (name == "floor" && eat('(')) {
      Extent a = sum();
      need('/');
      Extent b = factor();
      need(')');
      return floordiv(a, b);
    }
    if ((name == "max" || name == "min") && eat('(')) {
      Extent a = sum();
      need(',');
      Extent b = sum();
      need(')');
      return name == "max" ? max(a, b) : min(a, b);
    }
    return Extent::parameter(name);
  }
};
}  // namespace

Extent Extent::parse(const std::string& text) {
  Parser p{text};
  Extent e = p.sum();
  p.space();
  if (p.at != text.size()) p.fail();
  return e;
}

}  // namespace nasc
