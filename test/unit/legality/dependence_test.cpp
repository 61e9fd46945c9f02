// Dependences of small Programs. (Here, not under polyhedral, to share the test Programs.)
#include <catch2/catch.hpp>

#include "polyhedral/dependence.h"
#include "test/unit/legality/programs.h"

using namespace nasc;
using namespace nasc::testing;

namespace {
bool equal(const isl::union_map& a, const std::string& b) {
  return a.is_equal(isl::union_map(isl_context(), b));
}
} // namespace

TEST_CASE("dependence: an initialisation precedes every term, every term precedes the reader") {
  Program p = program(
      "sum", {{"X", {5}}, {"A", {1}}, {"Y", {1}}},
      {{"{ init[] }", "{ init[] -> A[0] }"},
       {"{ mac[k] : 0 <= k < 5 }", "{ mac[k] -> A[0] }", Combine::add, {"{ mac[k] -> X[k] }"}},
       {"{ epi[] }", "{ epi[] -> Y[0] }", Combine::assign, {"{ epi[] -> A[0] }"}}});
  auto deps = dependences(p);
  REQUIRE(deps);
  CHECK(equal(deps->flow,
              "{ init[] -> mac[k] : 0 <= k < 5; mac[k] -> epi[] : 0 <= k < 5; init[] -> epi[] }"));
  CHECK(deps->anti.is_empty());
  CHECK(deps->output.is_empty());
  CHECK(equal(deps->reduction, "{ mac[k] -> mac[l] : 0 <= k, l < 5 }"));
}

TEST_CASE("dependence: temp reuse gives anti and output pairs") {
  Program p = program("reuse", {{"X", {4}}, {"T", {1}}, {"Y", {4}}},
                      {{"{ a[] }", "{ a[] -> T[0] }", Combine::assign, {"{ a[] -> X[0] }"}},
                       {"{ b[] }", "{ b[] -> Y[0] }", Combine::assign, {"{ b[] -> T[0] }"}},
                       {"{ c[] }", "{ c[] -> T[0] }", Combine::assign, {"{ c[] -> X[1] }"}},
                       {"{ d[] }", "{ d[] -> Y[1] }", Combine::assign, {"{ d[] -> T[0] }"}}});
  auto deps = dependences(p);
  REQUIRE(deps);
  CHECK(equal(deps->flow, "{ a[] -> b[]; c[] -> d[] }"));
  CHECK(equal(deps->anti, "{ b[] -> c[] }"));
  CHECK(equal(deps->output, "{ a[] -> c[] }"));
}

TEST_CASE("dependence: value-based pairs lie among the conflicts and imply them all") {
  Program two_sums = program("two_sums", {{"X", {4}}, {"Y", {2}}},
                             {{"{ zero[i] : 0 <= i < 2 }", "{ zero[i] -> Y[i] }"},
                              {"{ one[i, k] : 0 <= i < 2 and 0 <= k < 2 }",
                               "{ one[i, k] -> Y[i] }",
                               Combine::add,
                               {"{ one[i, k] -> X[k] }"}},
                              {"{ two[i, k] : 0 <= i < 2 and 2 <= k < 4 }",
                               "{ two[i, k] -> Y[i] }",
                               Combine::add,
                               {"{ two[i, k] -> X[k] }"}},
                              {"{ scale[i] : 0 <= i < 2 }", "{ scale[i] -> Y[i] }", Combine::mul}});
  for (const Program& p : {two_sums, conv(3, 2, 2, 3), matmul(3, 2, 4), stencil(3, 5), pool(5, 2),
                           chain(4), scan(5)}) {
    auto deps = dependences(p);
    auto pairs = conflicts(p);
    REQUIRE(deps);
    REQUIRE(pairs);
    isl::union_map closed = deps->ordered();
    CHECK(closed.is_subset(*pairs));
    for (int round = 0; round < 5; ++round)
      closed = closed.unite(closed.apply_range(closed)).coalesce();
    CHECK(pairs->is_subset(closed));
  }
}

TEST_CASE("dependence: a quota of 1 is a refusal") {
  unsigned long before = isl_quota();
  set_isl_quota(1);
  auto deps = dependences(matmul(3, 3, 3));
  set_isl_quota(before);
  REQUIRE_FALSE(deps);
  CHECK(deps.error().code == "isl-quota");
}
