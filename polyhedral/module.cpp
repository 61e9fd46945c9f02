// Modules.
#include "polyhedral/module.h"

namespace nasc {

Module textual_module(Network network, Target target) {
  Module out{std::move(network), {}, std::move(target)};
  for (const auto& p : out.network.programs) out.schedules.push_back(textual_schedule(*p));
  return out;
}

Kernel kernel(const Module& module, int program) {
  return {*module.network.programs.at(program), module.schedules.at(program)};
}

}  // namespace nasc
