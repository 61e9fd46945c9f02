// Extent: an integer known at compile time, or an expression of symbolic parameters evaluated once they are known.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace nasc {

// A polynomial with integer coefficients over atoms; an atom is a parameter (`N`), `floor((E)/(E))`, `max(E, E)` or
// `min(E, E)`. Canonical: equal expressions of the same form compare equal. Arithmetic that overflows 64 bits throws
// UserError limit. Examples: 64, N, 2*N + 1, floor((H + 1)/(2)).
class Extent {
 public:
  Extent() = default;  // 0
  Extent(int64_t value);  // NOLINT(google-explicit-constructor): a number is an extent
  static Extent parameter(const std::string& name);
  // Inverse of text(); throws UserError bad_text. Depth and length limited.
  static Extent parse(const std::string& text);

  bool is_constant() const { return !rest_; }
  int64_t constant() const;  // checked: is_constant()
  bool is(int64_t value) const { return !rest_ && constant_ == value; }
  // Names of all parameters inside, sorted.
  std::vector<std::string> parameters() const;
  // Parameters occur linearly, under floor divisions by constants only: isl can express it.
  bool is_affine() const;
  // Value when `lookup` gives the parameters. Division by zero throws UserError bad_shape.
  int64_t evaluate(const std::function<int64_t(const std::string&)>& lookup) const;
  // Parameters replaced by extents.
  Extent substitute(const std::function<Extent(const std::string&)>& lookup) const;
  std::string text() const;

  friend Extent operator+(const Extent& a, const Extent& b);
  friend Extent operator-(const Extent& a, const Extent& b);
  friend Extent operator*(const Extent& a, const Extent& b);
  // floor(a / b); exact polynomial division when b divides a (768*N / 768, N*H / H).
  friend Extent floordiv(const Extent& a, const Extent& b);
  friend Extent max(const Extent& a, const Extent& b);
  friend Extent min(const Extent& a, const Extent& b);
  friend bool operator==(const Extent& a, const Extent& b) {
    if (a.constant_ != b.constant_ || !a.rest_ != !b.rest_) return false;
    return a.rest_ == b.rest_ || a.text() == b.text();
  }

  struct Atom;  // parameter or function of extents
  static Extent of(Atom atom);
  using Monomial = std::vector<std::shared_ptr<const Atom>>;  // sorted by text
  struct Term {
    Monomial atoms;
    int64_t coefficient;
  };
  // Terms in a fixed order (by degree descending, then text); the constant last. For code generators.
  std::vector<Term> terms() const;

 private:
  // Most extents are numbers, and networks are copied at every step: those cost no allocation.
  using Terms = std::map<std::string, Term>;  // key: canonical text of the monomial
  int64_t constant_ = 0;                      // the term without atoms
  std::shared_ptr<Terms> rest_;               // the others; null when there are none; copied before it is written
  void add(const Monomial& atoms, int64_t coefficient);
  // f(term) for every term, the constant first unless it is 0; stops when f gives false.
  template <class F>
  bool every(F&& f) const {
    if (constant_ && !f(Term{{}, constant_})) return false;
    if (rest_)
      for (const auto& [key, term] : *rest_)
        if (!f(term)) return false;
    return true;
  }
};

struct Extent::Atom {
  enum Kind { parameter, floordiv, max, min } kind;
  std::string text;
  Extent a, b;  // operands of the functions
};

Extent operator+(const Extent& a, const Extent& b);
Extent operator-(const Extent& a, const Extent& b);
Extent operator*(const Extent& a, const Extent& b);
Extent floordiv(const Extent& a, const Extent& b);
Extent max(const Extent& a, const Extent& b);
Extent min(const Extent& a, const Extent& b);
Extent ceildiv(const Extent& a, const Extent& b);
using Shape = std::vector<Extent>;
Extent product(const Shape& shape);
std::string text(const Shape& shape);  // `[N, 64, 56, 56]`
bool is_static(const Shape& shape);
std::vector<int64_t> constants(const Shape& shape);  // checked: is_static
Shape shape_of(const std::vector<int64_t>& extents);

// How isl writes this extent: itself when affine, else the name of a derived parameter (`q_` + hash) that
// stands for it; the run time evaluates derived parameters from their extents.
std::string isl_text(const Extent& extent);
// `[N, q_12] -> `: declares for isl what the texts of these extents mention; empty when they are numbers.
std::string isl_parameters(const Shape& extents);

}  // namespace nasc
