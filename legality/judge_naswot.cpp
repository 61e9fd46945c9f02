// naswot -- log |det| of the kernel of rectifier codes (Mellor et al. 2021): how well the untrained network tells the images
// of a minibatch apart. Refused when it falls, on paired seeds.
#include "ir/registry.h"
#include "legality/order.h"
#include "legality/scores.h"

namespace nasc {
namespace {
Verdict judge(const Subject& s) {
  if (!s.networks) return yes_verdict();
  NetworkPair& pair = *s.networks;
  return decide(pair, "naswot difference", "naswot-low", -pair.options.naswot_drop * static_cast<double>(pair.original.network().batch()),
                [&](int seed) { return pair.candidate.at(seed).naswot - pair.original.at(seed).naswot; });
}

const Registered<Judge> naswot{{"naswot", "How well untrained rectifiers tell images apart, against the original.", judge}};
}  // namespace
}  // namespace nasc
