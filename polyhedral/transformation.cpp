// Steps applied: look-up, argument checks, quota, verification.
#include "polyhedral/transformation.h"

#include <algorithm>

#include "polyhedral/memo.h"

namespace nasc {
namespace {
constexpr const char* kKinds[] = {"schedule", "mapping", "layout", "algebraic", "neural"};
constexpr const char* kTypes[] = {"a loop", "a list of loops", "an integer", "a list of integers", "a word",
                                  "a list of words"};

const ArgValue& value(const Args& args, const char* name) {
  auto it = args.step->args.find(name);
  NASC_CHECK(it != args.step->args.end()) << args.step->transformation << " has no argument " << name;
  return it->second;
}

// The value as the parameter's type, or nullopt.
std::optional<ArgValue> converted(Parameter::Type type, const ArgValue& value) {
  switch (type) {
    case Parameter::loop:
    case Parameter::word:
      if (auto n = std::get_if<int64_t>(&value)) return std::to_string(*n);
      if (std::holds_alternative<std::string>(value)) return value;
      return {};
    case Parameter::integer:
      if (std::holds_alternative<int64_t>(value)) return value;
      return {};
    case Parameter::integers:
      if (auto n = std::get_if<int64_t>(&value)) return std::vector{*n};
      if (std::holds_alternative<std::vector<int64_t>>(value)) return value;
      return {};
    case Parameter::loops:
    case Parameter::words: break;
  }
  if (auto n = std::get_if<int64_t>(&value)) return std::vector{std::to_string(*n)};
  if (auto w = std::get_if<std::string>(&value)) return std::vector{*w};
  if (auto list = std::get_if<std::vector<int64_t>>(&value)) {
    std::vector<std::string> words;
    for (int64_t n : *list) words.push_back(std::to_string(n));
    return words;
  }
  return value;
}

Expected<Step> checked(const Transformation& t, const Step& step) {
  Step out{step.transformation, {}};
  std::vector<std::string> names;
  for (const auto& p : t.parameters) names.push_back(p.name);
  for (const auto& [name, value] : step.args) {
    auto p = std::find_if(t.parameters.begin(), t.parameters.end(), [&](const auto& q) { return name == q.name; });
    if (p == t.parameters.end()) {
      std::string near = nearest(name, names);
      return refuse("bad-argument", step.transformation + " has no argument " + name +
                                        (near.empty() ? "" : ", did you mean " + near + "?"));
    }
    auto v = converted(p->type, value);
    if (!v) return refuse("bad-argument", text(step.transformation, ": ", name, " must be ", kTypes[p->type]));
    out.args.emplace(name, std::move(*v));
  }
  for (const auto& p : t.parameters)
    if (p.required && !out.args.count(p.name))
      return refuse("bad-argument", text(step.transformation, " needs ", p.name, ": ", p.doc));
  return out;
}

Expected<const Transformation*> find(const Step& step, bool on_kernel) {
  const Transformation* t = find_registered<Transformation>(step.transformation);
  if (!t) {
    std::vector<std::string> names;
    for (const auto* known : all_registered<Transformation>()) names.push_back(known->name);
    std::string near = nearest(step.transformation, names);
    return refuse("unknown-transformation", "no transformation " + step.transformation +
                                                (near.empty() ? "" : ", did you mean " + near + "?"));
  }
  if (on_kernel != static_cast<bool>(t->on_kernel))
    return refuse("unknown-transformation", step.transformation + " belongs into " +
                                                (on_kernel ? "the network section" : "a kernel section"));
  return t;
}

// f under quota; an isl error other than quota is our bug.
template <class F>
auto guarded(const Step& step, F&& f) -> decltype(f()) {
  // A quota that ends inside of a C function shows as a null object, one that ends in text as an error of syntax or a
  // limit of the parser; then every further operation fails.
  auto honest = [&]() -> decltype(f()) {
    auto exceeded = [] {
      if (isl_ctx_last_error(isl_context().get()) == isl_error_quota) return true;
      try {
        return isl::set(isl_context(), "{ [i, j] : 0 <= 2i < j and j < 9 }").is_empty();
      } catch (const isl::exception&) {
        return true;
      }
    };
    try {
      return f();
    } catch (const isl::exception_quota&) {
      throw;
    } catch (const isl::exception&) {
      if (!exceeded()) throw;
    } catch (const UserError& e) {
      if (e.code != &code::limit && !exceeded()) throw;
    }
    return refuse("isl-quota", "the polyhedral engine gave up within its quota");
  };
  try {
    return with_quota(honest);
  } catch (const isl::exception_quota&) {
    throw;  // an enclosing entry owns the quota
  } catch (const isl::exception& e) {
    throw InternalError(text(step) + ": " + e.what());
  }
}

bool same_shape(const Program& a, const Program& b) {
  return a.statements.size() == b.statements.size() && a.tensors.size() == b.tensors.size();
}
}  // namespace

const char* name(Kind kind) { return kKinds[static_cast<int>(kind)]; }

bool Args::has(const char* name) const { return step->args.count(name) > 0; }
int64_t Args::integer(const char* name) const { return std::get<int64_t>(value(*this, name)); }
std::vector<int64_t> Args::integers(const char* name) const {
  return std::get<std::vector<int64_t>>(value(*this, name));
}
std::string Args::word(const char* name) const { return std::get<std::string>(value(*this, name)); }
std::vector<std::string> Args::words(const char* name) const {
  return std::get<std::vector<std::string>>(value(*this, name));
}

Expected<Kernel> apply(const Kernel& kernel, const Step& step) {
  auto t = find(step, true);
  if (!t) return std::unexpected(t.error());
  auto args = checked(**t, step);
  if (!args) return std::unexpected(args.error());
  return guarded(step, [&]() -> Expected<Kernel> {
    Expected<Kernel> out = (*t)->on_kernel(kernel, Args{&*args});
    if (!out) return out;
    // Schedules and mappings rewrite a Program only by adding statements.
    if ((*t)->kind > Kind::mapping || !same_shape(kernel.program, out->program)) verify(out->program);
    verify(out->program, out->schedule);
    return out;
  });
}

Expected<Module> apply(const Module& module, const Step& step) {
  auto t = find(step, false);
  if (!t) return std::unexpected(t.error());
  auto args = checked(**t, step);
  if (!args) return std::unexpected(args.error());
  return guarded(step, [&]() -> Expected<Module> {
    Expected<Module> out = (*t)->on_module(module, Args{&*args});
    if (!out) return out;
    const auto& before = module.network.programs;
    NASC_CHECK(out->schedules.size() == out->network.programs.size()) << text(step);
    for (size_t k = 0; k < out->network.programs.size(); ++k) {
      const auto& p = out->network.programs[k];
      if (std::find(before.begin(), before.end(), p) != before.end()) continue;
      verify_once(p);
      verify(*p, out->schedules[k]);
    }
    return out;
  });
}

namespace {
Expected<int> find_program(const Network& network, const std::string& name) {
  std::vector<std::string> names;
  for (size_t k = 0; k < network.programs.size(); ++k) {
    names.push_back(network.programs[k]->name);
    if (names.back() == name) return static_cast<int>(k);
  }
  std::string near = nearest(name, names);
  return refuse("no-such-kernel", "no kernel " + name + (near.empty() ? "" : ", did you mean " + near + "?"));
}

Refusal at(const std::string& section, size_t index, const Step& step, const Refusal& r) {
  return {r.code, text(section, ", step ", index + 1, ", ", text(step), ": ", r.text)};
}
}  // namespace

Expected<Module> apply(const Module& module, const std::string& program, const Step& step) {
  auto index = find_program(module.network, program);
  if (!index) return std::unexpected(index.error());
  auto edited = apply(kernel(module, *index), step);
  if (!edited) return std::unexpected(edited.error());
  Module out = module;
  out.network.programs[*index] = std::make_shared<const Program>(std::move(edited->program));
  out.schedules[*index] = edited->schedule;
  return out;
}

Expected<Module> replay(const Module& module, const Plan& plan) {
  Module out = module;
  for (size_t k = 0; k < plan.network.size(); ++k) {
    auto next = apply(out, plan.network[k]);
    if (!next) return std::unexpected(at("network", k, plan.network[k], next.error()));
    out = std::move(*next);
  }
  for (const auto& [name, steps] : plan.kernels) {
    auto index = find_program(out.network, name);
    if (!index) return std::unexpected(index.error());
    Kernel edited = kernel(out, *index);
    for (size_t k = 0; k < steps.size(); ++k) {
      auto next = apply(edited, steps[k]);
      if (!next) return std::unexpected(at("kernel " + name, k, steps[k], next.error()));
      edited = std::move(*next);
    }
    out.network.programs[*index] = std::make_shared<const Program>(std::move(edited.program));
    out.schedules[*index] = edited.schedule;
  }
  verify(out.network);
  return out;
}

}  // namespace nasc
