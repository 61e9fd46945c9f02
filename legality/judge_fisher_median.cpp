// fisher:median -- the form of the Fisher Potential whose answers do not depend on the seeds: the median over layers of
// log(candidate / original), its bound on paired seeds above log median_tau.
//
// The total is the sum of few large layers and follows their draws: between seeds its log ratio deviates by 0.16 (ResNet-20,
// 16 images), between candidates by 0.02, and its bound against 0.9 answers differently for 45 % of candidates when the
// seeds change. The median over layers deviates least, and its bound against 0.8 keeps its
// answer (test/reliability prints both). What it refuses is a collapse of many layers; capacity and naswot see the rest.
#include <cmath>

#include "legality/order.h"
#include "legality/scores.h"

namespace nasc {
namespace {
Verdict judge(const Subject& s) {
  if (!s.networks) return yes_verdict();
  NetworkPair& pair = *s.networks;
  return decide(pair, "median log fisher ratio of layers", "fisher-low", std::log(pair.options.median_tau),
                [&](int seed) { return median_log_ratio(pair.original, pair.candidate, seed); });
}

const Registered<Judge> fisher{{"fisher:median", "Median over layers of the Fisher Potential against the original's, on paired seeds, with a bound.", judge}};
}  // namespace
}  // namespace nasc
