// Rows: reductions along memory, one result per lane first.
#include <catch2/catch.hpp>

#include "ir/text.h"
#include "legality/order.h"
#include "polyhedral/transformation.h"
#include "programs.h"

using namespace nasc;

namespace {
Program scaled(int64_t columns) {
  std::string row = text("0 <= i < 5 and 0 <= k < ", columns);
  return parse_program(
      text("program scaled { tensor x : f32[5, ", columns, "] input\n tensor y : f32[5, ", columns,
           "] output\n tensor m : f32[5] temp\n tensor e : f32[5, ", columns,
           "] temp\n tensor s : f32[5] temp\n"
           " stmt m0 { m0[i] : 0 <= i < 5 }\n m[i] = -inf\n stmt m1 { m1[i, k] : ",
           row, " }\n m[i] max= x[i, k]\n stmt e0 { e0[i, k] : ", row,
           " }\n e[i, k] = x[i, k] - m[i]\n stmt s0 { s0[i] : 0 <= i < 5 }\n s[i] = 1\n"
           " stmt s1 { s1[i, k] : ",
           row, " }\n s[i] += e[i, k]\n stmt y0 { y0[i, k] : ", row,
           " }\n y[i, k] = e[i, k] * s[i]\n}"));
}
size_t statements(int64_t columns, int64_t lanes) {
  Program p = scaled(columns);
  auto k = apply(Kernel{p, textual_schedule(p)},
                 parse_step(text("rows(loops=[i], parallel=i, lanes=", lanes, ")")));
  if (!k)
    FAIL(k.error().text);
  CHECK(test::same_results(p, k->program));
  CHECK(judge_order(*k).allowed());
  CHECK(judge_order_by_isl(*k).allowed());
  return k->program.statements.size();
}
} // namespace

TEST_CASE("rows: reductions of at least two whole vectors are made of one per lane") {
  CHECK(statements(16, 8) == 6 + 2 * 2);
  CHECK(statements(40, 8) == 6 + 2 * 2);
  CHECK(statements(37, 8) == 6); // the last vector is partial
  CHECK(statements(15, 8) == 6);
  CHECK(statements(64, 1) == 6);
}
