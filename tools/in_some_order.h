// Machine code of a kernel whatever its schedule: what the emitter refuses is made in a simpler order.
#pragma once

#include "codegen/emit.h"

namespace nasc {

// As scheduled, else in textual order, else in plain loops, which are never refused. `remarks` gets
// a line per refusal.
KernelObject emit_in_some_order(const Kernel& kernel, const Target& target,
                                const std::string& symbol, const EmitOptions& options,
                                std::vector<std::string>& remarks);

} // namespace nasc
