// From a Kernel to machine code: one function per kernel.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "codegen/nest.h"

namespace nasc {

// void SYMBOL(void* const* buffers, const int64_t* values, int32_t tid, int32_t nt): buffers are the Program's non-temp
// tensors in order, pairwise disjoint unless only read; values are indexed by EmitOptions::values.
struct KernelObject {
  std::string symbol;
  std::vector<char> object;
  std::string assembly, llvm_ir;  // when asked
  bool parallel = false;          // has a loop that is divided among threads; else nt must be 1
  std::vector<Tensor> scratch;    // local tensors whose memory follows the bound ones in `buffers` (EmitOptions::scratch)
  std::vector<std::string> notes; // annotations that had no effect, and why
};

struct EmitOptions {
  std::map<std::string, int> values;  // index in `values` of each parameter and derived extent
  bool scratch = false;  // the caller gives memory for local tensors too large for the stack
  bool assembly = false, llvm_ir = false, object = true;
  std::optional<NestRef> nest;  // instead of the one made from the schedule
};

// Refusals: isl-quota; parallel-not-outermost; barrier-in-kernel; temp-too-large (a local tensor outside of every
// stage region that is symbolic or above 128 KiB); stage-not-temp, stage-address (an element's address varies with a loop
// inside the region), stage-lanes (accessed both as lanes and as one element), stage-undefined (read before it is
// written); kernel-too-large (unrolled beyond 100,000 statement instances).
Expected<KernelObject> emit_kernel(const Kernel& kernel, const Target& target, const std::string& symbol,
                                   const EmitOptions& options);

// The same in two halves: what needs isl, in the thread that the Kernel's isl values belong to, and LLVM's part, in
// any thread, which never refuses.
struct KernelIr;
struct KernelDraft {
  KernelObject object;           // without code so far
  std::shared_ptr<KernelIr> ir;
};
Expected<KernelDraft> draft_kernel(const Kernel& kernel, const Target& target, const std::string& symbol,
                                   const EmitOptions& options);
KernelObject finished(KernelDraft draft, const Target& target, const EmitOptions& options);

// The machine that runs this process.
Target host_target();
// Throws UserError unsupported_target. An empty triple is this machine's.
Target target_for(const std::string& cpu, const std::string& triple = "");
// LLVM's names of the instruction sets that code for this target uses and that a loader must check: avx2, fma, ...
std::vector<std::string> required_features(const Target& target);

}  // namespace nasc
