// Classes and divergences.
#include "legality/agreement.h"

#include <algorithm>
#include <cmath>

#include "ir/prepared.h"
#include "legality/fitting.h"

namespace nasc {
namespace {
// Probabilities of one image; logits become them unless they are already.
std::vector<double> probabilities(const float* at, size_t classes) {
  std::vector<double> p(at, at + classes);
  double sum = 0, least = 0;
  for (double v : p) sum += v, least = std::min(least, v);
  if (least >= 0 && std::abs(sum - 1) < 1e-3) return p;
  double most = *std::max_element(p.begin(), p.end());
  sum = 0;
  for (double& v : p) sum += v = std::exp(v - most);
  for (double& v : p) v /= sum;
  return p;
}
}  // namespace

Agreement compare_outputs(const Network& original, const Network& candidate, const std::vector<Minibatch>& data) {
  Prepared first(original), second(candidate);
  Agreement a;
  a.weights = "kept or sliced";
  for (const Minibatch& m : data) {
    HostTensor x = first.run({{original.inputs[0], &m.images}})[0], y = second.run({{candidate.inputs[0], &m.images}})[0];
    if (x.count() != y.count()) throw UserError(code::bad_shape, candidate.name, "outputs of another shape than the original's");
    size_t images = static_cast<size_t>(m.images.shape[0]), classes = static_cast<size_t>(x.count()) / images;
    for (size_t n = 0; n < images; ++n) {
      std::vector<double> p = probabilities(x.as<float>() + n * classes, classes), q = probabilities(y.as<float>() + n * classes, classes);
      ++a.images;
      a.same_class += std::max_element(p.begin(), p.end()) - p.begin() == std::max_element(q.begin(), q.end()) - q.begin();
      for (size_t k = 0; k < classes; ++k)
        if (p[k] > 0) a.divergence += p[k] * std::log(p[k] / std::max(q[k], 1e-12));
    }
  }
  if (a.images) a.divergence /= static_cast<double>(a.images);
  return a;
}

Agreement best_agreement(const Network& original, const Network& candidate, const std::vector<Minibatch>& data) {
  auto third = data.begin() + static_cast<int64_t>(data.size() / 3);
  std::vector<Minibatch> seen(data.begin(), third), unseen(third, data.end());
  Agreement kept = compare_outputs(original, candidate, unseen);
  Fit fit = fitted_weights(original, candidate, seen);
  if (fit.layers == 0) return kept;
  Agreement fitted = compare_outputs(original, fit.network, unseen);
  fitted.weights = "fitted";
  fitted.unfitted = kept.same_class;
  return fitted.same_class > kept.same_class || (fitted.same_class == kept.same_class && fitted.divergence <= kept.divergence) ? fitted : kept;
}

}  // namespace nasc
