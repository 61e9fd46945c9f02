// Random small Programs that verify, for property tests.
#pragma once

#include <algorithm>
#include <random>

#include "ir/interpret.h"
#include "test/unit/ir/programs.h"

namespace nasc::test {

class ProgramGenerator {
 public:
  explicit ProgramGenerator(unsigned seed) : random_(seed) {}

  Program make() {
    Program p;
    p.name = "random";
    type_ = std::vector{DType::f32, DType::f64, DType::i64, DType::i32, DType::u8, DType::f16}[pick(6)];
    for (int k = 0, n = 1 + pick(2); k < n; ++k) p.tensors.push_back(tensor(text("x", k), shape(), Role::input, type_));
    for (int k = 0, n = 1 + pick(3); k < n; ++k) add_statements(p, k, k == n - 1);
    verify(p);
    return p;
  }

 private:
  std::mt19937 random_;
  DType type_ = DType::f32;

  int pick(int n) { return static_cast<int>(random_() % n); }
  Shape shape() {
    Shape s;
    for (int d = 0, rank = pick(4); d < rank; ++d) s.push_back(1 + pick(6));
    return s;
  }
  // An index of `extent` elements from iterators, clamped by mod, so that it is always inside.
  std::string index(const std::vector<std::string>& iterators, const std::vector<int64_t>& extents, int64_t extent) {
    std::string e = text(pick(3));
    int64_t top = 2;
    for (size_t i = 0; i < iterators.size(); ++i)
      if (int c = pick(3)) {
        e += text(" + ", c, "*", iterators[i]);
        top += c * (extents[i] - 1);
      }
    for (size_t i = 0; i < iterators.size() && pick(2); ++i)  // often a plain iterator
      if (extents[i] <= extent) return iterators[i];
    if (pick(3) == 0) e = text("floor((", e, ")/2)");
    return top < extent ? e : text("(", e, ") mod ", extent);
  }
  Access random_access(const Program& p, const std::string& s, const std::vector<std::string>& iterators,
                       const std::vector<int64_t>& extents) {
    const Tensor& t = p.tensors[pick(static_cast<int>(p.tensors.size()))];
    std::string in, out;
    for (const auto& i : iterators) in += (in.empty() ? "" : ", ") + i;
    for (int d = 0; d < t.rank(); ++d)
      out += (d ? ", " : "") + index(iterators, extents, t.shape[d].constant());
    return access(t.name, "{ " + s + "[" + in + "] -> " + t.name + "[" + out + "] }");
  }
  ExprRef body(const Statement& s, int depth) {
    if (depth == 0 || pick(4) == 0) {
      if (!s.reads.empty() && pick(4)) return read(pick(static_cast<int>(s.reads.size())), type_);
      if (!s.iterators.empty() && pick(3) == 0) return cast(type_, iterator(pick(static_cast<int>(s.iterators.size()))));
      return is_float(type_) ? constant(type_, (pick(33) - 16) / 4.0) : constant_int(type_, pick(9));
    }
    auto sub = [&] { return body(s, depth - 1); };
    if (pick(6) == 0) return apply(Fn::select, {apply(Fn::lt, {sub(), sub()}), sub(), sub()});
    constexpr Fn kTwo[] = {Fn::add, Fn::sub, Fn::mul, Fn::max, Fn::min};
    return apply(kTwo[pick(5)], {sub(), sub()});
  }
  void add_statements(Program& p, int k, bool last) {
    Tensor t = tensor(text("t", k), shape(), last ? Role::output : Role::temp, type_);
    std::vector<int64_t> extents = constants(t.shape);
    std::vector<std::string> iterators;
    std::string dims, bounds = "true", target;
    auto add = [&](int64_t extent) {
      iterators.push_back(text("i", iterators.size()));
      dims += (dims.empty() ? "" : ", ") + iterators.back();
      bounds += text(" and 0 <= ", iterators.back(), " < ", extent);
    };
    for (int64_t e : extents) add(e);
    target = dims;
    auto emit = [&](const std::string& name, Combine combine, const std::string& extra, std::vector<int64_t> over) {
      Statement s = statement(name, iterators, "{ " + name + "[" + dims + "] : " + bounds + extra + " }",
                              access(t.name, "{ " + name + "[" + dims + "] -> " + t.name + "[" + target + "] }"), {}, nullptr, combine);
      for (int r = 0, n = pick(3); r < n; ++r) s.reads.push_back(random_access(p, name, iterators, over));
      s.body = body(s, 3);
      return s;
    };
    Statement init = emit(text("init", k), Combine::assign, "", extents);
    std::vector<Statement> more;
    if (pick(3)) {
      for (int r = 0, n = pick(3); r < n; ++r) {
        extents.push_back(1 + pick(5));
        add(extents.back());
      }
      std::string extra;
      if (iterators.size() > 1 && pick(2)) extra += " and " + iterators[0] + " <= " + iterators.back() + " + 1";
      if (!iterators.empty() && pick(3) == 0) extra += " and (" + iterators.back() + " mod 2 = 0 or " + iterators[0] + " > 2)";
      more.push_back(emit(text("acc", k), static_cast<Combine>(1 + pick(4)), extra, extents));
    }
    p.tensors.push_back(t);
    p.statements.push_back(init);
    for (auto& s : more) p.statements.push_back(s);
  }
};

inline Program random_program(unsigned seed) { return ProgramGenerator(seed).make(); }

// Small integers as inputs: sums of products of them are exact in f32.
inline Bindings random_bindings(const Program& p, unsigned seed) {
  std::mt19937 random(seed);
  Bindings out;
  for (const Tensor& t : p.tensors) {
    if (t.role != Role::input && t.role != Role::weight) continue;
    HostTensor h = zeros(t.dtype, constants(t.shape));
    for (int64_t i = 0; i < h.count(); ++i) set(h, i, static_cast<double>(random() % 9) - (info(t.dtype).is_signed ? 4 : 0));
    out[t.name] = std::move(h);
  }
  return out;
}

}  // namespace nasc::test
