// The flow of absolute weights (synflow).
#include <cmath>

#include "ir/execute.h"
#include "legality/drawn.h"

namespace nasc {
namespace {
// Sums over many layers leave the range of float: the network is linear in its image and in the seed of its adjoint, so
// both are made smaller until all fits.
constexpr int kExponents[] = {0, -50, -90, -116};

enum class Range { fits, above, below };
Range range(const std::vector<double>& sums, int exponent) {
  double total = 0;
  for (double s : sums) total += s;
  if (!std::isfinite(total)) return Range::above;
  return exponent == 0 || total > 1e-25 ? Range::fits : Range::below;
}
}  // namespace

Scores ScoringNetwork::flow(uint64_t seed) const {
  NASC_CHECK(options_.measured == Measured::flow) << "a network made for another score";
  Drawn drawn(weights_, options_.init, seed);
  std::vector<HostTensor> absolute;
  for (const HostTensor* w : drawn.given) {
    absolute.push_back(*w);
    float* at = absolute.back().as<float>();
    for (int64_t i = 0; i < absolute.back().count(); ++i) at[i] = std::abs(at[i]);
  }
  Scores s;
  for (int exponent : kExponents) {
    float scale = std::ldexp(1.f, exponent);
    HostTensor image = zeros(DType::f32, image_shape()), one = zeros(DType::f32, constants(network_->buffers[static_cast<size_t>(seed_)].shape));
    std::fill_n(image.as<float>(), image.count(), scale);
    std::fill_n(one.as<float>(), one.count(), scale);
    std::map<int, const HostTensor*> bound = {{image_, &image}, {seed_, &one}};
    for (size_t k = 0; k < weights_.size(); ++k) bound[weights_[k].buffer] = &absolute[k];
    std::vector<HostTensor> out = prepared_->run(bound);
    std::vector<double> sums;
    for (size_t k = 0; k < layers_.size(); ++k) {
      sums.push_back(0);
      for (double d : to_doubles(out[k])) sums.back() += d;
    }
    Range is = range(sums, exponent);
    if (is == Range::below) break;
    if (is == Range::above) continue;
    for (double sum : sums) s.fisher.push_back(std::ldexp(sum, -2 * exponent));
    return s;
  }
  // Sums of both ends of the range, or beyond it: in double, through the executor, which takes its time.
  Network n = network();
  for (size_t k = 0; k < weights_.size(); ++k)
    n.buffers.edit(static_cast<size_t>(weights_[k].buffer)).payload = payload_from(std::move(absolute[k].bytes));
  HostTensor ones = zeros(DType::f32, image_shape());
  std::fill_n(ones.as<float>(), ones.count(), 1.f);
  std::vector<HostTensor> out = execute(n, {ones}, {.in_double = true});
  for (size_t k = 0; k < layers_.size(); ++k) {
    double sum = 0;
    for (double d : to_doubles(out[k])) sum += d;
    s.fisher.push_back(sum);
  }
  return s;
}

}  // namespace nasc
