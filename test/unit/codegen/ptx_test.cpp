// PTX of an elementwise and a convolution kernel, assembled by ptxas when it is installed.
#include <catch2/catch.hpp>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "codegen/ptx.h"
#include "ir/text.h"
#include "polyhedral/transformation.h"

using namespace nasc;
namespace fs = std::filesystem;

namespace {
std::string find_ptxas() {
  if (std::system("ptxas --version > /dev/null 2>&1") == 0) return "ptxas";
  const char* usual = "/usr/local/cuda/bin/ptxas";
  return fs::exists(usual) ? usual : "";
}
void assembles(const PtxKernel& kernel, int sm) {
  std::string ptxas = find_ptxas();
  if (ptxas.empty()) {
    WARN("skipped: no ptxas in PATH or in the CUDA toolkit's usual folder");
    return;
  }
  fs::path file = fs::path(NASC_BINARY_DIR) / (kernel.symbol + ".ptx");
  std::ofstream(file) << kernel.ptx;
  std::string command = ptxas + " -arch=sm_" + std::to_string(sm) + " -o " + file.string() + ".cubin " + file.string();
  INFO(kernel.ptx);
  CHECK(std::system(command.c_str()) == 0);
}
Kernel textual(const std::string& source) {
  Program p = parse_program(source);
  return {p, textual_schedule(p)};
}
}  // namespace

TEST_CASE("ptx: an elementwise kernel with emitted functions") {
  Program p = parse_program(R"(program gelu { tensor x : f32[N, 64] input
    tensor y : f32[N, 64] output
    stmt s [N] -> { s[i, j] : 0 <= i < N and 0 <= j < 64 }
      y[i, j] = x[i, j] * (1 + erf(x[i, j] * 0.70710678)) * 0.5 + tanh(exp(sin(x[i, j]))) })");
  Kernel k{p, Schedule{parse_schedule(R"({ domain: "[N] -> { s[i, j] : 0 <= i < N and 0 <= j < 64 }", child: {
    mark: "i parallel", child: { schedule: "[N] -> [{ s[i, j] -> [(i)] }]", child: {
      mark: "j vectorize", child: { schedule: "[N] -> [{ s[i, j] -> [(j)] }]" } } } } })")}};
  EmitOptions options;
  options.values = {{"N", 0}};
  for (int sm : {75, 90}) {
    auto ptx = emit_ptx(k, sm, "gelu", options);
    if (!ptx) FAIL(ptx.error().text);
    CHECK(ptx->threads == 64);
    CHECK(ptx->grid_dims == 1);
    CHECK(ptx->ptx.find(".entry gelu") != std::string::npos);
    assembles(*ptx, sm);
  }
}

TEST_CASE("ptx: a convolution with staged accumulators") {
  Program p = parse_program(R"(program conv { tensor x : f32[1, 16, 8, 8] input layout [0, 1, 2, 3] halo [0:0, 0:0, 1:1, 1:1]
    tensor k : f32[32, 16, 3, 3] weight layout [1, 2, 3, 0]
    tensor acc : f32[1, 32, 8, 8] temp
    tensor y : f32[1, 32, 8, 8] output layout [0, 2, 3, 1]
    stmt init { init[n, co, h, w] : 0 <= n < 1 and 0 <= co < 32 and 0 <= h, w < 8 }
      acc[n, co, h, w] = 0
    stmt mac { mac[n, co, h, w, ci, kh, kw] : 0 <= n < 1 and 0 <= co < 32 and 0 <= h, w < 8 and 0 <= ci < 16 and 0 <= kh, kw < 3 }
      acc[n, co, h, w] += x[n, ci, h + kh - 1, w + kw - 1] * k[co, ci, kh, kw]
    stmt out { out[n, co, h, w] : 0 <= n < 1 and 0 <= co < 32 and 0 <= h, w < 8 }
      y[n, co, h, w] = max(acc[n, co, h, w], 0) })");
  auto k = apply(Kernel{p, textual_schedule(p)},
                 parse_step("tile(loops=[n, h, w, co], sizes=[1, 1, 4, 32], vector=co, lanes=32, parallel=h)"));
  REQUIRE(k);
  auto ptx = emit_ptx(*k, 80, "conv", {});
  if (!ptx) FAIL(ptx.error().code << ": " << ptx.error().text);
  CHECK(ptx->threads == 32);
  CHECK(ptx->ptx.find("fma.rn.f32") != std::string::npos);
  assembles(*ptx, 80);
}

TEST_CASE("ptx: refusals") {
  auto code = [](const std::string& body) {
    auto made = emit_ptx(textual("program p { tensor x : f32[8] input\n tensor y : f32[8] output\n stmt s { s[i] : 0 <= i < 8 }\n y[i] = " + body + "\n }"), 80, "p", {});
    return made ? "none" : made.error().code;
  };
  CHECK(code("exp(x[i])") == "none");
  CHECK(code("asin(x[i])") == "gpu-function");
}
