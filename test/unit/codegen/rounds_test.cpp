// Spans of rounds, and the memory of what they hand over.
#include <catch2/catch.hpp>

#include "codegen/arena.h"
#include "ir/text.h"

using namespace nasc;

namespace {
// x -> h1 -> h2 -> mean over the batch.
Network chain() {
  return parse_network(R"(network net {
  buffer x : f32[N, 4096] input
  buffer h1 : f32[N, 4096] temp
  buffer h2 : f32[N, 4096] temp
  buffer y : f32[4096] output
  program twice {
    tensor a : f32[N, 4096] input
    tensor b : f32[N, 4096] output
    stmt s [N] -> { s[n, i] : 0 <= n < N and 0 <= i < 4096 }
      b[n, i] = a[n, i] * 2.0
  }
  program total {
    tensor a : f32[N, 4096] input
    tensor b : f32[4096] output
    stmt zero { zero[i] : 0 <= i < 4096 }
      b[i] = 0.0
    stmt s [N] -> { s[n, i] : 0 <= n < N and 0 <= i < 4096 }
      b[i] += a[n, i]
  }
  inputs [x]
  outputs [y]
  call 0 twice(x, h1)
  call 0 twice(h1, h2)
  call 1 total(h2, y)
})");
}
} // namespace

TEST_CASE("rounds: spans hold the calls that keep slices apart, and hand over one round") {
  Network n = chain();
  Target t;
  Rounds r = plan_rounds(n, t);
  CHECK(r.parameter == "N");
  CHECK(r.slices == 1); // 32 KiB in and out per slice
  REQUIRE(r.spans.size() == 1);
  CHECK((r.spans[0].first == 0 && r.spans[0].last == 1));
  ArenaPlan plan = plan_arena(n, {}, r);
  CHECK(plan.buffers[1].bytes.text() == in_a_round(storage_bytes(n.buffers[1]), r).text());
  CHECK(plan.buffers[1].slice.is(0));
  CHECK(plan.buffers[0].slice.is(4096 * 4));
  CHECK(plan.buffers[2].slice.is(4096 * 4));
  CHECK(plan.buffers[2].bytes == Extent::parameter("N") * Extent(4096 * 4));
}

TEST_CASE("rounds: a batch inside a block or behind a halo has no slices") {
  Tensor t;
  t.name = "t";
  t.shape = {Extent::parameter("N"), Extent(16)};
  CHECK(slice_bytes(t, "N") == Extent(64));
  t.layout = parse_layout("[1, 0]");
  CHECK_FALSE(slice_bytes(t, "N"));
  t.layout = parse_layout("[0, 1] halo [1:1, 0:0]");
  CHECK_FALSE(slice_bytes(t, "N"));
  t.layout = parse_layout("[0, 1/8, 1%8]");
  CHECK(slice_bytes(t, "N") == Extent(64));
}
