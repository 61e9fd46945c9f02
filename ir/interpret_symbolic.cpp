// Programs over symbolic integers, for shape arithmetic.
#include <algorithm>

#include "ir/interpret.h"
#include "ir/scalar.h"

namespace nasc {
namespace {
constexpr int64_t kMaxElements = 4096;
using Unknown = std::optional<Extent>;  // nullopt: not expressible

// What is known of the sign, parameters being non-negative.
bool at_least(const Extent& e, int64_t bound) {
  int64_t constant = 0;
  for (const auto& t : e.terms()) {
    if (t.atoms.empty()) {
      constant = t.coefficient;
      continue;
    }
    if (t.coefficient < 0) return false;
    for (const auto& atom : t.atoms) {
      if (atom->kind == Extent::Atom::parameter) continue;
      if (atom->kind == Extent::Atom::floordiv && (!at_least(atom->a, 0) || !at_least(atom->b, 1))) return false;
      if (atom->kind == Extent::Atom::max && !at_least(atom->a, 0) && !at_least(atom->b, 0)) return false;
      if (atom->kind == Extent::Atom::min && (!at_least(atom->a, 0) || !at_least(atom->b, 0))) return false;
    }
  }
  return constant >= bound;
}
Unknown flag(bool yes, bool no) { return yes ? Unknown(1) : no ? Unknown(0) : std::nullopt; }
Unknown less(const Extent& a, const Extent& b) { return flag(at_least(b - a, 1), at_least(a - b, 0)); }
Unknown equal(const Extent& a, const Extent& b) {
  return flag((a - b).is(0), at_least(a - b, 1) || at_least(b - a, 1));
}
Unknown inverted(const Unknown& u) { return u ? Unknown(Extent(1) - *u) : u; }

Unknown quotient(DType type, const Extent& a, const Extent& b) {
  if (b.is(0)) return std::nullopt;
  Extent q = floordiv(a, b);
  if (q * b == a) return q;
  if (is_float(type)) return std::nullopt;
  if (a.is_constant() && b.is_constant()) return Extent(a.constant() / b.constant());
  if (at_least(a, 0) && at_least(b, 1)) return q;
  return std::nullopt;
}
Unknown remainder(const Extent& a, const Extent& b, bool sign_of_dividend) {
  if (b.is(0) || (sign_of_dividend && !(at_least(a, 0) && at_least(b, 1)))) return std::nullopt;
  return a - b * floordiv(a, b);
}
Unknown magnitude(const Extent& a) {
  return at_least(a, 0) ? Unknown(a) : at_least(Extent(0) - a, 0) ? Unknown(Extent(0) - a) : std::nullopt;
}

struct Rule {
  Fn fn;
  Unknown (*run)(DType type, const Extent& a, const Extent& b);  // b is 0 for functions of one argument
};
const Rule kRules[] = {
    {Fn::add, [](DType, const Extent& a, const Extent& b) { return Unknown(a + b); }},
    {Fn::sub, [](DType, const Extent& a, const Extent& b) { return Unknown(a - b); }},
    {Fn::mul, [](DType, const Extent& a, const Extent& b) { return Unknown(a * b); }},
    {Fn::div, quotient},
    {Fn::mod, [](DType, const Extent& a, const Extent& b) { return remainder(a, b, false); }},
    {Fn::fmod, [](DType, const Extent& a, const Extent& b) { return remainder(a, b, true); }},
    {Fn::min, [](DType, const Extent& a, const Extent& b) { return Unknown(min(a, b)); }},
    {Fn::max, [](DType, const Extent& a, const Extent& b) { return Unknown(max(a, b)); }},
    {Fn::neg, [](DType, const Extent& a, const Extent&) { return Unknown(Extent(0) - a); }},
    {Fn::abs, [](DType, const Extent& a, const Extent&) { return magnitude(a); }},
    {Fn::ceil, [](DType, const Extent& a, const Extent&) { return Unknown(a); }},
    {Fn::floor, [](DType, const Extent& a, const Extent&) { return Unknown(a); }},
    {Fn::round, [](DType, const Extent& a, const Extent&) { return Unknown(a); }},
    {Fn::eq, [](DType, const Extent& a, const Extent& b) { return equal(a, b); }},
    {Fn::ne, [](DType, const Extent& a, const Extent& b) { return inverted(equal(a, b)); }},
    {Fn::lt, [](DType, const Extent& a, const Extent& b) { return less(a, b); }},
    {Fn::ge, [](DType, const Extent& a, const Extent& b) { return inverted(less(a, b)); }},
    {Fn::gt, [](DType, const Extent& a, const Extent& b) { return less(b, a); }},
    {Fn::le, [](DType, const Extent& a, const Extent& b) { return inverted(less(b, a)); }},
};
constexpr Fn kCombine[] = {Fn::select, Fn::add, Fn::mul, Fn::max, Fn::min};

Unknown apply_rule(Fn fn, DType type, const Extent& a, const Extent& b) {
  for (const Rule& rule : kRules)
    if (rule.fn == fn) return rule.run(type, a, b);
  if (!a.is_constant() || !b.is_constant() || is_float(type)) return std::nullopt;
  Scalar args[2] = {{.i = a.constant()}, {.i = b.constant()}};
  return Extent(scalar_fn(fn, type)(type, args).i);
}

struct Machine {
  std::map<std::string, std::vector<Unknown>> elements;
  std::map<std::string, std::vector<int64_t>> shapes;

  Unknown* element(const std::string& tensor, const std::vector<IndexFn>& index, const int64_t* point) {
    auto it = elements.find(tensor);
    if (it == elements.end()) return nullptr;
    int64_t offset = 0;
    const auto& shape = shapes.at(tensor);
    for (size_t d = 0; d < shape.size(); ++d) {
      int64_t i = index[d](point);
      if (i < 0 || i >= shape[d]) return nullptr;
      offset = offset * shape[d] + i;
    }
    return &it->second[offset];
  }
  Unknown evaluate(const ExprRef& e, const Statement& s, const std::vector<std::vector<IndexFn>>& reads,
                   const int64_t* point) {
    if (e->fn == Fn::constant) {
      if (!is_float(e->dtype)) return Extent(wrapped(e->dtype, e->integer));
      auto whole = static_cast<double>(static_cast<int64_t>(std::clamp(e->number, -9e15, 9e15)));
      return whole == e->number ? Unknown(Extent(static_cast<int64_t>(whole))) : std::nullopt;
    }
    if (e->fn == Fn::extent) return e->extent_value;
    if (e->fn == Fn::iterator) return Extent(point[e->index]);
    if (e->fn == Fn::read) {
      Unknown* at = element(s.reads[e->index].tensor, reads[e->index], point);
      return at ? *at : std::nullopt;
    }
    Unknown first = evaluate(e->args[0], s, reads, point);
    if (!first) return first;
    if (e->fn == Fn::select)
      return first->is_constant() ? evaluate(e->args[first->is(0) ? 2 : 1], s, reads, point) : std::nullopt;
    if (e->fn == Fn::cast) {
      if (e->dtype == DType::boolean) return inverted(equal(*first, 0));
      if (is_float(e->dtype) || !first->is_constant()) return first;
      return Extent(wrapped(e->dtype, first->constant()));
    }
    Unknown second = e->args.size() > 1 ? evaluate(e->args[1], s, reads, point) : Unknown(0);
    return second ? apply_rule(e->fn, e->args.back()->dtype, *first, *second) : std::nullopt;
  }
  bool run(const Statement& s) {
    Points points(s.domain, {});
    if (points.volume() > kMaxElements * kMaxElements) return false;
    std::vector<std::vector<IndexFn>> reads;
    for (const Access& a : s.reads) reads.push_back(index_fns(a, {}));
    std::vector<IndexFn> write = index_fns(s.write, {});
    bool inside = true;
    points.rows([&](int64_t* point, int64_t lo, int64_t hi) {
      for (int64_t v = lo; v <= hi; ++v) {
        if (points.dims()) point[points.dims() - 1] = v;
        Unknown* at = element(s.write.tensor, write, point);
        if (!at) {
          inside = false;
          continue;
        }
        Unknown value = evaluate(s.body, s, reads, point);
        if (s.combine == Combine::assign) *at = value;
        else if (!*at || !value) *at = std::nullopt;
        else *at = apply_rule(kCombine[static_cast<int>(s.combine)], s.body->dtype, **at, *value);
      }
    });
    return inside;
  }
};
}  // namespace

std::optional<std::vector<Extent>> interpret_symbolic(const Program& program,
                                                      const std::map<std::string, std::vector<Extent>>& contents) {
  Machine machine;
  const Tensor* output = nullptr;
  for (const Tensor& t : program.tensors) {
    if (!is_static(t.shape)) return std::nullopt;
    std::vector<int64_t> shape = constants(t.shape);
    int64_t count = element_count(shape);
    if (t.role == Role::output && !output) output = &t;
    if (count > kMaxElements) {
      if (t.role == Role::output || t.role == Role::temp) return std::nullopt;
      continue;  // unknown elements
    }
    machine.shapes[t.name] = shape;
    auto& elements = machine.elements[t.name];
    elements.resize(count);
    if (auto it = contents.find(t.name); it != contents.end()) {
      NASC_CHECK(static_cast<int64_t>(it->second.size()) == count) << "elements of " << t.name;
      elements.assign(it->second.begin(), it->second.end());
    } else if (t.payload && !is_float(t.dtype)) {
      for (int64_t i = 0; i < count; ++i)
        elements[i] = Extent(load(t.dtype, t.payload.data + i * bytes(t.dtype)).i);
    }
  }
  if (!output) return std::nullopt;
  for (const Statement& s : program.statements)
    if (!machine.run(s)) return std::nullopt;
  std::vector<Extent> out;
  for (const Unknown& e : machine.elements.at(output->name)) {
    if (!e) return std::nullopt;
    out.push_back(*e);
  }
  return out;
}

}  // namespace nasc
