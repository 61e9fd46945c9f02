// Which contractions are computed by bands of rows with the windows over single channels that read them, as depthwise convolutions
// and pools do: those whose results leave the second cache.
#include <optional>

#include "polyhedral/cost/blocking.h"
#include "polyhedral/cost/contraction.h"
#include "polyhedral/cost/register_tile.h"
#include "polyhedral/cost/work.h"
#include "polyhedral/group.h"
#include "polyhedral/module_edit.h"
#include "polyhedral/scheduler_parts.h"

namespace nasc {
namespace {
// Measured (MobileNetV2, Granite Rapids: 96 channels @112, 0.49 -> 0.38 ms at T1, 0.26 -> 0.22 at T2): what is read is waited for,
// what is written hides behind the arithmetic.
constexpr double kSeen = 1 + kSeenShare;
constexpr double kClearly = 1.06;  // the model is not better than that

// Rows of the window's result in each band of the cheapest; nullopt: apart is as good.
std::optional<int64_t> best_rows(const Program& producer, const Program& window, const Buffer& between, const Target& t) {
  auto group = group_of(window);
  if (!group || between.rank() < 3 || group->extents.size() != between.shape.size()) return std::nullopt;
  size_t row = between.shape.size() - 2;
  const Extent &height = between.shape[row], &results = group->extents[row];
  Extent size = storage_bytes(between);
  if (!size.is_constant() || !height.is_constant() || !results.is_constant() || size.constant() <= t.l2_bytes) return std::nullopt;
  if (results.constant() < 1 || height.constant() < results.constant()) return std::nullopt;  // no window that moves by whole rows
  double bytes = static_cast<double>(size.constant()), rows = static_cast<double>(height.constant());
  int64_t taps = 1, step = height.constant() / results.constant();
  for (const std::string& i : group->reduction() ? group->reduction()->reduction : std::vector<std::string>{})
    taps = std::max(taps, iterator_extent(window.statement(group->reduction()->statement), i).value_or(1));
  double arithmetic = work_of(producer).operations / (4 * t.lanes(kFloatBytes));
  double apart = arithmetic + kSeen * bytes / t.read_rate(bytes);
  std::optional<int64_t> best;
  double least = apart / kClearly;
  for (int64_t r = 1; r < results.constant(); ++r) {
    double bands = static_cast<double>(results.constant() / r), made = static_cast<double>(step * (r - 1) + taps);
    double band = bytes * made / rows, all = bands * made / rows;
    if (band > static_cast<double>(t.l2_bytes) / 2) break;
    if (results.constant() % r) continue;
    double cycles = all * (arithmetic + kSeen * bytes / t.l2_rate) * (1 + uneven(bands, std::max(1, t.cores))) / 2;
    if (cycles < least) least = cycles, best = r;
  }
  return best;
}
}  // namespace

void plan_overlaps(Planner& planner) {
  for (int c = 0; c < static_cast<int>(planner.module.network.calls.size()); ++c) {
    const Network& n = planner.module.network;
    const Call window = n.calls[c];
    const Program& q = *n.programs[window.program];
    if (q.phase != Phase::run || find_contraction(q)) continue;
    for (int buffer : window.args) {
      int producer = producer_of(n, buffer, c);
      if (producer < 0 || !find_contraction(*n.programs[n.calls[producer].program])) continue;
      const Program& p = *n.programs[n.calls[producer].program];
      auto rows = analysed([&] { return best_rows(p, q, n.buffers[buffer], planner.module.target); }, std::nullopt);
      Planner trial = planner;
      if (!rows || !trial.network_step({"overlap", {{"first", int64_t{producer}}, {"second", int64_t{c}}, {"rows", *rows}}})) continue;
      Planner made = trial;
      if (!plan_blocks(made, made.module.network.calls[c - 1].program)) continue;
      planner = std::move(trial);
      --c;
      break;
    }
  }
}

}  // namespace nasc
