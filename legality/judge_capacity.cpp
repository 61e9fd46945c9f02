// capacity -- no layer, and not the network, falls below a share of its multiplications and parameters. Free: no network
// runs. Fisher says little about capacity (its correlation with size is 0.1 to 0.2), so this floor stands beside it.
#include <algorithm>

#include "ir/registry.h"
#include "legality/order.h"
#include "legality/scores.h"

namespace nasc {
namespace {
Verdict judge(const Subject& s) {
  if (!s.networks) return yes_verdict();
  const JudgeOptions& options = s.networks->options;
  const ScoringNetwork &original = s.networks->original.network(), &candidate = s.networks->candidate.network();
  auto share = [](int64_t after, int64_t before) { return before ? static_cast<double>(after) / static_cast<double>(before) : 1.0; };
  Verdict v = yes_verdict();
  double macs = share(candidate.macs(), original.macs()), parameters = share(candidate.parameters(), original.parameters());
  v.measures = {{"share of MACs", macs, 0}, {"share of parameters", parameters, 0}};
  auto low = [&](const std::string& what, double is, double floor) {
    v.answer = Verdict::no;
    v.reason = "capacity-low";
    v.text = text(what, " keeps ", is, " of its capacity, at least ", floor, " is wanted");
    return v;
  };
  if (std::min(macs, parameters) < options.network_floor) return low("the network", std::min(macs, parameters), options.network_floor);
  for (const ScoredLayer& before : original.layers()) {
    int64_t m = 0, p = 0;
    for (const ScoredLayer& after : candidate.layers())
      if (after.name == before.name) m += after.macs, p += after.parameters;
    double kept = std::min(share(m, before.macs), share(p, before.parameters));
    if (kept < options.layer_floor) return low("layer " + before.name, kept, options.layer_floor);
  }
  return v;
}

const Registered<Judge> capacity{{"capacity", "Floors of the MACs and parameters of each layer and of the network.", judge}};
}  // namespace
}  // namespace nasc
