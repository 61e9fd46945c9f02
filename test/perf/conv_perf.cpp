// perf_conv [repetitions]: share of this machine's measured multiply-add peak that convolution kernels reach on one
// thread, and how long code generation takes. Reports only.
#define CATCH_CONFIG_RUNNER
#include <catch2/catch.hpp>
#include <chrono>
#include <cstdio>

#include "codegen/emit.h"
#include "ir/text.h"
#include "polyhedral/transformation.h"
#include "test/unit/codegen/jit.h"

using namespace nasc;
using namespace nasc::test;

namespace {
using Clock = std::chrono::steady_clock;
double seconds_since(Clock::time_point t) { return std::chrono::duration<double>(Clock::now() - t).count(); }

template <class F>
double best_seconds(int repetitions, F&& f) {
  f();
  double best = 1e9;
  for (int k = 0; k < repetitions; ++k) {
    auto start = Clock::now();
    f();
    best = std::min(best, seconds_since(start));
  }
  return best;
}

// 12 independent chains of vector multiply-adds on registers: flops per second of one core.
double measured_peak(const Target& target, int repetitions) {
  int lanes = target.lanes(4);
  int64_t steps = 200000;
  std::string source = text("program peak { tensor x : f32[2, ", lanes, "] input\n tensor acc : f32[12, ", lanes,
                            "] temp\n tensor y : f32[12, ", lanes, "] output\n stmt init { init[r, l] : 0 <= r < 12 and 0 <= l < ",
                            lanes, " }\n acc[r, l] = 0\n stmt mac { mac[r, l, k] : 0 <= r < 12 and 0 <= l < ", lanes,
                            " and 0 <= k < ", steps, " }\n acc[r, l] += x[0, l] * x[1, l]\n stmt out { out[r, l] : 0 <= r < 12 and 0 <= l < ",
                            lanes, " }\n y[r, l] = acc[r, l]\n }");
  Program p = parse_program(source);
  Kernel k{p, textual_schedule(p)};
  auto tiled = apply(k, parse_step(text("tile(loops=[r, l], sizes=[12, ", lanes, "], vector=l, lanes=", lanes, ", reduce=[k], chunks=[0])")));
  if (!tiled) throw std::runtime_error(tiled.error().text);
  auto object = emit_kernel(*tiled, target, "peak", {});
  if (!object) throw std::runtime_error(object.error().text);
  Jit jit(*object);
  std::vector<float> x(2 * lanes, 1e-3f), y(12 * lanes);
  void* buffers[] = {x.data(), y.data()};
  double s = best_seconds(repetitions * 20, [&] { jit.fn()(buffers, nullptr, 0, 1); });
  return 2.0 * 12 * lanes * static_cast<double>(steps) / s;
}

struct Case {
  const char* name;
  int64_t in, out, extent, kernel, pixels, registers, step;
};

void run_case(const Case& c, const Target& target, double peak, int repetitions) {
  int64_t lanes = target.lanes(4), block = lanes * c.registers, halo = c.kernel / 2, e = c.extent;
  std::string space = text("n, co, h, w");
  std::string bounds = text("0 <= n < 1 and 0 <= co < ", c.out, " and 0 <= h < ", e, " and 0 <= w < ", e);
  std::string source = text(
      "program conv { tensor x : f32[1, ", c.in, ", ", e, ", ", e, "] input layout [0, 1/", lanes, ", 2, 3, 1%", lanes,
      "] halo [0:0, 0:0, ", halo, ":", halo, ", ", halo, ":", halo, "]\n tensor wt : f32[", c.out, ", ", c.in, ", ", c.kernel,
      ", ", c.kernel, "] weight layout [0/", block, ", 1/", lanes, ", 2, 3, 1%", lanes, ", 0%", block, "]\n tensor b : f32[",
      c.out, "] weight\n tensor acc : f32[1, ", c.out, ", ", e, ", ", e, "] temp layout [0, 1/", lanes, ", 2, 3, 1%", lanes,
      "]\n tensor y : f32[1, ", c.out, ", ", e, ", ", e, "] output layout [0, 1/", lanes, ", 2, 3, 1%", lanes,
      "] halo [0:0, 0:0, 1:1, 1:1]\n stmt init { init[", space, "] : ", bounds,
      " }\n acc[n, co, h, w] = b[co]\n stmt mac { mac[", space, ", ci, kh, kw] : ", bounds, " and 0 <= ci < ", c.in,
      " and 0 <= kh, kw < ", c.kernel, " }\n acc[n, co, h, w] += x[n, ci, h + kh - ", halo, ", w + kw - ", halo,
      "] * wt[co, ci, kh, kw]\n stmt out { out[", space, "] : ", bounds, " }\n y[n, co, h, w] = max(acc[n, co, h, w], 0)\n }");
  Program p = parse_program(source);
  Kernel k{p, textual_schedule(p)};
  auto tiled = apply(k, parse_step(text("tile(loops=[n, co, h, w], sizes=[1, ", block, ", 1, ", c.pixels,
                                        "], vector=co, lanes=", lanes, ", reduce=[ci, kh, kw], chunks=[", lanes,
                                        ", 0, 0], step=", c.step, ", unroll=[kw], parallel=co)")));
  if (!tiled) throw std::runtime_error(tiled.error().text);
  auto start = Clock::now();
  auto nest = nest_from_schedule(*tiled);
  double ast = seconds_since(start);
  start = Clock::now();
  EmitOptions options;
  if (nest) options.nest = *nest;
  auto object = emit_kernel(*tiled, target, "conv", options);
  double codegen = seconds_since(start);
  if (!object) throw std::runtime_error(object.error().text);
  for (const auto& note : object->notes) std::printf("  note: %s\n", note.c_str());
  Jit jit(*object);
  Bindings data = random_bindings(p, 1);
  std::vector<std::vector<std::byte>> storage;
  std::vector<void*> buffers;
  for (const Tensor& t : p.tensors) {
    if (t.role == Role::temp) continue;
    storage.push_back(t.role == Role::output ? std::vector<std::byte>(storage_bytes(t).constant()) : to_storage(t, data.at(t.name)));
  }
  for (auto& s : storage) buffers.push_back(s.data());
  double s = best_seconds(repetitions, [&] { jit.fn()(buffers.data(), nullptr, 0, 1); });
  double flops = 2.0 * static_cast<double>(c.in * c.out * e * e * c.kernel * c.kernel);
  std::printf("%-28s %2ldx%ld step %ld %9.1f us %6.1f GF/s %5.1f %% of peak; AST %.1f ms, IR and machine code %.1f ms\n", c.name,
              static_cast<long>(c.pixels), static_cast<long>(c.registers), static_cast<long>(c.step), s * 1e6, flops / s / 1e9,
              100 * flops / s / peak, ast * 1e3, codegen * 1e3);
}
}  // namespace

int main(int argc, char** argv) {
  int repetitions = argc > 1 ? std::atoi(argv[1]) : 40;
  Target target = host_target();
  try {
    double peak = measured_peak(target, repetitions);
    std::printf("%s: peak %.1f GF/s\n", target.cpu.c_str(), peak / 1e9);
    for (const Case& c : {Case{"3x3 64->64 @56", 64, 64, 56, 3, 6, 2, 4}, Case{"3x3 64->64 @56", 64, 64, 56, 3, 7, 1, 4},
                          Case{"3x3 64->64 @56", 64, 64, 56, 3, 4, 2, 4}, Case{"3x3 64->64 @56", 64, 64, 56, 3, 6, 2, 2},
                          Case{"3x3 64->64 @56", 64, 64, 56, 3, 6, 2, 8}, Case{"1x1 64->256 @56", 64, 256, 56, 1, 6, 2, 4},
                          Case{"3x3 256->256 @14", 256, 256, 14, 3, 6, 2, 4}})
      run_case(c, target, peak, repetitions);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "perf_conv: %s\n", e.what());
    return 1;
  }
  return 0;
}
