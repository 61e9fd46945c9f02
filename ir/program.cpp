// Look-ups and relations of a Program.
#include "ir/program.h"

#include <algorithm>

#include "ir/prefetch.h"

namespace nasc {
namespace {
constexpr const char* kSymbols[] = {"=", "+=", "*=", "max=", "min="};
constexpr const char* kPhases[] = {"compile", "create", "run"};

template <class List>
auto* find_named(List& list, std::string_view name) {
  auto it = std::find_if(list.begin(), list.end(), [&](const auto& x) { return x.name == name; });
  return it == list.end() ? nullptr : &*it;
}
}  // namespace

const char* symbol(Combine combine) { return kSymbols[static_cast<int>(combine)]; }
std::optional<Combine> find_combine(std::string_view symbol) {
  for (int i = 0; i < 5; ++i)
    if (symbol == kSymbols[i]) return static_cast<Combine>(i);
  return std::nullopt;
}
const char* name(Phase phase) { return kPhases[static_cast<int>(phase)]; }

Statement::Statement(std::string name_, std::vector<std::string> iterators_, isl::set domain_, Access write_)
    : name(std::move(name_)), iterators(std::move(iterators_)), domain(domain_), box(domain_), write(std::move(write_)) {}

int Statement::iterator(std::string_view wanted) const {
  auto it = std::find(iterators.begin(), iterators.end(), wanted);
  return it == iterators.end() ? -1 : static_cast<int>(it - iterators.begin());
}

const Tensor* Program::find_tensor(std::string_view wanted) const { return find_named(tensors, wanted); }
const Tensor& Program::tensor(std::string_view wanted) const {
  const Tensor* t = find_tensor(wanted);
  NASC_CHECK(t) << "program " << name << " has no tensor " << std::string(wanted);
  return *t;
}
Tensor& Program::tensor(std::string_view wanted) { return const_cast<Tensor&>(std::as_const(*this).tensor(wanted)); }
const Statement& Program::statement(std::string_view wanted) const {
  const Statement* s = find_named(statements, wanted);
  NASC_CHECK(s) << "program " << name << " has no statement " << std::string(wanted);
  return *s;
}
Statement& Program::statement(std::string_view wanted) {
  return const_cast<Statement&>(std::as_const(*this).statement(wanted));
}

isl::union_set Program::domain() const {
  isl::union_set all = isl::union_set(isl_context(), "{ }");
  for (const auto& s : statements) all = all.unite(isl::union_set(s.domain));
  return all;
}

namespace {
isl::union_map relation(const Statement& s, const Access& a) {
  return isl::union_map(a.map.as_map().intersect_domain(s.domain));
}
}  // namespace

isl::union_map Program::writes() const {
  isl::union_map all = isl::union_map(isl_context(), "{ }");
  for (const auto& s : statements) all = all.unite(relation(s, s.write));
  return all;
}
isl::union_map Program::reads() const {
  isl::union_map all = isl::union_map(isl_context(), "{ }");
  for (const auto& s : statements) {
    for (const auto& r : value_reads(s)) all = all.unite(relation(s, r));
    if (s.is_reduction()) all = all.unite(relation(s, s.write));
  }
  return all;
}

isl::union_map Program::textual_order() const {
  size_t depth = 0;
  for (const auto& s : statements) depth = std::max(depth, s.iterators.size());
  isl::union_map all = isl::union_map(isl_context(), "{ }");
  for (size_t k = 0; k < statements.size(); ++k) {
    const Statement& s = statements[k];
    std::string in, out = std::to_string(k);
    for (size_t i = 0; i < depth; ++i) {
      if (i < s.iterators.size()) in += (i ? ", i" : "i") + std::to_string(i);
      out += i < s.iterators.size() ? ", i" + std::to_string(i) : std::string(", 0");
    }
    isl::map order(isl_context(), "{ " + s.name + "[" + in + "] -> [" + out + "] }");
    all = all.unite(isl::union_map(order.intersect_domain(s.domain)));
  }
  return all;
}

std::map<std::string, Extent> Program::parameters() const {
  std::map<std::string, Extent> out;
  auto note = [&](const Extent& e) {
    if (e.is_constant()) return;
    if (!e.is_affine()) out.emplace(isl_text(e), e);
    for (const auto& p : e.parameters()) out.emplace(p, Extent::parameter(p));
  };
  for (const auto& t : tensors)
    for (const auto& e : t.shape) note(e);
  for (const auto& s : statements)
    visit(s.body, [&](const Expr& e) {
      if (e.fn == Fn::extent) note(e.extent_value);
    });
  return out;
}

}  // namespace nasc
