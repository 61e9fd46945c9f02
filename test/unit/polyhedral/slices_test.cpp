// Which Programs are slices along a symbolic batch, and what a round of slices needs of a buffer.
#include <catch2/catch.hpp>

#include "ir/text.h"
#include "polyhedral/slices.h"

using namespace nasc;

namespace {
// One statement over n and i in [0, 8) that writes y[N, 8] from x[N, 8].
bool slices(const std::string& domain, const std::string& statement,
            const std::string& tensors = "") {
  Program p = parse_program(
      "program p { tensor x : f32[N, 8] input\n tensor y : f32[N, 8] output\n" + tensors +
      "  stmt s [N] -> { s[n, i] : " + domain + " }\n    " + statement + " }");
  return slices_by(p, "N");
}
const std::string kAll = "0 <= n < N and 0 <= i < 8";
} // namespace

TEST_CASE("slices: images that do not mix are slices") {
  CHECK(slices(kAll, "y[n, i] = x[n, i] * 2.0"));
  CHECK(slices(kAll, "y[n, i] = x[n, 7 - i]"));
  CHECK(slices(kAll + " and (i + 1) mod 3 = 0", "y[n, i] = x[n, i]"));
  CHECK(slices(kAll, "y[n, i] = x[n, i] * w[i]", "  tensor w : f32[8] weight\n"));
}

TEST_CASE("slices: merged and split batches are slices of several rows") {
  Program merged = parse_program(R"(program p { tensor x : f32[N, 6, 8] input
    tensor y : f32[6*N, 8] output
    stmt s [N] -> { s[m, i] : 0 <= m < 6N and 0 <= i < 8 }
      y[m, i] = x[floor(m/6), m - 6*floor(m/6), i] })");
  CHECK(slices_by(merged, "N"));
}

TEST_CASE("slices: what mixes images, counts them or numbers them is not") {
  CHECK_FALSE(slices(kAll, "y[N - 1 - n, i] = x[n, i]"));
  CHECK_FALSE(slices("1 <= n < N and 0 <= i < 8", "y[n, i] = x[n - 1, i]"));
  CHECK_FALSE(slices(kAll, "y[n, i] = x[0, i]"));
  CHECK_FALSE(slices(kAll + " and i < n + 1", "y[n, i] = x[n, i]"));
  CHECK_FALSE(slices(kAll, "y[n, i] = f32(extent(N)) * x[n, i]"));
}

TEST_CASE("slices: growth of an extent") {
  Extent n = Extent::parameter("N"), h = Extent::parameter("H");
  CHECK(growth(n * Extent(49), "N") == 49);
  CHECK(growth(h, "N") == 0);
  CHECK_FALSE(growth(n + Extent(1), "N"));
  CHECK_FALSE(growth(n * h, "N"));
  CHECK_FALSE(growth(floordiv(n, Extent(2)), "N"));
}
