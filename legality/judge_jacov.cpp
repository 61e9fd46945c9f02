// jacov -- correlation of the gradients of the summed logits at the images (Mellor et al. 2020): refused when the network
// treats different images more alike than the original does. Needs scoring networks made with_jacobian.
#include "ir/registry.h"
#include "legality/order.h"
#include "legality/scores.h"

namespace nasc {
namespace {
Verdict judge(const Subject& s) {
  if (!s.networks) return yes_verdict();
  NetworkPair& pair = *s.networks;
  return decide(pair, "jacov difference", "jacov-low", -pair.options.jacov_drop,
                [&](int seed) { return pair.candidate.at(seed).jacov - pair.original.at(seed).jacov; });
}

const Registered<Judge> jacov{{"jacov", "Correlation of gradients at the images, against the original.", judge}};
}  // namespace
}  // namespace nasc
