// The stages one by one.
#pragma once

#include "tools/pipeline.h"

namespace nasc {

void import_stage(Compilation& c);
void lower_stage(Compilation& c);
// The neural steps at the front of a plan file, with the plan's or the user's consent.
void neural_stage(Compilation& c);
// Puts them back in front of the plan that was applied.
void restore_neural_steps(Compilation& c);
bool is_neural(const Step& step);
// The model as it is after the neural steps, as an ONNX file.
std::string exported_model(const Compilation& c);
// A plan for that file, also once its weights have been trained further: scheduled as this compilation was.
std::string exported_plan(const Compilation& c);
// What a plan is made for: names, types and shapes of buffers and calls. The values of weights are no part of it.
uint64_t structure_hash(const Network& network);
// The analytic scheduler, or the replay of a plan file: a refused step is UserError bad_plan with
// the refusal.
void schedule_stage(Compilation& c);
// A schedule that the order judge does not allow: an error when a plan asked for it, else replaced
// by the textual one.
void judge_stage(Compilation& c);
// --tune, for this compilation's target and threads, with its progress.
TuneContext tune_context(const CompileOptions& options);
TuneResult tuned(const Compilation& c, const Module& module, const ScheduleOptions& how, const TuneOptions& options);
// Kernels, in worker threads. What isl or the emitter refuse is emitted in textual order.
void emit_stage(Compilation& c);

// What a worker gets to use isl on: text, because isl values belong to the thread that made them. A
// single thread gets text, too, so that the number of workers makes no difference to the result.
struct KernelText {
  std::string program, schedule, name;
  std::map<std::string, Payload> values; // of constant tensors, which the text names by hash
};
KernelText kernel_text(const Module& module, size_t program);
// The Kernel, parsed once per thread.
const Kernel& parsed(const KernelText& text);
void forget_parsed(); // of the calling thread

int compiler_threads(const CompileOptions& options);
int worker_threads(const Compilation& c); // no more than there are kernels
Workers& workers(Compilation& c);

} // namespace nasc
