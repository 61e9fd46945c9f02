// Checks on the domain and the accesses of each statement, by isl.
#include "polyhedral/slices.h"

#include <algorithm>

namespace nasc {
namespace {

// Growth of each dimension of a tensor; nullopt when one is neither constant nor proportional.
std::optional<std::vector<int64_t>> growths(const Tensor& t, const std::string& parameter) {
  std::vector<int64_t> out;
  for (const Extent& e : t.shape) {
    auto g = growth(e, parameter);
    if (!g)
      return std::nullopt;
    out.push_back(*g);
  }
  return out;
}

// Places [i..] of a statement, and the same with `by` added to iterator d.
struct Places {
  std::string before, after;
};
Places places(const Statement& s, int d, const std::string& by) {
  Places out;
  for (int k = 0; k < dims(s.domain); ++k) {
    std::string i = (k ? ", i" : "i") + std::to_string(k);
    out.before += i;
    out.after += k == d ? i + " + " + by : i;
  }
  std::string name = tuple_name(s.domain);
  return {name + "[" + out.before + "]", name + "[" + out.after + "]"};
}

// The access moves by `wanted` when iterator d grows by `step`.
bool moves_by(const Access& access, const Statement& s, int d, int64_t step,
              const std::vector<int64_t>& wanted) {
  Places p = places(s, d, std::to_string(step));
  isl::multi_aff shift(isl_context(), "{ " + p.before + " -> " + p.after + " }");
  std::string constants;
  for (int64_t w : wanted)
    constants += (constants.empty() ? "" : ", ") + std::to_string(w);
  isl::multi_aff by(isl_context(), "{ " + p.before + " -> " + range_name(access.map.as_map()) +
                                       "[" + constants + "] }");
  return access.map.pullback(shift).as_map().is_equal(access.map.add(by).as_map());
}

// D(N) is the union over 0 <= r < N of D(1) shifted by step * r.
bool domain_repeats(const Statement& s, int d, int64_t step, const std::string& n) {
  std::string c = std::to_string(step), i = "i" + std::to_string(d);
  Places p = places(s, d, c + " nasc_r");
  isl::ctx ctx = isl_context();
  std::string head = "[" + n + ", nasc_r] -> { ", rounds = "0 <= nasc_r < " + n;
  isl::set slab(ctx, head + p.before + " : " + rounds + " and " + c + " nasc_r <= " + i + " < " +
                         c + " nasc_r + " + c + " }");
  isl::set all(ctx, "[" + n + "] -> { " + p.before + " : 0 <= " + i + " < " + c + " " + n + " }");
  isl::map shift(ctx, head + p.before + " -> " + p.after + " : " + rounds + " }");
  isl::set one = s.domain.intersect_params(isl::set(ctx, "[" + n + "] -> { : " + n + " = 1 }"))
                     .project_out_param(n);
  return s.domain.is_subset(all) && s.domain.intersect(slab).is_equal(one.apply(shift));
}

// Neither the iterator nor the parameter is a value of the body.
bool body_repeats(const Statement& s, int d, const std::string& parameter) {
  bool ok = true;
  visit(s.body, [&](const Expr& e) {
    if (e.fn == Fn::iterator && e.index == d)
      ok = false;
    if (e.fn == Fn::extent && growth(e.extent_value, parameter) != 0)
      ok = false;
  });
  return ok;
}

bool repeats(const Program& p, const Statement& s, const std::string& parameter) {
  auto moved = [&](const Access& a) {
    return *growths(p.tensor(a.tensor), parameter);
  }; // checked before
  std::vector<int64_t> target = moved(s.write);
  auto grows = std::find_if(target.begin(), target.end(), [](int64_t g) { return g > 0; });
  if (grows == target.end())
    return false;
  QuasiAff index = quasi(s.write.map.at(static_cast<int>(grows - target.begin())));
  for (int d = 0; d < dims(s.domain); ++d) {
    long per_step = index.linear.coefficients[static_cast<size_t>(d)];
    if (per_step <= 0 || *grows * index.linear.denominator % per_step != 0)
      continue;
    int64_t step = *grows * index.linear.denominator / per_step;
    if (!body_repeats(s, d, parameter) || !moves_by(s.write, s, d, step, target))
      continue;
    if (!std::all_of(s.reads.begin(), s.reads.end(),
                     [&](const Access& a) { return moves_by(a, s, d, step, moved(a)); }))
      continue;
    if (domain_repeats(s, d, step, parameter))
      return true;
  }
  return false;
}

// The function without a parameter that it does not depend on.
isl::multi_aff without(const isl::multi_aff& f, const std::string& parameter) {
  int at = isl_space_find_dim_by_name(f.space().get(), isl_dim_param, parameter.c_str());
  if (at < 0)
    return f;
  NASC_CHECK(isl_multi_aff_involves_dims(f.get(), isl_dim_param, static_cast<unsigned>(at), 1) == isl_bool_false) << text(f);
  return isl::manage(isl_multi_aff_drop_dims(f.copy(), isl_dim_param, static_cast<unsigned>(at), 1));
}

// Tensors grow along the first dimension, of three or more.
bool counts_images(const Program& p, const std::string& parameter) {
  return std::all_of(p.tensors.begin(), p.tensors.end(), [&](const Tensor& t) {
    auto grown = growths(t, parameter);
    return grown && std::all_of(grown->begin() + (t.rank() > 2), grown->end(), [](int64_t g) { return g == 0; });
  });
}

Program at_one(Program p, const std::string& parameter) {
  for (Tensor& t : p.tensors)
    for (Extent& e : t.shape)
      e = e.substitute([&](const std::string& name) { return name == parameter ? Extent(1) : Extent::parameter(name); });
  for (Statement& s : p.statements) {
    for (isl::set* set : {&s.domain, &s.box})
      *set = with_parameters(*set, {{parameter, 1}});
    s.write.map = without(s.write.map, parameter);
    for (Access& r : s.reads)
      r.map = without(r.map, parameter);
  }
  return p;
}
} // namespace

std::optional<int64_t> growth(const Extent& extent, const std::string& parameter) {
  std::vector<std::string> used = extent.parameters();
  if (std::find(used.begin(), used.end(), parameter) == used.end())
    return 0;
  std::vector<Extent::Term> terms = extent.terms();
  if (terms.size() != 1 || terms[0].atoms.size() != 1 ||
      terms[0].atoms[0]->kind != Extent::Atom::parameter)
    return std::nullopt;
  return terms[0].coefficient;
}

bool slices_by(const Program& program, const std::string& parameter) {
  for (const auto& [name, extent] : program.parameters())
    if (name != parameter && growth(extent, parameter) != 0)
      return false;
  for (const Tensor& t : program.tensors)
    if (!growths(t, parameter))
      return false;
  return analysed(
      [&] {
        return std::all_of(program.statements.begin(), program.statements.end(),
                           [&](const Statement& s) { return repeats(program, s, parameter); });
      },
      false);
}

ProgramRef one_slice(const ProgramRef& program) {
  ProgramRef out = program;
  for (const auto& [parameter, extent] : program->parameters()) {
    auto one = remembered({out}, "slice " + parameter, [&]() -> Expected<Program> {
      if (!counts_images(*out, parameter) || !slices_by(*out, parameter))
        return refuse("not-slices", parameter);
      return with_quota(IslEntry::analysis, [&]() -> Expected<Program> { return at_one(*out, parameter); });
    });
    if (one)
      out = *one;
  }
  return out;
}

} // namespace nasc
