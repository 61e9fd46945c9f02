// Long sums become sums of blocks, in whole vectors where that goes; what adds one term only stays.
#include <catch2/catch.hpp>

#include "frontend/long_sums.h"
#include "ir/text.h"

using namespace nasc;

namespace {
// y[i] = sum over k of `term`.
Program sum_of(int64_t extent, const std::string& term) {
  const std::string n = std::to_string(extent);
  Program p = parse_program("program p { tensor x : f32[" + n + ", 4] weight\n tensor j : i64[4] input\n"
                            " tensor y : f32[4] output\n stmt zero { zero[i] : 0 <= i < 4 }\n y[i] = 0\n"
                            " stmt s { s[i, k] : 0 <= i < 4 and 0 <= k < " + n + " }\n y[i] += " + term + " }");
  split_long_sums(p);
  return p;
}
}  // namespace

TEST_CASE("long sums: blocks of whole vectors when such divide the sum") {
  Program p = sum_of(25088, "abs(x[k, i])");
  REQUIRE(p.statements.size() == 4);
  const Tensor& partial = p.tensor(p.statements[1].write.tensor);
  REQUIRE(partial.shape.back().is_constant());
  int64_t blocks = partial.shape.back().constant();
  CHECK(25088 % blocks == 0);
  CHECK(25088 / blocks % 16 == 0);
}

TEST_CASE("long sums: a short sum and a selection of rows stay") {
  CHECK(sum_of(64, "abs(x[k, i])").statements.size() == 2);
  CHECK(sum_of(30522, "select(j[i] == k, x[k, i], 0)").statements.size() == 2);
}
