// A kernel of twelve chains, compiled like any other.
#include "tools/tune/peak.h"

#include <algorithm>
#include <chrono>

#include "codegen/jit.h"
#include "ir/text.h"
#include "polyhedral/transformation.h"

namespace nasc {

double measured_peak(const Target& target) {
  constexpr int kChains = 12, kSteps = 100'000, kRuns = 60;
  int lanes = std::max(target.lanes(4), 1);
  std::string box = text("0 <= r < ", kChains, " and 0 <= l < ", lanes);
  Program p = parse_program(text("program peak { tensor x : f32[2, ", lanes, "] input\n tensor acc : f32[", kChains, ", ",
                                 lanes, "] temp\n tensor y : f32[", kChains, ", ", lanes, "] output\n stmt init { init[r, l] : ",
                                 box, " }\n acc[r, l] = 0\n stmt mac { mac[r, l, k] : ", box, " and 0 <= k < ", kSteps,
                                 " }\n acc[r, l] += x[0, l] * x[1, l]\n stmt out { out[r, l] : ", box,
                                 " }\n y[r, l] = acc[r, l]\n }"));
  Kernel k{p, textual_schedule(p)};
  if (lanes > 1) {
    auto tiled = apply(k, parse_step(text("tile(loops=[r, l], sizes=[", kChains, ", ", lanes, "], vector=l, lanes=", lanes,
                                          ", reduce=[k], chunks=[0])")));
    NASC_CHECK(tiled) << tiled.error().text;
    k = *tiled;
  }
  auto object = emit_kernel(k, target, "peak", {});
  NASC_CHECK(object) << object.error().text;
  Jit jit(*object);
  std::vector<float> x(2 * static_cast<size_t>(lanes), 1e-3f), y(kChains * static_cast<size_t>(lanes));
  void* buffers[] = {x.data(), y.data()};
  double best = 1e9;
  for (int run = 0; run < kRuns; ++run) {
    auto begin = std::chrono::steady_clock::now();
    jit.fn()(buffers, nullptr, 0, 1);
    best = std::min(best, std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
  }
  return 2.0 * kChains * lanes * kSteps / best;
}

} // namespace nasc
