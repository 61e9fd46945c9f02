// The models of the scheduler, put together for whole forms.
#include "tools/neural/latency.h"

#include <algorithm>

#include "polyhedral/cost/register_tile.h"
#include "polyhedral/cost/winograd.h"
#include "polyhedral/neural/canonical.h"

namespace nasc {
namespace {
constexpr double kClock = 3e6;            // cycles per millisecond
constexpr double kKernel = 4000;          // cycles to begin a kernel on all cores
constexpr double kWinogradMargin = 1.15;  // the scheduler takes it where it is clearly faster
constexpr int64_t kLeastGrain = 4;        // outputs per group that a vector can be filled with
constexpr int kFloat = 4;

double direct(const GroupedConv& g, double batch, const Target& target) {
  int64_t lanes = target.lanes(kFloat);
  double lines = batch * static_cast<double>(g.extent[1]);
  double steps = static_cast<double>(g.columns * g.kernel[0] * g.kernel[1]);
  auto tiled = [&](double vectors) {
    RegisterTile t = register_tile(target, g.extent[2], std::max<int64_t>(1, static_cast<int64_t>(vectors)));
    return lines * steps * vectors * t.cycles_per_step;
  };
  double groups = static_cast<double>(g.groups), all = groups * static_cast<double>(g.rows);
  if (g.rows >= lanes || g.groups == 1) // vectors of outputs of one group, the last one partly empty
    return groups * tiled(static_cast<double>((g.rows + lanes - 1) / lanes));
  double vectors = std::max(1.0, all / static_cast<double>(lanes));
  double pixels = lines * static_cast<double>(g.extent[2]);
  if (g.rows >= kLeastGrain) // several groups side by side: each vector gathers their inputs
    return 1.5 * tiled(vectors);
  if (g.columns == 1) // depthwise: a load per multiply-add
    return pixels * steps * vectors;
  return 4 * pixels * steps * vectors;
}

double cycles_of(const GroupedConv& g, double batch, const Target& target) {
  double weights = kFloat * static_cast<double>(g.groups * g.rows * g.columns * g.kernel[0] * g.kernel[1]);
  double best = std::max(direct(g, batch, target), weights / target.memory_rate);
  bool square = g.kernel[0] == 3 && g.kernel[1] == 3 && g.stride[0] == 1 && g.stride[1] == 1 &&
                g.dilation[0] == 1 && g.dilation[1] == 1;
  if (g.groups == 1 && square)
    for (int64_t m : kWinogradTiles) {
      WinogradShape w;
      w.out = {static_cast<int64_t>(batch), g.rows, g.extent[1], g.extent[2]};
      w.channels = g.columns, w.m = m;
      double cycles = winograd_cycles(w, target);
      if (cycles * kWinogradMargin < best)
        best = cycles;
    }
  return best + kKernel;
}

} // namespace

double predicted_cycles(const ConvForm& form, const Target& target) {
  double batch = form.batch.is_constant() ? static_cast<double>(form.batch.constant()) : 1;
  double out = kFloat * batch * static_cast<double>(form.out[0] * form.out[1] * form.out[2]);
  auto convs = grouped_convs(form);
  if (!convs) // a loop nest that is no convolution: a multiply-add per cycle
    return kKernel + batch * static_cast<double>(form.macs());
  double cycles = 0;
  bool repeated = false;
  for (const GroupedConv& g : *convs) {
    cycles += cycles_of(g, batch, target);
    repeated |= g.repeat[0] > 1 || g.repeat[1] > 1;
  }
  if (convs->size() > 1 || repeated) // written apart, then read and written together
    cycles += kKernel + 2 * out / target.l3_rate;
  return cycles;
}

double predicted_ms(double cycles) { return cycles / kClock; }

} // namespace nasc
