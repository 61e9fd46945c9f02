// synflow -- the sum of |w dR/dw| of the network of absolute weights on an image of ones (Tanaka et al. 2020), in
// logarithms and per layer: refused when paths are lost. Needs no data.
#include "ir/registry.h"
#include "legality/order.h"
#include "legality/scores.h"

namespace nasc {
namespace {
Verdict judge(const Subject& s) {
  if (!s.networks) return yes_verdict();
  NetworkPair& pair = *s.networks;
  if (!pair.candidate.has_flow() || !pair.original.has_flow())
    return {Verdict::undecided, "no-flow-network", "synflow was asked for without its network", {}, {}};
  double layers = static_cast<double>(pair.original.network().layers().size());
  return decide("synflow difference per layer", "synflow-low", -pair.options.synflow_drop, std::min(pair.options.max_seeds, 6),
                [&](int seed) { return (pair.candidate.log_flow(seed) - pair.original.log_flow(seed)) / layers; },
                [&](int) { return !pair.team.stopped(); });
}

const Registered<Judge> synflow{{"synflow", "Flow of absolute weights through the network, against the original.", judge}};
}  // namespace
}  // namespace nasc
