// The adjoint of one Program.
#include "ir/adjoint.h"

#include <algorithm>
#include <set>

#include "ir/derivative.h"
#include "ir/points.h"

namespace nasc {
namespace {
constexpr int64_t kMaxArg = int64_t{1} << 24;  // positions are kept in the type of the values

[[noreturn]] void unsupported(const Program& p, const std::string& why) {
  throw UserError(code::unsupported_op, p.origin.empty() ? p.name : p.origin, "no adjoint: " + why);
}

std::vector<std::string> names_of(size_t count) {
  std::vector<std::string> out;
  for (size_t i = 0; i < count; ++i) out.push_back(text("i", i));
  return out;
}
std::string listed(const std::vector<std::string>& names) {
  std::string out;
  for (const auto& n : names) out += (out.empty() ? "" : ", ") + n;
  return out;
}

struct Builder {
  const Program& p;
  std::set<std::string> wanted, given;
  std::set<std::string> varied;  // tensors that depend on a wanted one
  std::set<std::string> live;    // tensors whose adjoint is not known to be zero, as the reverse walk goes on
  std::set<std::string> valued;  // tensors of p that the adjoint reads
  Program out = {};
  std::vector<Statement> reverse = {};
  std::map<std::string, std::vector<size_t>> contributions = {};  // by adjoint tensor: statements of `reverse`
  int count = 0;

  Builder(const Program& program, const std::vector<std::string>& w, const std::vector<std::string>& g)
      : p(program), wanted(w.begin(), w.end()), given(g.begin(), g.end()) {}

  std::string fresh(const std::string& base) { return text("r", count++, "_", base); }

  // A statement over the domain of `s` under a fresh name.
  Statement like(const Statement& s, const std::string& tensor, const isl::multi_aff& map) {
    std::string name = fresh(s.name);
    Statement r(name, s.iterators, renamed(s.domain, name), {tensor, renamed(map, name, tensor)});
    r.box = renamed(s.box, name);
    return r;
  }
  Statement fill(const Tensor& t, double value) {
    std::string name = fresh("zero");
    std::vector<std::string> it = names_of(t.shape.size());
    std::string index = listed(it);
    isl::multi_aff back(isl_context(), "{ " + name + "[" + index + "] -> " + t.name + "[" + index + "] }");
    isl::multi_aff to(isl_context(), "{ " + t.name + "[" + index + "] -> " + name + "[" + index + "] }");
    Statement s(name, it, extent_set(t).apply(to.as_map()), {t.name, back});
    s.body = constant(t.dtype, value);
    return s;
  }
  int add_read(Statement& r, const std::string& tensor, const isl::multi_aff& map) {
    r.reads.push_back({tensor, renamed(map, r.name, tensor)});
    return static_cast<int>(r.reads.size()) - 1;
  }
  // Body of `s` with its reads added to `r`, only those it has.
  ExprRef imported(Statement& r, const Statement& s, const ExprRef& body) {
    std::map<int, int> position;
    return rewrite(body, [&](const ExprRef& e) -> ExprRef {
      if (e->fn != Fn::read || e->index >= static_cast<int>(s.reads.size())) return e;
      auto [it, fresh_read] = position.emplace(e->index, 0);
      if (fresh_read) {
        const Access& a = s.reads[static_cast<size_t>(e->index)];
        it->second = add_read(r, a.tensor, a.map);
        valued.insert(a.tensor);
      }
      return read(it->second + kShift, e->dtype);
    });
  }
  // Reads are collected at positions from kShift on, so that no number is rewritten twice.
  static constexpr int kShift = 1 << 20;
  static ExprRef settled(const ExprRef& body) {
    return rewrite(body, [](const ExprRef& e) { return e->fn == Fn::read && e->index >= kShift ? read(e->index - kShift, e->dtype) : e; });
  }

  void find_varied() {
    varied = wanted;
    for (const Statement& s : p.statements)
      for (const Access& a : s.reads)
        if (varied.count(a.tensor) && is_float(p.tensor(s.write.tensor).dtype)) varied.insert(s.write.tensor);
  }
  void check() {
    for (const Tensor& t : p.tensors)
      if (!is_static(t.shape)) throw UserError(code::unsupported_shape, p.name, "the adjoint needs constant extents");
    for (size_t k = 0; k < p.statements.size(); ++k) {
      const Statement& s = p.statements[k];
      if (!varied.count(s.write.tensor)) continue;
      for (const Access& a : s.reads)
        if (a.tensor == s.write.tensor) unsupported(p, "statement " + s.name + " reads what it writes");
      if (s.combine == Combine::mul) unsupported(p, "a product over a loop");
      if (s.combine != Combine::assign) continue;
      isl::set mine = s.domain.apply(s.write.map.as_map());
      for (size_t j = 0; j < k; ++j) {
        const Statement& before = p.statements[j];
        bool matters = std::any_of(before.reads.begin(), before.reads.end(), [&](const Access& a) { return varied.count(a.tensor) > 0; });
        if (before.write.tensor != s.write.tensor || !matters) continue;
        if (!before.domain.apply(before.write.map.as_map()).is_disjoint(mine)) unsupported(p, "an element is assigned twice");
      }
    }
  }

  // Position of an instance among those that write the same element, as an expression of the given float type.
  ExprRef position(const Statement& s, DType type) {
    ExprRef sum;
    int64_t stride = 1;
    Points box(s.box, {});
    for (int d = static_cast<int>(s.iterators.size()) - 1; d >= 0; --d) {
      bool kept = false;
      for (const IndexFn& f : index_fns(s.write, {})) kept |= !f.ignores(d);
      if (kept) continue;
      ExprRef term = iterator(d);
      if (stride != 1) term = apply(Fn::mul, {term, constant_int(DType::i64, stride)});
      sum = sum ? apply(Fn::add, {term, sum}) : term;
      auto [lo, hi] = box.bounds()[static_cast<size_t>(d)];
      stride *= std::max<int64_t>(1, hi + 1);
      if (stride > kMaxArg) unsupported(p, "a maximum over too many points");
    }
    return cast(type, sum ? sum : constant_int(DType::i64, 0));
  }
  // The tensor with the position of the first maximum (or minimum) of each element.
  std::string arg_of(const Statement& s) {
    const Tensor& written = p.tensor(s.write.tensor);
    Tensor arg = written;
    arg.name = "arg_" + s.name;
    arg.role = Role::temp;
    arg.payload = {};
    out.tensors.push_back(arg);
    reverse.push_back(fill(arg, static_cast<double>(kMaxArg)));
    Statement r = like(s, arg.name, s.write.map);
    r.combine = Combine::min;
    ExprRef value = imported(r, s, s.body);
    ExprRef best = read(add_read(r, written.name, s.write.map), written.dtype);
    valued.insert(written.name);
    r.body = settled(apply(Fn::select, {apply(Fn::eq, {value, best}), position(s, written.dtype),
                                        constant(written.dtype, static_cast<double>(kMaxArg))}));
    reverse.push_back(std::move(r));
    return arg.name;
  }

  void reverse_statement(const Statement& s) {
    const std::string& w = s.write.tensor;
    if (!live.count(w) || !varied.count(w)) return;
    DType type = p.tensor(w).dtype;
    bool selects = s.combine == Combine::max || s.combine == Combine::min;
    std::string arg;
    for (size_t k = 0; k < s.reads.size(); ++k) {
      const std::string& tensor = s.reads[k].tensor;
      if (!varied.count(tensor)) continue;
      int g_place = static_cast<int>(s.reads.size());  // stands for the adjoint of what is written
      ExprRef g = read(g_place, type), where;
      if (selects) g = apply(Fn::select, {apply(Fn::eq, {read(g_place + 1, type), position(s, type)}), g, constant(type, 0)});
      ExprRef body = pull_back(s.body, static_cast<int>(k), g);
      if (!body) continue;
      if (selects && arg.empty()) arg = arg_of(s);
      std::string target = adjoint_name(tensor);
      Statement r = like(s, target, s.reads[k].map);
      int from = add_read(r, adjoint_name(w), s.write.map);
      int at = selects ? add_read(r, arg, s.write.map) : 0;
      r.combine = Combine::add;
      body = rewrite(body, [&](const ExprRef& e) -> ExprRef {
        if (e->fn != Fn::read) return e;
        if (e->index == g_place) return read(from + kShift, e->dtype);
        return e->index == g_place + 1 ? read(at + kShift, e->dtype) : e;
      });
      r.body = settled(imported(r, s, body));
      contributions[tensor].push_back(reverse.size());
      reverse.push_back(std::move(r));
      live.insert(tensor);
    }
  }

  // The only contribution to an adjoint assigns it when it reaches each element once.
  void settle_starts() {
    std::vector<Statement> starts;
    for (auto& [tensor, list] : contributions) {
      Statement& only = reverse[list[0]];
      Tensor t = adjoint_tensor(tensor);
      if (list.size() == 1) {
        isl::map map = only.write.map.as_map().intersect_domain(only.domain);
        if (map.is_injective() && extent_set(t).is_subset(map.range())) {
          only.combine = Combine::assign;
          continue;
        }
      }
      starts.push_back(fill(t, 0));
    }
    for (const std::string& w : wanted)
      if (!contributions.count(w)) starts.push_back(fill(adjoint_tensor(w), 0));
    reverse.insert(reverse.begin(), starts.begin(), starts.end());
  }
  Tensor adjoint_tensor(const std::string& of) const {
    Tensor t = p.tensor(of);
    t.name = adjoint_name(of);
    t.payload = {};
    t.layout.reset();
    t.role = given.count(of) ? Role::input : wanted.count(of) ? Role::output : Role::temp;
    return t;
  }

  // Statements that compute the temps which are read, and what those read.
  std::vector<Statement> recomputed() {
    std::vector<Statement> again;
    for (size_t k = p.statements.size(); k-- > 0;) {
      const Statement& s = p.statements[k];
      if (!valued.count(s.write.tensor) || p.tensor(s.write.tensor).role != Role::temp) continue;
      for (const Access& a : s.reads) valued.insert(a.tensor);
      again.insert(again.begin(), s);
    }
    return again;
  }

  Program build() {
    find_varied();
    check();
    live = given;
    for (size_t k = p.statements.size(); k-- > 0;) reverse_statement(p.statements[k]);
    settle_starts();
    std::vector<Statement> again = recomputed();
    out.name = "d_" + p.name;
    out.origin = p.origin + " adjoint";
    out.phase = p.phase;
    std::vector<Tensor> args = std::move(out.tensors);
    out.tensors.clear();
    for (const Tensor& t : p.tensors) {
      if (!valued.count(t.name)) continue;
      out.tensors.push_back(t);
      if (t.role == Role::output) out.tensors.back().role = Role::input;
      out.tensors.back().payload = {};
    }
    std::set<std::string> used;
    for (const auto& [tensor, list] : contributions) used.insert(tensor);
    for (const std::string& g : given)
      if (varied.count(g)) used.insert(g);
    used.insert(wanted.begin(), wanted.end());
    for (const Tensor& t : p.tensors)
      if (used.count(t.name)) out.tensors.push_back(adjoint_tensor(t.name));
    for (Tensor& t : args) out.tensors.push_back(std::move(t));
    out.statements = std::move(again);
    out.statements.insert(out.statements.end(), reverse.begin(), reverse.end());
    verify(out);
    return std::move(out);
  }
};
}  // namespace

Program adjoint(const Program& p, const std::vector<std::string>& wanted, const std::vector<std::string>& given) {
  return Builder(p, wanted, given).build();
}

}  // namespace nasc
