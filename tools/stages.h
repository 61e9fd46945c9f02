// The stages one by one.
#pragma once

#include "tools/pipeline.h"

namespace nasc {

void import_stage(Compilation& c);
void lower_stage(Compilation& c);
// The analytic scheduler, or the replay of a plan file: a refused step is UserError bad_plan with
// the refusal.
void schedule_stage(Compilation& c);
// A schedule that the order judge does not allow: an error when a plan asked for it, else replaced
// by the textual one.
void judge_stage(Compilation& c);
// Kernels, in worker threads. What isl or the emitter refuse is emitted in textual order.
void emit_stage(Compilation& c);

// Calls `work(k)` for k in [0, n) on `jobs` threads; the first exception is thrown again here.
void in_parallel(size_t n, int jobs, const std::function<void(size_t)>& work,
                 const std::function<void(size_t)>& done);
int effective_jobs(const CompileOptions& options, size_t items);

} // namespace nasc
