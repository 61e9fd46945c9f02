// Small Programs that the tests of this folder schedule.
#pragma once

#include "polyhedral/scheduler.h"

namespace nasc::test {

Tensor tensor(const std::string& name, const std::vector<int64_t>& shape, Role role);
// A statement from isl text: domain, written element, combine, elements read; the body is the product of the reads,
// or 0 without reads.
Statement statement(const std::string& domain, const std::string& write, Combine combine,
                    const std::vector<std::string>& reads);

// Y[n,co,h,w] = 0; Y += X * W, padded 3x3; Z = Y * R when `epilogue`.
Program conv(int64_t channels, int64_t extent, bool epilogue = true);
Program matmul(int64_t m, int64_t n, int64_t k);
Program elementwise(int64_t rows, int64_t columns);

// Do both compute the same outputs from the same seeded inputs (small integers: every order of sums is exact)?
bool same_results(const Program& a, const Program& b);
// A Program of one statement per instance whose textual order is the order of the schedule.
Program in_schedule_order(const Kernel& kernel);

// All outputs for an input of different values, one after the other.
std::vector<float> run(const Module& m);
// That output of every call interpreted in order, for inputs and weights of random values; halos are around elements as the layouts say.
std::vector<float> interpreted(const Module& m, const char* output);
// Checks that the text of the plan, replayed on the same Module, gives what was scheduled. Returns the replayed Module.
Module check_replay(const Module& before, const Scheduled& scheduled);
// The code with which the Module refuses the step.
std::string refusal(const Module& m, const char* step);

}  // namespace nasc::test
