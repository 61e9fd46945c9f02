// Plan: which transformations with which arguments, as data: parse, print, hash, replay.
#pragma once

#include <map>
#include <string>
#include <variant>
#include <vector>

#include "ir/diag.h"

namespace nasc {

// An argument: integer, word (`co.t`, `x`), or list of either: `by=16`, `sizes=[10, 10, 9]`, `names=[co.t, co.p]`.
using ArgValue = std::variant<int64_t, std::string, std::vector<int64_t>, std::vector<std::string>>;
struct Step {
  std::string transformation;
  std::map<std::string, ArgValue> args;
};
std::string text(const Step& step);  // `split(by=16, loop=co, names=[co.t, co.p])`

struct PlanHeader {
  uint64_t model_hash = 0;
  std::string target, flags, version;
  int threads = 1;
};
// Steps of the network section apply to the Module; those of a kernel section to the Program of that name.
struct Plan {
  PlanHeader header;
  std::vector<Step> network;
  std::vector<std::pair<std::string, std::vector<Step>>> kernels;
};
std::string text(const Plan& plan);
// Throws UserError bad_plan `file:line:column`. Limits: 1 MiB, 10,000 steps.
Plan parse_plan(const std::string& text, const std::string& file);
Step parse_step(const std::string& text);
uint64_t hash(const Plan& plan);

}  // namespace nasc
