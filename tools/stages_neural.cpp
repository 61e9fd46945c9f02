// Neural steps of a plan: what is computed changes before anything is scheduled.
#include <algorithm>
#include <fstream>

#include "polyhedral/neural/counts.h"
#include "polyhedral/transformation.h"
#include "tools/stages.h"

namespace nasc {
namespace {

std::string read_plan_text(const std::string& path) {
  constexpr size_t kMaxPlan = 1 << 20;
  std::ifstream in(path, std::ios::binary);
  if (!in) throw UserError(code::no_input, path, "cannot be read");
  std::string out(kMaxPlan + 1, '\0');
  in.read(out.data(), static_cast<std::streamsize>(out.size()));
  out.resize(static_cast<size_t>(in.gcount()));
  if (out.size() > kMaxPlan) throw UserError(code::limit, path, "a plan has at most 1 MiB");
  return out;
}

constexpr const char* kOptIn = "--neural";

bool says(const std::string& flags, const std::string& word) {
  return (" " + flags + " ").find(" " + word + " ") != std::string::npos;
}

Network with_steps(const Compilation& c) {
  const std::string file = c.options.plan_file.empty() ? "--neural" : c.options.plan_file;
  Module module = textual_module(c.lowered, c.options.target);
  for (const Step& step : c.neural_steps) {
    std::string where = text(file, ":network: ", text(step));
    auto next = apply(module, step);
    if (!next) throw UserError(code::bad_plan, where, text(next.error().code, ": ", next.error().text));
    module = std::move(*next);
    if (c.options.verify_each) verify(module.network);
  }
  return std::move(module.network);
}

void apply_steps(Compilation& c) {
  c.network = with_steps(c);
  NetworkCounts before = count_network(c.lowered), after = count_network(c.network);
  c.remarks.push_back(text("neural: ", c.neural_steps.size(), " steps, multiply-accumulates ", before.macs, " to ",
                           after.macs, ", parameters ", before.parameters, " to ", after.parameters));
}
}  // namespace

bool is_neural(const Step& step) {
  const Transformation* t = find_registered<Transformation>(step.transformation);
  return t && t->kind == Kind::neural;
}

void neural_stage(Compilation& c) {
  c.lowered = c.network;
  const std::string& file = c.options.plan_file;
  if (file.empty()) {
    if (!c.choose_neural) return;
    c.neural_steps = c.choose_neural(c);
    if (!c.neural_steps.empty()) apply_steps(c);
    return;
  }
  c.plan = parse_plan(read_plan_text(file), file);
  if (c.plan.header.model_hash != 0 && c.plan.header.model_hash != structure_hash(c.lowered))
    throw UserError(code::bad_plan, file,
                    "was made for another model (an exported one has a plan of its own: --emit=onnx,plan)");
  auto& steps = c.plan.network;
  auto rest = std::find_if_not(steps.begin(), steps.end(), is_neural);
  if (auto late = std::find_if(rest, steps.end(), is_neural); late != steps.end())
    throw UserError(code::bad_plan, text(file, ":network: ", text(*late)), "neural steps come before all others");
  c.neural_steps.assign(steps.begin(), rest);
  steps.erase(steps.begin(), rest);
  if (c.neural_steps.empty()) return;
  if (!c.options.neural && !says(c.plan.header.flags, kOptIn))
    throw UserError(code::bad_plan, file,
                    text("has ", c.neural_steps.size(), " neural steps, which change what the model computes: allow them "
                         "by ", kOptIn, ", or by flags \"", kOptIn, "\" in the plan"));
  apply_steps(c);
}

void restore_neural_steps(Compilation& c) {
  if (c.neural_steps.empty()) return;
  c.plan.network.insert(c.plan.network.begin(), c.neural_steps.begin(), c.neural_steps.end());
  std::string& flags = c.plan.header.flags;
  if (!says(flags, kOptIn)) flags += (flags.empty() ? "" : " ") + std::string(kOptIn);
}

}  // namespace nasc
