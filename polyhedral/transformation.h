// Transformation: a registered rewrite of a Module or of one Kernel. It proposes; legality disposes.
#pragma once

#include <functional>

#include "ir/registry.h"
#include "polyhedral/module.h"
#include "polyhedral/plan.h"

namespace nasc {

enum class Kind { schedule, mapping, layout, algebraic, neural };
const char* name(Kind kind);

// One parameter of a transformation: parsing, defaults, messages and help are generic.
struct Parameter {
  enum Type { loop, loops, integer, integers, word, words } type;
  const char* name;
  const char* doc;
  bool required = true;
};

// Typed access to the arguments of a Step; checked against the Parameters before apply is called.
struct Args {
  const Step* step;
  bool has(const char* name) const;
  int64_t integer(const char* name) const;
  std::vector<int64_t> integers(const char* name) const;
  std::string word(const char* name) const;  // also loop addresses
  std::vector<std::string> words(const char* name) const;
};

struct Transformation {
  const char* name;
  Kind kind;
  std::vector<Parameter> parameters;
  const char* doc;                         // one line, for --list-transforms
  std::vector<const char*> refusals;       // every refusal code apply can return (each has one named test)
  // Exactly one of the two is set. Total: refuses, never throws for a bad argument; result verifies.
  std::function<Expected<Kernel>(const Kernel&, const Args&)> on_kernel;
  std::function<Expected<Module>(const Module&, const Args&)> on_module;
  // Arguments worth trying on this kernel, for searches and generic tests; may be absent.
  std::function<std::vector<Step>(const Kernel&)> choices;
};

// Looks the step up, checks its arguments (refusals unknown-transformation, bad-argument), applies, verifies.
Expected<Kernel> apply(const Kernel& kernel, const Step& step);
Expected<Module> apply(const Module& module, const Step& step);                    // network section
Expected<Module> apply(const Module& module, const std::string& program, const Step& step);  // kernel section
// All steps in order; the refusal names the step at fault. Every isl entry under quota.
Expected<Module> replay(const Module& module, const Plan& plan);

}  // namespace nasc
