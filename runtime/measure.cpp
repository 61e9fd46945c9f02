// Monotonic clock around single calls.
#include "runtime/measure.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <numeric>

#include "ir/diag.h"

namespace nasc {
namespace {

double now_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

}  // namespace

Timing summary(std::vector<double> milliseconds) {
  NASC_CHECK(!milliseconds.empty()) << "no samples";
  std::sort(milliseconds.begin(), milliseconds.end());
  const std::size_t n = milliseconds.size();
  auto at = [&](double share) {
    auto rank = static_cast<std::size_t>(std::ceil(share * static_cast<double>(n)));
    return milliseconds[std::clamp<std::size_t>(rank, 1, n) - 1];
  };
  double sum = std::accumulate(milliseconds.begin(), milliseconds.end(), 0.0);
  return {.min_ms = milliseconds.front(),
          .median_ms = at(0.5),
          .p90_ms = at(0.9),
          .p99_ms = at(0.99),
          .mean_ms = sum / static_cast<double>(n),
          .calls = n};
}

Timing measure(const std::function<void()>& call, const MeasureOptions& options) {
  const double start = now_seconds();
  for (int i = 0; i < options.warm_calls || now_seconds() - start < options.warm_seconds; ++i) {
    if (now_seconds() - start > options.limit_seconds) break;
    call();
  }
  std::vector<double> samples;
  const double begin = now_seconds();
  for (double before = begin;;) {
    call();
    double after = now_seconds();
    samples.push_back((after - before) * 1e3);
    before = after;
    bool enough = static_cast<int>(samples.size()) >= options.calls && after - begin >= options.seconds;
    if (enough || after - begin > options.limit_seconds) break;
  }
  return summary(std::move(samples));
}

}  // namespace nasc
