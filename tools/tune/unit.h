// Units of tuning: one call of the Network with the decision about it, small enough to be measured alone.
#pragma once

#include "polyhedral/scheduler.h"

namespace nasc {

// The first call of a program, scheduled as it is, with buffers of its own.
Module cut_out(const Module& module, int program);

struct Unit {
  Decision decision;
  Module base;        // the one call; weights without values, activations with the layouts of the whole network
  size_t calls = 0;   // of this Program in the whole network
  double cycles = 0;  // predicted, of all of them
};

// Decisions of one kind that scheduling `module` asks for, the heaviest first; `decide` answers meanwhile. Units whose
// extents are not constant are left out: there is nothing to run.
std::vector<Unit> find_units(const Module& module, const ScheduleOptions& options, const std::string& kind,
                             const Decide& decide);
// The scheduled Module of a unit whose decision takes this alternative; `decide` answers decisions inside.
Module realised(const Unit& unit, size_t alternative, const ScheduleOptions& options, const Decide& decide);

} // namespace nasc
