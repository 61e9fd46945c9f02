// Weights as functions of a seed and a layer name.
#include <cmath>
#include <list>
#include <map>
#include <mutex>

#include "legality/drawn.h"

namespace nasc {
namespace {
constexpr size_t kRemembered = size_t{1} << 28;  // bytes; drawing anew is fast

uint64_t mixed(uint64_t z) {  // splitmix64
  z += 0x9e3779b97f4a7c15;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

// The quantile of the normal distribution (Acklam's rational approximation and one Newton step).
double normal_quantile(double p) {
  constexpr double a[] = {-3.969683028665376e+01, 2.209460984245205e+02, -2.759285104469687e+02, 1.383577518672690e+02, -3.066479806614716e+01, 2.506628277459239e+00};
  constexpr double b[] = {-5.447609879822406e+01, 1.615858368580409e+02, -1.556989798598866e+02, 6.680131188771972e+01, -1.328068155288572e+01};
  constexpr double c[] = {-7.784894002430293e-03, -3.223964580411365e-01, -2.400758277161838e+00, -2.549732539343734e+00, 4.374664141464968e+00, 2.938163982698783e+00};
  constexpr double d[] = {7.784695709041462e-03, 3.224671290700398e-01, 2.445134137142996e+00, 3.754408661907416e+00};
  double x;
  if (p < 0.02425 || p > 1 - 0.02425) {
    double q = std::sqrt(-2 * std::log(std::min(p, 1 - p)));
    x = (((((c[0] * q + c[1]) * q + c[2]) * q + c[3]) * q + c[4]) * q + c[5]) / ((((d[0] * q + d[1]) * q + d[2]) * q + d[3]) * q + 1);
    if (p > 0.5) x = -x;
  } else {
    double q = p - 0.5, r = q * q;
    x = (((((a[0] * r + a[1]) * r + a[2]) * r + a[3]) * r + a[4]) * r + a[5]) * q / (((((b[0] * r + b[1]) * r + b[2]) * r + b[3]) * r + b[4]) * r + 1);
  }
  double error = 0.5 * std::erfc(-x / std::sqrt(2.0)) - p;
  return x - error * std::sqrt(2 * M_PI) * std::exp(x * x / 2);
}

// 65536 equally likely values, scaled to variance one: four draws per 64 random bits.
const std::vector<float>& normals() {
  static const std::vector<float> table = [] {
    std::vector<double> exact(1 << 16);
    double square = 0;
    for (size_t i = 0; i < exact.size(); ++i) {
      exact[i] = normal_quantile((static_cast<double>(i) + 0.5) / static_cast<double>(exact.size()));
      square += exact[i] * exact[i] / static_cast<double>(exact.size());
    }
    std::vector<float> out;
    for (double x : exact) out.push_back(static_cast<float>(x / std::sqrt(square)));
    return out;
  }();
  return table;
}

HostTensor draw(Init init, uint64_t key, const std::vector<int64_t>& shape, int64_t fan_in, int64_t fan_out) {
  HostTensor t = zeros(DType::f32, shape);
  float* to = t.as<float>();
  int64_t count = t.count();
  bool normal = init == Init::he_normal && shape.size() > 2;
  float scale = normal ? static_cast<float>(std::sqrt(2.0 / static_cast<double>(std::max<int64_t>(fan_out, 1))))
                       : static_cast<float>(1 / std::sqrt(static_cast<double>(std::max<int64_t>(fan_in, 1))));
  const float* table = normals().data();
  for (int64_t i = 0; i < count; i += 4) {
    uint64_t bits = mixed(key + static_cast<uint64_t>(i));
    for (int64_t j = i; j < std::min(i + 4, count); ++j, bits >>= 16) {
      uint64_t low = bits & 0xffff;
      to[j] = scale * (normal ? table[low] : (static_cast<float>(low) + 0.5f) / 32768.f - 1.f);
    }
  }
  return t;
}
}  // namespace

std::shared_ptr<const HostTensor> drawn_weight(Init init, uint64_t seed, const std::string& layer, const std::vector<int64_t>& shape,
                                               int64_t fan_in, int64_t fan_out) {
  struct Entry {
    std::shared_ptr<const HostTensor> tensor;
    std::list<std::string>::iterator age;
  };
  static std::mutex mutex;  // of the rest; not held while drawing
  static std::map<std::string, Entry> known;
  static std::list<std::string> oldest_first;
  static size_t bytes = 0;
  std::string id = text(static_cast<int>(init), " ", seed, " ", layer, " ", fan_in, " ", fan_out, " ", text(shape_of(shape)));
  auto find = [&]() -> std::shared_ptr<const HostTensor> {
    auto it = known.find(id);
    if (it == known.end()) return nullptr;
    oldest_first.splice(oldest_first.end(), oldest_first, it->second.age);
    return it->second.tensor;
  };
  {
    std::lock_guard hold(mutex);
    if (auto found = find()) return found;
  }
  uint64_t key = mixed(seed);
  for (unsigned char c : layer) key = mixed(key ^ c);
  auto tensor = std::make_shared<const HostTensor>(draw(init, key, shape, fan_in, fan_out));
  std::lock_guard hold(mutex);
  if (auto found = find()) return found;  // another thread was faster
  bytes += tensor->bytes.size();
  while (bytes > kRemembered && !oldest_first.empty()) {
    auto old = known.find(oldest_first.front());
    bytes -= old->second.tensor->bytes.size();
    known.erase(old);
    oldest_first.pop_front();
  }
  known.emplace(id, Entry{tensor, oldest_first.insert(oldest_first.end(), id)});
  return tensor;
}

Drawn::Drawn(const std::vector<ScoredWeight>& weights, Init init, uint64_t seed) {
  parts.reserve(weights.size());
  std::map<std::string, int> fresh;  // a second weight of a layer that is no part of the original has a draw of its own
  for (const ScoredWeight& w : weights) {
    std::string name = w.layer;
    if (w.elements.empty())
      if (int earlier = fresh[w.layer]++) name += text("#", earlier);
    whole.push_back(drawn_weight(init, seed, name, w.drawn_shape, w.fan_in, w.fan_out));
    given.push_back(whole.back().get());
    if (w.elements.empty()) continue;
    parts.push_back(zeros(DType::f32, w.shape));
    float* to = parts.back().as<float>();
    const float* from = whole.back()->as<float>();
    for (size_t i = 0; i < w.elements.size(); ++i) to[i] = from[w.elements[i]];
    given.back() = &parts.back();
  }
}

}  // namespace nasc
