// Rewritten convolutions made schedulable: the first part of the analytic scheduler.
#include "polyhedral/neural/edit.h"
#include "polyhedral/scheduler.h"

namespace nasc {

void plan_pieces(Planner& planner) {
  for (size_t c = 0; c < planner.module.network.calls.size(); ++c) {
    const Network& n = planner.module.network;
    const Program& p = *n.programs[static_cast<size_t>(n.calls[c].program)];
    if (p.statements.empty() || p.statements[0].name != "init0") continue;
    planner.network_step({"separate", {{"layer", layer_name(n, static_cast<int>(c))}}});
  }
}

}  // namespace nasc
