// Nests read off the loop tree for domains that linear conditions cut out of boxes.
#include <catch2/catch.hpp>

#include "ir/text.h"
#include "polyhedral/loop_tree.h"
#include "polyhedral/transformation.h"
#include "test/unit/codegen/jit.h"

using namespace nasc;
using namespace nasc::test;

namespace {
Kernel scheduled(const std::string& source, const std::string& step) {
  Program p = parse_program(source);
  Kernel k{p, textual_schedule(p)};
  if (step.empty())
    return k;
  auto out = apply(k, parse_step(step));
  if (!out)
    FAIL(out.error().code << ": " << out.error().text);
  return *out;
}
std::string pool(int64_t extent, int64_t window, int64_t stride, int64_t pad) {
  int64_t out = (extent + 2 * pad - window) / stride + 1;
  std::string at = text("0 <= n < 1 and 0 <= c < 8 and 0 <= y, x < ", out);
  return text("program pool { tensor X : f32[1, 8, ", extent, ", ", extent,
              "] input\n tensor Y : f32[1, 8, ", out, ", ", out,
              "] output\n stmt a { a[n, c, y, x] : ", at, " }\n Y[n, c, y, x] = -inf\n",
              "stmt b { b[n, c, y, x, k, l] : ", at, " and 0 <= k, l < ", window,
              " and 0 <= ", stride, "y + k - ", pad, " < ", extent, " and 0 <= ", stride,
              "x + l - ", pad, " < ", extent, " }\n Y[n, c, y, x] max= X[n, c, ", stride,
              "*y + k - ", pad, ", ", stride, "*x + l - ", pad, "]\n }");
}
std::string one(const std::string& domain, const std::string& more = "") {
  return text("program one { tensor x : f32[16, 16, 16] input\n tensor y : f32[16] output\n",
              "stmt init { init[i] : 0 <= i < 16 }\n y[i] = 0\n stmt s { s[i, j, k] : ", domain,
              " }\n y[i] += x[i, j, k]\n", more, "}");
}
bool has_minimum(const NestRef& nest) { return text(nest).find("min(") != std::string::npos; }
} // namespace

TEST_CASE("nest: conditions on several iterators become bounds of the loop of the last") {
  struct Case {
    std::string source, step;
  };
  std::vector<Case> cases = {
      {pool(9, 3, 2, 1), ""},
      {pool(8, 3, 1, 1), "nest(loops=[y, n, x, c], parallel=y, vector=c, lanes=8, serial=1)"},
      {pool(7, 5, 3, 2), "nest(loops=[c, n, y, x], parallel=c, serial=1)"},
      {one("0 <= i < 16 and 0 <= j <= i and 0 <= k < 16 and 2k <= 3i + 5j - 1"), ""},
      {one("0 <= i < 16 and 0 <= j < 16 and 0 <= k < 16 and i + j + k = 17"), ""},
      {one("0 <= i < 16 and 0 <= j < 16 and 3i <= 4j + 5 and 0 <= k < 3"), ""},
  };
  for (const Case& c : cases) {
    INFO(c.source << c.step);
    Kernel k = scheduled(c.source, c.step);
    auto nest = nest_of_digits(k);
    REQUIRE(nest);
    CHECK(check_kernel(k, {}, 1, *nest) <= 1e-6);
    CHECK(check_kernel(k, {}, 3) <= 1e-6);
  }
}

TEST_CASE("nest: a condition that the box implies is no bound") {
  Kernel k = scheduled(one("0 <= i < 16 and 0 <= j < 16 and 0 <= k < 4 and i + j + k <= 33"), "");
  auto nest = nest_of_digits(k);
  REQUIRE(nest);
  CHECK(!has_minimum(*nest));
  auto cut = nest_of_digits(
      scheduled(one("0 <= i < 16 and 0 <= j < 16 and 0 <= k < 4 and i + j + k <= 32"), ""));
  REQUIRE(cut);
  CHECK(has_minimum(*cut));
}

TEST_CASE("nest: domains of other forms, and guards of one statement among others, are isl's") {
  // The loop of j is shared with a statement that has all of its values.
  std::string shared = "program two { tensor x : f32[16, 16] input\n tensor y : f32[16, 16] "
                       "output\n tensor t : f32[16, 16] temp\n"
                       "stmt a { a[i, j] : 0 <= i, j < 16 }\n t[i, j] = x[i, j]\n"
                       "stmt b { b[i, j] : 0 <= i, j < 16 and j <= i }\n y[i, j] = t[i, j]\n"
                       "stmt c { c[i, j] : 0 <= i, j < 16 and j > i }\n y[i, j] = 0\n}";
  for (const Kernel& k :
       {scheduled(shared, "nest(loops=[i, j], serial=1)"),
        scheduled(one("0 <= i < 16 and 0 <= j < 16 and 0 <= k < 16 and (i + j) mod 3 = 0"), ""),
        scheduled(one("0 <= i < 16 and 0 <= k < 16 and (0 <= j < i or 12 <= j < 16)"), "")}) {
    CHECK(!nest_of_digits(k));
    CHECK(check_kernel(k) <= 1e-6);
  }
  // The second of two loops that are divided as one has all of its iterations everywhere, or is not
  // divided.
  Kernel divided =
      scheduled("program tri { tensor x : f32[16, 16] input\n tensor y : f32[16, 16] output\n"
                "stmt z { z[i, j] : 0 <= i, j < 16 }\n y[i, j] = 0\n"
                "stmt a { a[i, j] : 0 <= j <= i and i < 16 }\n y[i, j] = x[i, j]\n}",
                "");
  CHECK(nest_of_digits(divided));
  CHECK(check_kernel(divided) == 0);
  auto both =
      edit_loops(tree_of(divided.schedule), "a.j", [](const TreePath& p) -> Expected<LoopTreeRef> {
        Mark mark = p.node()->mark;
        mark.annotations.push_back(Annotation::parallel);
        return with_mark(p.node(), mark);
      });
  REQUIRE(both);
  CHECK(!nest_of_digits({divided.program, schedule_of(divided.schedule.domain(), *both)}));
}
