// One order after the other until the emitter takes it.
#include "tools/in_some_order.h"

#include "legality/storage.h"

namespace nasc {

KernelObject emit_in_some_order(const Kernel& kernel, const Target& target,
                                const std::string& symbol, const EmitOptions& options,
                                std::vector<std::string>& remarks) {
  auto remark = [&](const Refusal& refusal, const char* instead) {
    remarks.push_back(
        text(kernel.program.name, ": ", refusal.code, ": ", refusal.text, instead));
  };
  Expected<KernelObject> made = emit_kernel(kernel, target, symbol, options);
  if (made)
    return std::move(*made);
  const Kernel textual = textual_kernel(kernel.program);
  if (text(kernel.schedule) != text(textual.schedule)) {
    remark(made.error(), "; in textual order instead");
    made = emit_kernel(textual, target, symbol, options);
    if (made)
      return std::move(*made);
  }
  remark(made.error(), "; in plain loops instead");
  EmitOptions plain = options;
  plain.nest = plain_nest(textual.program);
  made = emit_kernel(textual, target, symbol, plain);
  NASC_CHECK(made) << kernel.program.name << ": " << made.error().text;
  return std::move(*made);
}

} // namespace nasc
