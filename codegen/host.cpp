// Targets: the machine that runs this process, and those named by the user.
#include <llvm/MC/MCSubtargetInfo.h>
#include <llvm/TargetParser/Host.h>
#include <unistd.h>

#include <algorithm>
#include <thread>

#include "codegen/emit.h"
#include "codegen/native.h"

namespace nasc {
namespace {

void set_registers(Target& t) {
  auto machine = target_machine(t);
  const llvm::MCSubtargetInfo& s = *machine->getMCSubtargetInfo();
  const llvm::Triple& triple = machine->getTargetTriple();
  auto has = [&](const char* feature) { return s.checkFeatures(feature); };
  if (triple.isX86()) {
    bool wide = has("+avx512f") && has("+avx512vl") && has("+avx512dq");
    t.vector_bits = wide ? 512 : has("+avx") ? 256 : 128;
    t.vector_registers = wide ? 32 : 16;
    // Measured on Granite Rapids, whose cores wait long for a last cache that is spread over the chip.
    if (has("+amx-tile")) t.l2_rate = 40, t.l3_rate = 9, t.memory_rate = 4.5;
  } else {
    t.vector_bits = 128;
    t.vector_registers = 32;
  }
}

int64_t positive(long value, int64_t otherwise) { return value > 0 ? value : otherwise; }

}  // namespace

Target host_target() {
  Target t;
  t.triple = llvm::sys::getDefaultTargetTriple();
  t.cpu = llvm::sys::getHostCPUName().str();
  std::vector<std::string> features;  // of this processor, not of its family: hypervisors hide some
  for (const auto& f : llvm::sys::getHostCPUFeatures())
    features.push_back((f.second ? "+" : "-") + f.first().str());
  std::sort(features.begin(), features.end());
  for (const auto& f : features) t.features += (t.features.empty() ? "" : ",") + f;
  set_registers(t);
  t.cores = std::max(1u, std::thread::hardware_concurrency());
  t.l1_bytes = positive(sysconf(_SC_LEVEL1_DCACHE_SIZE), t.l1_bytes);
  t.l2_bytes = positive(sysconf(_SC_LEVEL2_CACHE_SIZE), t.l2_bytes);
  t.l3_bytes = positive(sysconf(_SC_LEVEL3_CACHE_SIZE), t.l3_bytes);
  return t;
}

Target target_for(const std::string& cpu, const std::string& triple) {
  Target t;
  t.triple = triple.empty() ? llvm::sys::getDefaultTargetTriple() : triple;
  t.cpu = "";
  auto machine = target_machine(t);
  if (!cpu.empty() && !machine->getMCSubtargetInfo()->isCPUStringValid(cpu))
    throw UserError(code::unsupported_target, "--mcpu", "unknown processor '" + escaped(cpu) + "' for " + t.triple);
  t.cpu = cpu;
  set_registers(t);
  return t;
}

std::vector<std::string> required_features(const Target& target) {
  static constexpr const char* kChecked[] = {"sse4.2", "avx", "avx2", "fma", "f16c", "bmi", "bmi2",
                                             "avx512f", "avx512vl", "avx512dq", "avx512bw", "avx512cd"};
  std::vector<std::string> out;
  auto machine = target_machine(target);
  if (!machine->getTargetTriple().isX86()) return out;
  for (const char* f : kChecked)
    if (machine->getMCSubtargetInfo()->checkFeatures(std::string("+") + f)) out.push_back(f);
  return out;
}

}  // namespace nasc
