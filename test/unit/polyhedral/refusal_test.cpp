// One row per refusal code of every transformation of kernels; a generic test checks that none is missing.
#include <catch2/catch.hpp>

#include <algorithm>

#include "polyhedral/transformation.h"
#include "programs.h"

using namespace nasc;

namespace {

enum Subject { conv, matmul, elementwise, diagonal, shifted_reader, ordered, two_shapes, halved };
struct Row {
  const char* name;  // transformation/code
  Subject subject;
  std::vector<const char*> before;
  const char* step;
};

const std::vector<Row> kRows = {
    {"split/no-such-loop", conv, {}, "split(loop=zz, by=2)"},
    {"split/ambiguous-loop", conv, {}, "split(loop=co, by=2)"},
    {"split/bad-size", conv, {}, "split(loop=ci, sizes=[3, 3])"},
    {"split/tile-too-large", conv, {}, "split(loop=ci, by=17)"},
    {"split/indivisible", conv, {}, "split(loop=ci, by=3, remainder=none)"},
    {"split/name-taken", conv, {}, "split(loop=ci, by=2, names=[kh, x])"},
    {"split/annotated", conv, {"unroll(loop=ci)"}, "split(loop=ci, by=2)"},
    {"nest/unknown-loop", matmul, {}, "nest(loops=[i, k])"},
    {"nest/not-a-part", matmul, {}, "nest(loops=[i, j], of=[zz])"},
    {"nest/bad-lanes", matmul, {}, "nest(loops=[i, j], vector=j, lanes=1)"},
    {"nest/indivisible", matmul, {}, "nest(loops=[i, j], vector=j, lanes=64)"},
    {"rows/no-common-rows", two_shapes, {}, "rows(loops=[i])"},
    {"rows/not-affine", halved, {}, "rows(loops=[i])"},
    {"rows/unknown-loop", matmul, {}, "rows(loops=[i, zz])"},
    {"rows/bad-lanes", matmul, {}, "rows(loops=[i, j], lanes=65)"},
    {"interchange/no-such-loop", conv, {}, "interchange(outer=ci, inner=zz)"},
    {"interchange/ambiguous-loop", conv, {}, "interchange(outer=co, inner=h)"},
    {"interchange/not-adjacent", conv, {}, "interchange(outer=ci, inner=kw)"},
    {"reorder/no-such-loop", conv, {}, "reorder(order=[ci, zz])"},
    {"reorder/ambiguous-loop", conv, {}, "reorder(order=[co, h])"},
    {"reorder/not-a-nest", conv, {}, "reorder(order=[kw, ci])"},
    {"partition/no-such-loop", conv, {}, "partition(loop=zz, at=1)"},
    {"partition/ambiguous-loop", conv, {}, "partition(loop=co, at=1)"},
    {"partition/outside-range", conv, {}, "partition(loop=ci, at=0)"},
    {"partition/name-taken", conv, {}, "partition(loop=ci, at=1, names=[kh, x])"},
    {"peel/no-such-loop", conv, {}, "peel(loop=zz, count=1)"},
    {"peel/ambiguous-loop", conv, {}, "peel(loop=co, count=1)"},
    {"peel/unknown-trip-count", conv, {}, "peel(loop=kh, count=1)"},
    {"peel/bad-count", conv, {}, "peel(loop=ci, count=4)"},
    {"unroll/no-such-loop", conv, {}, "unroll(loop=zz)"},
    {"unroll/ambiguous-loop", conv, {}, "unroll(loop=co)"},
    {"unroll/unknown-trip-count", conv, {}, "unroll(loop=kh)"},
    {"unroll/too-many-iterations", matmul, {}, "unroll(loop=k)"},
    {"vectorize/no-such-loop", conv, {}, "vectorize(loop=zz)"},
    {"vectorize/ambiguous-loop", conv, {}, "vectorize(loop=co)"},
    {"vectorize/unknown-trip-count", conv, {}, "vectorize(loop=kh)"},
    {"vectorize/bad-lanes", matmul, {}, "vectorize(loop=k)"},
    {"vectorize/nested-vector", conv, {"vectorize(loop=init.h)"}, "vectorize(loop=init.w)"},
    {"parallel/no-such-loop", conv, {}, "parallel(loop=zz)"},
    {"parallel/ambiguous-loop", conv, {}, "parallel(loop=co)"},
    {"parallel/nested-parallel", conv, {"parallel(loop=init.h)"}, "parallel(loop=init.w)"},
    {"parallel/inside-stage", matmul, {"tile(loops=[i, j], sizes=[2, 2])"}, "parallel(loop=k)"},
    {"skew/no-such-loop", elementwise, {}, "skew(loop=zz, by_loop=first.i, factor=1)"},
    {"skew/ambiguous-loop", elementwise, {}, "skew(loop=j, by_loop=first.i, factor=1)"},
    {"skew/not-outside", elementwise, {}, "skew(loop=first.i, by_loop=first.j, factor=1)"},
    {"skew/bad-factor", elementwise, {}, "skew(loop=first.j, by_loop=first.i, factor=0)"},
    {"skew/annotated", elementwise, {"unroll(loop=first.j)"}, "skew(loop=first.j, by_loop=first.i, factor=1)"},
    {"fuse_loops/no-such-loop", conv, {}, "fuse_loops(first=zz, second=mac.n)"},
    {"fuse_loops/ambiguous-loop", conv, {}, "fuse_loops(first=n, second=mac.n)"},
    {"fuse_loops/not-adjacent", conv, {}, "fuse_loops(first=init.n, second=epi.n)"},
    {"fuse_loops/bad-levels", conv, {}, "fuse_loops(first=init.n, second=mac.n, levels=5)"},
    {"fuse_loops/name-taken", elementwise, {"interchange(outer=second.i, inner=second.j)"},
     "fuse_loops(first=first.i, second=second.j)"},
    {"fuse_loops/annotated", elementwise, {"parallel(loop=first.i)"}, "fuse_loops(first=first.i, second=second.i)"},
    {"distribute/no-such-loop", conv, {}, "distribute(loop=zz)"},
    {"distribute/ambiguous-loop", conv, {}, "distribute(loop=co)"},
    {"distribute/not-a-sequence", conv, {}, "distribute(loop=kw)"},
    {"stage/no-such-loop", conv, {}, "stage(tensor=Y, at=zz)"},
    {"stage/ambiguous-loop", conv, {}, "stage(tensor=Y, at=w)"},
    {"stage/no-such-tensor", conv, {}, "stage(tensor=Q, at=mac.w)"},
    {"stage/not-written", conv, {}, "stage(tensor=X, at=mac.w)"},
    {"stage/already-staged", conv, {"fuse_loops(first=init.n, second=mac.n, levels=4)", 
     "fuse_loops(first=mac.n, second=epi.n, levels=4)", "stage(tensor=Y, at=w)"}, "stage(tensor=Y, at=h)"},
    {"stage/several-parts", conv, {"partition(loop=mac.w, at=2)"}, "stage(tensor=Y, at=mac.w)"},
    {"stage/not-projective", diagonal, {}, "stage(tensor=C, at=i)"},
    {"stage/not-aligned", shifted_reader, {"fuse_loops(first=first.i, second=second.i)"}, "stage(tensor=B, at=i)"},
    {"stage/ordered", ordered, {}, "stage(tensor=C, at=mac.j)"},
    {"tile/not-a-part", matmul, {}, "tile(loops=[i, j], sizes=[2, 4], of=[zz])"},
    {"tile/different-index-spaces", two_shapes, {}, "tile(loops=[i], sizes=[1])"},
    {"tile/not-affine", halved, {}, "tile(loops=[i], sizes=[1])"},
    {"tile/unknown-loop", matmul, {}, "tile(loops=[i, zz], sizes=[1, 1])"},
    {"tile/bad-size", matmul, {}, "tile(loops=[i, j], sizes=[1, 0])"},
    {"tile/bad-lanes", matmul, {}, "tile(loops=[i, j], sizes=[1, 6], vector=j, lanes=4)"},
};

Program program(Subject s) {
  switch (s) {
    case conv: return test::conv(4, 6);
    case matmul: return test::matmul(6, 8, 100);
    case elementwise: return test::elementwise(6, 8);
    case ordered: {
      Program p = test::matmul(6, 8, 4);
      p.statement("mac").reassociable = false;
      return p;
    }
    case shifted_reader: {
      Program p = test::elementwise(6, 8);
      p.statements[1] = test::statement("{ second[i, j] : 1 <= i < 6 and 0 <= j < 8 }", "{ second[i, j] -> C[i, j] }",
                                        Combine::assign, {"{ second[i, j] -> B[i - 1, j] }"});
      return p;
    }
    case two_shapes:
    case halved: {
      Program p = test::elementwise(6, 8);
      p.tensors[2] = test::tensor("C", {s == halved ? 6 : 4, 8}, Role::output);
      p.statements[1] = s == halved
                            ? test::statement("{ second[i, j] : 0 <= i < 6 and 0 <= j < 8 }",
                                              "{ second[i, j] -> C[floor(i/2), j] }", Combine::assign,
                                              {"{ second[i, j] -> B[i, j] }"})
                            : test::statement("{ second[i, j] : 0 <= i < 4 and 0 <= j < 8 }",
                                              "{ second[i, j] -> C[i, j] }", Combine::assign,
                                              {"{ second[i, j] -> B[i, j] }"});
      return p;
    }
    case diagonal: break;
  }
  Program p;
  p.name = "diagonal";
  p.tensors = {test::tensor("A", {4, 4}, Role::input), test::tensor("C", {7}, Role::output)};
  p.statements = {test::statement("{ sum[i, j] : 0 <= i < 4 and 0 <= j < 4 }", "{ sum[i, j] -> C[i + j] }", Combine::add,
                                  {"{ sum[i, j] -> A[i, j] }"})};
  return p;
}

Kernel subject(Subject s) {
  Program p = program(s);
  return {p, textual_schedule(p)};
}

std::string code_of(const Row& row) {
  Kernel k = subject(row.subject);
  for (const char* step : row.before) {
    auto next = apply(k, parse_step(step));
    if (!next) return "before: " + next.error().code + ": " + next.error().text;
    k = *next;
  }
  auto out = apply(k, parse_step(row.step));
  return out ? "accepted" : out.error().code;
}

}  // namespace

TEST_CASE("refuse: every row of the table is refused with its code") {
  for (const Row& row : kRows) {
    std::string name = row.name;
    DYNAMIC_SECTION("refuse: " << name) { CHECK(code_of(row) == name.substr(name.find('/') + 1)); }
  }
}

TEST_CASE("refuse: a quota that ends anywhere is a refusal, and changes no result") {
  struct Try {
    Kernel kernel;
    Step step;
  };
  std::vector<Try> tries;
  for (const Row& row : kRows) {
    Kernel k = subject(row.subject);
    for (const char* step : row.before) k = *apply(k, parse_step(step));
    tries.push_back({k, parse_step(row.step)});
  }
  for (const Transformation* t : all_registered<Transformation>()) {
    if (!t->choices) continue;
    std::vector<Step> steps = t->choices(subject(conv));
    for (size_t k = 0; k < steps.size() && k < 2; ++k) tries.push_back({subject(conv), steps[k]});
  }
  tries.push_back({subject(matmul), parse_step("tile(loops=[i, j], sizes=[2, 4], vector=j, lanes=4, parallel=i)")});
  auto outcome = [](const Try& t) {
    auto out = apply(t.kernel, t.step);
    return out ? text(out->schedule) : out.error().code;
  };
  const unsigned long quota = isl_quota(IslEntry::transformation);
  size_t gave_up = 0;
  for (const Try& t : tries) {
    INFO(text(t.step));
    std::string wanted = outcome(t);
    for (unsigned long operations : {1, 7, 50, 300, 2000, 10'000, 50'000}) {
      INFO(operations << " operations");
      set_isl_quota(IslEntry::transformation, operations);
      std::string got;
      CHECK_NOTHROW(got = outcome(t));
      set_isl_quota(IslEntry::transformation, quota);
      gave_up += got == "isl-quota";
      CHECK((got == wanted || got == "isl-quota"));
    }
  }
  CHECK(gave_up > tries.size());
}

TEST_CASE("refuse: only a loop inside of a divided one is divided along with it") {
  for (const char* step : {"tile(loops=[i, j], sizes=[2, 4], collapse=j)", "tile(loops=[i, j], sizes=[2, 4], parallel=i, collapse=i)",
                           "nest(loops=[i, j], collapse=j)", "nest(loops=[i, j], parallel=i, collapse=k)"}) {
    auto out = apply(subject(matmul), parse_step(step));
    INFO(step);
    REQUIRE_FALSE(out);
    CHECK(out.error().code == "unknown-loop");
  }
}

TEST_CASE("refuse: unknown transformations and bad arguments") {
  Kernel k = subject(conv);
  CHECK(apply(k, parse_step("spilt(loop=ci, by=2)")).error().text.find("did you mean split") != std::string::npos);
  CHECK(apply(k, parse_step("split(loop=ci, buy=2)")).error().code == "bad-argument");
  CHECK(apply(k, parse_step("split(by=2)")).error().code == "bad-argument");
  CHECK(apply(k, parse_step("split(loop=ci, by=two)")).error().code == "bad-argument");
  CHECK(apply(k, parse_step("spilt(loop=ci, by=2)")).error().code == "unknown-transformation");
  Module m;
  CHECK(apply(m, parse_step("split(loop=ci, by=2)")).error().code == "unknown-transformation");
  CHECK(apply(m, "conv", parse_step("split(loop=ci, by=2)")).error().code == "no-such-kernel");
}
