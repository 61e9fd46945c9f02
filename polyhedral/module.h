// Kernel: one scheduled Program. Module: a Network with a Schedule per Program, for a Target.
#pragma once

#include <vector>

#include "ir/network.h"
#include "ir/target.h"
#include "polyhedral/schedule.h"

namespace nasc {

struct Kernel {
  Program program;
  Schedule schedule;
};

struct Module {
  Network network;
  std::vector<Schedule> schedules;  // schedules[k] belongs to network.programs[k]
  Target target;
};

// Every Program in textual order.
Module textual_module(Network network, Target target);
// The Kernel of one Program, and the Module with that Program and Schedule replaced.
Kernel kernel(const Module& module, int program);

}  // namespace nasc
