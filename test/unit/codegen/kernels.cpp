#include "test/unit/codegen/kernels.h"

#include <catch2/catch.hpp>

#include "ir/text.h"
#include "polyhedral/transformation.h"

namespace nasc::test {

std::string conv(int64_t in, int64_t out, int64_t extent, int64_t lanes) {
  std::string block = text(" layout [0, 1/", lanes, ", 2, 3, 1%", lanes, "]");
  std::string at = text("0 <= n < 1 and 0 <= co < ", out, " and 0 <= h, w < ", extent);
  return text("program conv { tensor x : f32[1, ", in, ", ", extent, ", ", extent, "] input", block,
              " halo [0:0, 0:0, 1:1, 1:1]\n tensor k : f32[", out, ", ", in, ", 3, 3] weight layout [0/", lanes,
              ", 1, 2, 3, 0%", lanes, "]\n tensor b : f32[", out, "] weight\n tensor r : f32[1, ", out, ", ", extent, ", ",
              extent, "] input", block, "\n tensor acc : f32[1, ", out, ", ", extent, ", ", extent, "] temp\n tensor y : f32[1, ",
              out, ", ", extent, ", ", extent, "] output", block, "\n stmt init { init[n, co, h, w] : ", at,
              " }\n acc[n, co, h, w] = b[co]\n stmt mac { mac[n, co, h, w, ci, kh, kw] : ", at, " and 0 <= ci < ", in,
              " and 0 <= kh, kw < 3 }\n acc[n, co, h, w] += x[n, ci, h + kh - 1, w + kw - 1] * k[co, ci, kh, kw]\n",
              " stmt out { out[n, co, h, w] : ", at, " }\n y[n, co, h, w] = max(acc[n, co, h, w] + r[n, co, h, w], 0)\n }");
}
Kernel tiled(const std::string& source, const std::string& step) {
  Program p = parse_program(source);
  Kernel k{p, textual_schedule(p)};
  auto out = apply(k, parse_step(step));
  if (!out) FAIL(out.error().code << ": " << out.error().text);
  return *out;
}

}  // namespace nasc::test
