// Arithmetic, ranges and simplification of quasi-affine sums.
#include "codegen/quasi.h"

#include <algorithm>
#include <numeric>

namespace nasc {
namespace {
int64_t saturate(__int128 v) {
  if (v >= kInfinity) return kInfinity;
  if (v <= -kInfinity) return -kInfinity;
  return static_cast<int64_t>(v);
}
int64_t times(int64_t a, int64_t b) { return saturate(static_cast<__int128>(a) * b); }
int64_t plus(int64_t a, int64_t b) {
  if (a <= -kInfinity || b <= -kInfinity) return -kInfinity;
  return saturate(static_cast<__int128>(a) + b);
}
int64_t floor_of(int64_t a, int64_t b) {  // b > 0
  if (a >= kInfinity || a <= -kInfinity) return a;
  int64_t q = a / b;
  return a % b < 0 ? q - 1 : q;
}
bool finite(Range r) { return r.lo > -kInfinity && r.hi < kInfinity; }
const CondRef kAlways = std::make_shared<const Cond>(Cond{Cond::always, {}, {}, {}});
const CondRef kNever = std::make_shared<const Cond>(Cond{Cond::never, {}, {}, {}});
}  // namespace

int64_t Quasi::coefficient(int atom) const {
  for (const auto& [a, c] : terms)
    if (a == atom) return c;
  return 0;
}

Quasi operator+(const Quasi& a, const Quasi& b) {
  Quasi out(a.constant + b.constant);
  out.terms.reserve(a.terms.size() + b.terms.size());
  size_t i = 0, j = 0;
  while (i < a.terms.size() || j < b.terms.size()) {
    if (j == b.terms.size() || (i < a.terms.size() && a.terms[i].first < b.terms[j].first)) {
      out.terms.push_back(a.terms[i++]);
    } else if (i == a.terms.size() || b.terms[j].first < a.terms[i].first) {
      out.terms.push_back(b.terms[j++]);
    } else {
      int64_t c = a.terms[i].second + b.terms[j].second;
      if (c) out.terms.emplace_back(a.terms[i].first, c);
      ++i, ++j;
    }
  }
  return out;
}
Quasi operator*(const Quasi& a, int64_t by) {
  if (!by) return 0;
  Quasi out = a;
  out.constant *= by;
  for (auto& t : out.terms) t.second *= by;
  return out;
}
Quasi operator-(const Quasi& a, const Quasi& b) { return a + b * -1; }

int Algebra::variable(const std::string& name, Range range) {
  atoms_.push_back({Atom::variable, name, {}, {}, range});
  return static_cast<int>(atoms_.size()) - 1;
}
Quasi Algebra::parameter(const std::string& name) {
  auto [it, fresh] = parameters_.try_emplace(name, static_cast<int>(atoms_.size()));
  if (fresh) atoms_.push_back({Atom::parameter, name, {}, {}, {0, kInfinity}});
  Quasi q;
  q.terms.emplace_back(it->second, 1);
  return q;
}
Quasi Algebra::make(Atom atom) {
  int id = static_cast<int>(atoms_.size());
  if (atom.kind != Atom::select) {
    auto [it, fresh] = interned_.try_emplace({atom.kind, atom.args}, id);
    if (fresh) atoms_.push_back(std::move(atom));
    id = it->second;
  } else {
    atoms_.push_back(std::move(atom));
  }
  Quasi q;
  q.terms.emplace_back(id, 1);
  return q;
}

Range Algebra::range(const Quasi& q) const {
  Range r{q.constant, q.constant};
  for (const auto& [a, c] : q.terms) {
    Range x = atoms_[a].range;
    int64_t lo = times(c > 0 ? x.lo : x.hi, c), hi = times(c > 0 ? x.hi : x.lo, c);
    r = {plus(r.lo, lo), -plus(-r.hi, -hi)};
  }
  return r;
}

Quasi Algebra::floordiv(const Quasi& q, int64_t by) {
  NASC_CHECK(by > 0) << "division of an index by " << by;
  if (by == 1) return q;
  Quasi whole(floor_of(q.constant, by)), rest(q.constant - by * floor_of(q.constant, by));
  for (const auto& t : q.terms) {
    if (t.second % by == 0) whole.terms.emplace_back(t.first, t.second / by);
    else rest.terms.push_back(t);
  }
  Range r = range(rest);
  if (finite(r) && floor_of(r.lo, by) == floor_of(r.hi, by)) return whole + floor_of(r.lo, by);
  int64_t g = by;  // floor((g*x + r) / (g*d)) = floor((x + floor(r/g)) / d)
  for (const auto& t : rest.terms) g = std::gcd(g, t.second);
  if (g > 1) {
    rest.constant = floor_of(rest.constant, g);
    for (auto& t : rest.terms) t.second /= g;
    return whole + floordiv(rest, by / g);
  }
  if (rest.terms.size() == 1 && rest.constant == 0 && rest.terms[0].second == 1) {  // nested floors
    const Atom& inner = atoms_[rest.terms[0].first];
    if (inner.kind == Atom::floordiv && inner.args[1].is_constant())
      return whole + floordiv(Quasi(inner.args[0]), by * inner.args[1].constant);
  }
  r = range(rest);
  return whole + make({Atom::floordiv, "", {rest, Quasi(by)}, {}, {floor_of(r.lo, by), floor_of(r.hi, by)}});
}

Quasi Algebra::mod(const Quasi& q, int64_t by) {
  NASC_CHECK(by > 0) << "remainder of an index by " << by;
  Quasi rest(q.constant - by * floor_of(q.constant, by));
  for (const auto& t : q.terms) {
    int64_t c = t.second % by;
    if (c) rest.terms.emplace_back(t.first, c);
  }
  Range r = range(rest);
  if (finite(r) && floor_of(r.lo, by) == floor_of(r.hi, by)) return rest - Quasi(by * floor_of(r.lo, by));
  return make({Atom::mod, "", {rest, Quasi(by)}, {}, {0, by - 1}});
}

Quasi Algebra::minmax(Atom::Kind kind, const Quasi& a, const Quasi& b) {
  Range d = range(a - b);
  bool minimum = kind == Atom::min;
  if (d.lo >= 0) return minimum ? b : a;
  if (d.hi <= 0) return minimum ? a : b;
  Range x = range(a), y = range(b);
  Range r = minimum ? Range{std::min(x.lo, y.lo), std::min(x.hi, y.hi)} : Range{std::max(x.lo, y.lo), std::max(x.hi, y.hi)};
  return make({kind, "", a < b ? std::vector{a, b} : std::vector{b, a}, {}, r});
}
Quasi Algebra::min(const Quasi& a, const Quasi& b) { return minmax(Atom::min, a, b); }
Quasi Algebra::max(const Quasi& a, const Quasi& b) { return minmax(Atom::max, a, b); }

Quasi Algebra::mul(const Quasi& a, const Quasi& b) {
  if (a.is_constant()) return b * a.constant;
  if (b.is_constant()) return a * b.constant;
  Quasi sum(a.constant * b.constant);
  sum = sum + Quasi(a - a.constant) * b.constant + Quasi(b - b.constant) * a.constant;
  for (const auto& [x, cx] : a.terms)
    for (const auto& [y, cy] : b.terms) {
      std::vector<Quasi> factors;
      for (int f : {x, y}) {
        if (atoms_[f].kind == Atom::product) {
          factors.insert(factors.end(), atoms_[f].args.begin(), atoms_[f].args.end());
          continue;
        }
        Quasi one;
        one.terms.emplace_back(f, 1);
        factors.push_back(one);
      }
      std::sort(factors.begin(), factors.end());
      Range r{1, 1};
      for (const auto& f : factors) {
        Range s = range(f);
        int64_t corners[] = {times(r.lo, s.lo), times(r.lo, s.hi), times(r.hi, s.lo), times(r.hi, s.hi)};
        r = {*std::min_element(corners, corners + 4), *std::max_element(corners, corners + 4)};
      }
      sum = sum + make({Atom::product, "", factors, {}, r}) * (cx * cy);
    }
  return sum;
}

Quasi Algebra::select(const CondRef& c, const Quasi& a, const Quasi& b) {
  if (c->kind == Cond::always || a == b) return a;
  if (c->kind == Cond::never) return b;
  Range x = range(a), y = range(b);
  return make({Atom::select, "", {a, b}, c, {std::min(x.lo, y.lo), std::max(x.hi, y.hi)}});
}

CondRef Algebra::ge(const Quasi& q) {
  Range r = range(q);
  if (r.lo >= 0) return kAlways;
  if (r.hi < 0) return kNever;
  return std::make_shared<const Cond>(Cond{Cond::ge, q, {}, {}});
}
CondRef Algebra::eq(const Quasi& q) {
  Range r = range(q);
  if (r.lo == 0 && r.hi == 0) return kAlways;
  if (r.lo > 0 || r.hi < 0) return kNever;
  return std::make_shared<const Cond>(Cond{Cond::eq, q, {}, {}});
}
CondRef Algebra::both(const CondRef& a, const CondRef& b) {
  if (a->kind == Cond::never || b->kind == Cond::never) return kNever;
  if (a->kind == Cond::always) return b;
  if (b->kind == Cond::always) return a;
  return std::make_shared<const Cond>(Cond{Cond::and_, {}, a, b});
}
CondRef Algebra::either(const CondRef& a, const CondRef& b) {
  if (a->kind == Cond::always || b->kind == Cond::always) return kAlways;
  if (a->kind == Cond::never) return b;
  if (b->kind == Cond::never) return a;
  return std::make_shared<const Cond>(Cond{Cond::or_, {}, a, b});
}
CondRef Algebra::negated(const CondRef& a) {
  if (a->kind == Cond::always) return kNever;
  if (a->kind == Cond::never) return kAlways;
  if (a->kind == Cond::not_) return a->a;
  return std::make_shared<const Cond>(Cond{Cond::not_, {}, a, {}});
}

}  // namespace nasc
