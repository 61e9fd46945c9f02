// Copies that nobody needs. Concats and Splits are views where their parts are whole blocks of channels, so that any
// layout that the scheduler chooses keeps each part in one piece; Transposes are folded into their neighbours where
// elements that are side by side stay so: others are what makes vectors of them.
#include "polyhedral/module_edit.h"
#include "polyhedral/scheduler.h"

namespace nasc {
namespace {

bool joins_channel_blocks(const Module& m, const Call& call) {
  const Network& n = m.network;
  const Buffer& first = n.buffers[call.args[0]];
  for (int b : call.args) {
    const Buffer& buffer = n.buffers[b];
    int lanes = m.target.lanes(bytes(buffer.dtype));
    if (buffer.rank() < 3 || buffer.rank() != first.rank() || !buffer.shape[1].is_constant() ||
        lanes < 1 || buffer.shape[1].constant() % lanes)
      return false;
    for (int d = 0; d < buffer.rank(); ++d)
      if (d != 1 && !(buffer.shape[d] == first.shape[d]))
        return false;
  }
  return true;
}
} // namespace

void plan_transposes(Planner& planner) {
  for (int64_t c = 0; c < static_cast<int64_t>(planner.module.network.calls.size());) {
    const Network& n = planner.module.network;
    auto order = analysed([&] { return permutation(*n.programs[n.calls[c].program]); }, std::nullopt);
    bool rows = order && !order->empty() && order->back() + 1 == static_cast<int>(order->size());
    if (!rows || !planner.network_step({"fold_transpose", {{"call", c}}})) ++c;
  }
}

void plan_joins(Planner& planner) {
  for (int64_t c = 0; c < static_cast<int64_t>(planner.module.network.calls.size());) {
    const Network& n = planner.module.network;
    auto calls = static_cast<int64_t>(n.calls.size());
    if (joins_channel_blocks(planner.module, n.calls[c]) &&
        planner.network_step({"join", {{"call", c}}}))
      c += static_cast<int64_t>(planner.module.network.calls.size()) + 1 -
           calls; // the copies that are left
    else
      ++c;
  }
}

} // namespace nasc
