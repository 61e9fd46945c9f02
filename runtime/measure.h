// The timing protocol: the one place that decides how a run time is measured and summarised.
#pragma once

#include <cstddef>
#include <functional>
#include <vector>

namespace nasc {

// Warm-up: at least `warm_calls` calls and `warm_seconds`. Then single calls are timed until there are `calls` of
// them and `seconds` have passed; `limit_seconds` ends either phase, after one timed call at the least.
struct MeasureOptions {
  int warm_calls = 3;
  double warm_seconds = 0.05;
  int calls = 20;
  double seconds = 0.2;
  double limit_seconds = 30;
};

// Milliseconds. Percentiles are samples (nearest rank), never interpolated.
struct Timing {
  double min_ms = 0, median_ms = 0, p90_ms = 0, p99_ms = 0, mean_ms = 0;
  std::size_t calls = 0;
};

Timing summary(std::vector<double> milliseconds);  // throws InternalError when empty
Timing measure(const std::function<void()>& call, const MeasureOptions& options);

}  // namespace nasc
