// output -- agreement of classes with the trained original, on the weights that the compiled network has: kept or sliced.
// What a fit of them would reach is measured beside. Undecided without a trained model and real data.
#include <cmath>

#include "ir/registry.h"
#include "legality/order.h"
#include "legality/scores.h"

namespace nasc {
namespace {
Verdict judge(const Subject& s) {
  if (!s.networks) return yes_verdict();
  if (s.networks->team.stopped()) return out_of_time();
  std::optional<Agreement> a = s.networks->agreement ? s.networks->agreement() : std::nullopt;
  if (!a || a->images == 0) return {Verdict::undecided, "no-trained-model", "output needs trained weights and labelled images", {}, {}};
  const bool fitted = a->unfitted >= 0;
  const int64_t same = fitted ? a->unfitted : a->same_class;
  double n = static_cast<double>(a->images), share = static_cast<double>(same) / n, floor = s.networks->options.agreement;
  double error = agreement_error(share, n);
  Verdict v = yes_verdict();
  v.measures = {{"agreement, weights " + (fitted ? "kept or sliced" : a->weights), share, error}};
  if (fitted) v.measures.push_back({"agreement, weights fitted", static_cast<double>(a->same_class) / n, 0});
  v.measures.push_back({fitted ? "divergence, weights fitted" : "divergence", a->divergence, 0});
  if (share - error >= floor) return v;
  v.answer = share + error < floor ? Verdict::no : Verdict::undecided;
  v.reason = "output-differs";
  v.text = text("classes agree on ", same, " of ", a->images, " images, wanted ", floor);
  return v;
}

const Registered<Judge> output{{"output", "Agreement of classes with the trained original on labelled images.", judge}};
}  // namespace
}  // namespace nasc
