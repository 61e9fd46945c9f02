// Folded storage: elements of one place may follow each other, not live together.
#include <catch2/catch.hpp>

#include "ir/text.h"
#include "legality/order.h"
#include "legality/storage.h"
#include "polyhedral/transformation.h"
#include "test/unit/legality/programs.h"

using namespace nasc;
using namespace nasc::testing;

namespace {
// t[i] = x[i]; y[i] = t[i], where t has `places`.
Program copies(int64_t places) {
  Program p = program(
      "copies", {{"x", {8}}, {"t", {8}}, {"y", {8}}},
      {{"{ w[i] : 0 <= i < 8 }", "{ w[i] -> t[i] }", Combine::assign, {"{ w[i] -> x[i] }"}},
       {"{ r[i] : 0 <= i < 8 }", "{ r[i] -> y[i] }", Combine::assign, {"{ r[i] -> t[i] }"}}});
  p.tensor("t").layout = Layout{{{0, 1, places}}, {{0, 0}}, {0}};
  return p;
}
// Both statements in common tiles of i, the reads `late` iterations later.
Kernel tiles_of(const Program& p, int size, int late = 0) {
  std::string by = ")/" + std::to_string(size) + ")";
  return scheduled(p, {{"i.t", {"floor((i" + by, "floor((i + " + std::to_string(late) + by}}},
                   {0, 1}, {{{"i", {"i"}}}, {{"i.r", {"i"}}}});
}
} // namespace

TEST_CASE("storage: a tile's copy may serve one tile after the other") {
  CHECK(judge_order(tiles_of(copies(4), 4)).allowed());
  CHECK(judge_order(tiles_of(copies(4), 2)).allowed());
  CHECK(judge_order(tiles_of(copies(1), 1)).allowed());
  CHECK(judge_order(in_textual_order(copies(8))).allowed());
}

TEST_CASE("storage: a place written again before its last read is found, with a witness") {
  forget_orders();
  for (Kernel k : {tiles_of(copies(4), 8), tiles_of(copies(2), 4), in_textual_order(copies(4))}) {
    CHECK(judge_order_by_isl(k).allowed()); // every logical element keeps its order
    Verdict v = judge_order(k);
    INFO(text(v));
    CHECK(v.answer == Verdict::no);
    CHECK(v.reason == "storage-overwritten");
    REQUIRE(v.witness);
    CHECK(v.witness->source.starts_with("w["));
    CHECK(v.witness->sink.starts_with("r["));
  }
}

TEST_CASE("storage: lifetimes that overlap in time but not in place are legal") {
  CHECK(judge_order(tiles_of(copies(2), 1, 1)).allowed()); // w[t], then r[t - 1]
  CHECK_FALSE(judge_order(tiles_of(copies(1), 1, 1)).allowed());
}

TEST_CASE("storage: what is surely apart isl finds apart, too") {
  int sure = 0;
  for (int64_t places : {1, 2, 4, 8})
    for (int size : {1, 2, 4, 8})
      for (int late : {0, 1}) {
        Kernel k = tiles_of(copies(places), size, late);
        const Tensor& t = k.program.tensor("t");
        if (!folds(t))
          continue;
        INFO(places << " places, tiles of " << size << ", " << late << " late");
        if (surely_apart(k, t))
          CHECK(judge_storage_by_isl(k).allowed());
        CHECK(surely_apart(k, t) == (late == 0 && size <= places));
        sure += surely_apart(k, t);
      }
  CHECK(sure == 6);
  CHECK_FALSE(surely_apart(in_textual_order(copies(4)), copies(4).tensor("t")));
}

TEST_CASE("storage: the answer for one layout is not that for another") {
  forget_orders();
  CHECK(judge_order(tiles_of(copies(4), 4)).allowed());
  CHECK_FALSE(judge_order(tiles_of(copies(2), 4)).allowed());
  CHECK(judge_order(tiles_of(unfolded(copies(2)), 4)).allowed());
}

TEST_CASE("storage: blocks of a sum are legal, their tiles in another order are not") {
  Program p = matmul(8, 16, 32);
  auto k = apply({p, textual_schedule(p)},
                 parse_step("tile(loops=[i, j], sizes=[2, 8], vector=j, lanes=8, reduce=[k], "
                            "chunks=[4], step=2, block=16)"));
  if (!k)
    FAIL(k.error().text);
  CHECK(std::any_of(k->program.tensors.begin(), k->program.tensors.end(), folds));
  CHECK(judge_order(*k).allowed());
  CHECK(judge_storage_by_isl(*k).allowed());
  for (const Tensor& t : k->program.tensors)
    if (folds(t))
      CHECK(surely_apart(*k, t));
  for (Tensor& t : k->program.tensors) // half of the places
    if (folds(t))
      t.layout->dims.front().mod = 1;
  Verdict v = judge_order(*k);
  INFO(text(v));
  CHECK(v.reason == "storage-overwritten");
}
