// Parts of a kernel planned as Programs of their own, whose loops are joined afterwards.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "polyhedral/scheduler.h"

namespace nasc {

// The statements through the last that writes the first tensor, from there through the last that writes the next, .., and the
// rest; empty when one of these parts is.
std::vector<std::vector<std::string>> parts_through(const Program& p, const std::vector<std::string>& tensors);
// The one step that `plan` takes for this Program alone; nullopt when it takes none, or several.
std::optional<Step> step_alone(const Planner& planner, Program p, const Decide& decide,
                               const std::function<bool(Planner&)>& plan);
// The loop of a tile or nest step before its others; false: there is none.
bool to_front(Step& step, const std::string& loop);
// The loops of a tile or nest step of these statements, with that one outermost and divided among threads; false: there is none.
bool put_outermost(Step& step, const std::string& loop, const std::vector<std::string>& statements);
// All of the steps, or none and false.
bool kernel_steps(Planner& planner, int program, const std::vector<Step>& steps);

// Consecutive values of this iterator of the reading statement read consecutive memory.
bool walks_memory(const Program& p, const Access& read, int iterator);
int element_bytes(const Program& p);  // of its widest tensor
// Loops around all statements: the rows that their results share; the iterators that all begin with.
bool plan_rows(Planner& planner, int program);
bool plan_common_loops(Planner& planner, int program);
// Of a Program that any number of images go through, what plan_loops gives one, in a loop over them.
bool plan_slices(Planner& planner, int program, const ScheduleOptions& options);
// The iterators that all statements begin with.
std::vector<std::string> common_iterators(const Program& p);
bool sums_in_lanes(const Program& p, int lanes);

} // namespace nasc
