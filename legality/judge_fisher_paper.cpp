// fisher:paper -- the literal rule: one minibatch, one draw, refused when the total Fisher Potential falls below the
// original's. What the paper describes; its answers flip with the seed (see test/reliability).
#include "ir/registry.h"
#include "legality/order.h"
#include "legality/scores.h"

namespace nasc {
namespace {
Verdict judge(const Subject& s) {
  if (!s.networks) return yes_verdict();
  if (!s.networks->look(1)) return out_of_time();
  double before = s.networks->original.at(0).total(), after = s.networks->candidate.at(0).total();
  Verdict v = yes_verdict();
  v.measures = {{"fisher", after, 0}, {"fisher of the original", before, 0}};
  if (after >= before) return v;
  v.answer = Verdict::no;
  v.reason = "fisher-below-original";
  v.text = "the Fisher Potential is below the original's";
  return v;
}

const Registered<Judge> paper{{"fisher:paper", "The literal rule: total Fisher Potential not below the original's, one seed.", judge}};
}  // namespace
}  // namespace nasc
