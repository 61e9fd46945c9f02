// Quasi-affine integer arithmetic of the emitter: sums of coefficient x atom, simplified by the ranges of the atoms.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "codegen/nest.h"
#include "ir/extent.h"

namespace nasc {

struct Range {  // closed; the infinities absorb
  int64_t lo, hi;
};
constexpr int64_t kInfinity = INT64_MAX / 4;

// constant + sum of coefficient * atom; atoms ascending, no zero coefficients.
struct Quasi {
  std::vector<std::pair<int, int64_t>> terms;
  int64_t constant = 0;
  Quasi() = default;
  Quasi(int64_t value) : constant(value) {}
  bool is_constant() const { return terms.empty(); }
  int64_t coefficient(int atom) const;
  friend auto operator<=>(const Quasi&, const Quasi&) = default;
};
Quasi operator+(const Quasi& a, const Quasi& b);
Quasi operator-(const Quasi& a, const Quasi& b);
Quasi operator*(const Quasi& a, int64_t by);

struct Cond;
using CondRef = std::shared_ptr<const Cond>;
struct Cond {  // ge: value >= 0; eq: value = 0
  enum Kind { always, never, ge, eq, and_, or_, not_ } kind;
  Quasi value;
  CondRef a, b;
};

struct Atom {
  // floordiv, mod: args[0] by args[1] (a positive constant unless symbolic); product: of all args, atoms each.
  enum Kind { variable, parameter, floordiv, mod, min, max, product, select } kind;
  std::string name;         // variable, parameter
  std::vector<Quasi> args;  // select: then, else
  CondRef condition;
  Range range{-kInfinity, kInfinity};
};

// Owns the atoms; equal atoms are one.
class Algebra {
 public:
  int variable(const std::string& name, Range range);  // a fresh one each time
  Quasi parameter(const std::string& name);
  const Atom& atom(int a) const { return atoms_[a]; }
  Range range(const Quasi& q) const;

  Quasi floordiv(const Quasi& q, int64_t by);
  Quasi mod(const Quasi& q, int64_t by);
  Quasi min(const Quasi& a, const Quasi& b);
  Quasi max(const Quasi& a, const Quasi& b);
  Quasi mul(const Quasi& a, const Quasi& b);
  Quasi select(const CondRef& c, const Quasi& a, const Quasi& b);
  CondRef ge(const Quasi& q);
  CondRef eq(const Quasi& q);
  CondRef both(const CondRef& a, const CondRef& b);
  CondRef either(const CondRef& a, const CondRef& b);
  CondRef negated(const CondRef& a);

  // Loop variables by name in scope; other names are parameters.
  using Scope = std::map<std::string, int>;
  Quasi value(const NestExprRef& e, const Scope& scope);
  CondRef condition(const NestExprRef& e, const Scope& scope);
  Quasi value(const Extent& e);
  Quasi value(const QuasiAff& aff, const std::vector<Quasi>& dims);

  // Variables replaced; simplified again.
  using Bindings = std::map<int, Quasi>;
  Quasi substitute(const Quasi& q, const Bindings& with);
  CondRef substitute(const CondRef& c, const Bindings& with);
  bool depends(const Quasi& q, int variable) const;
  bool depends(const CondRef& c, int variable) const;
  // `variable` occurs inside an atom other than itself.
  bool hides(const Quasi& q, int variable) const;

 private:
  std::vector<Atom> atoms_;
  std::map<std::pair<int, std::vector<Quasi>>, int> interned_;
  std::map<std::string, int> parameters_;
  Quasi make(Atom atom);
  Quasi minmax(Atom::Kind kind, const Quasi& a, const Quasi& b);
};

}  // namespace nasc
