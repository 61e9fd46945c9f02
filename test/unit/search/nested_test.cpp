// Outer and inner points.
#include "polyhedral/search/nested.h"

#include <catch2/catch.hpp>

#include "polyhedral/search/decode.h"
#include "test/unit/search/spaces.h"

using namespace nasc;

TEST_CASE("nested: outer and inner parts join to the whole") {
  Space space =
      bound(R"(on conv { neural = oneof(keep, f(x=oneof(1, 2)) { inner t = oneof(4, 8, 16) })
  inner order = permute(a, b) })",
            {conv_layer("c0", 16, 32, 3), conv_layer("c1", 20, 32, 3)});
  Space outer = outer_space(space);
  CHECK(outer.size() == 9);
  CHECK(space.size() == (1 + 2 * 3) * 2 * (1 + 2 * 3) * 2);
  Rng rng(14);
  for (int i = 0; i < 100; ++i) {
    Dna o = sampled(outer, rng);
    Space inner = inner_space(space, o);
    Dna n = sampled(inner, rng), whole = joined(space, o, n);
    REQUIRE(invalid(space, whole) == std::nullopt);
    CHECK(parted(space, whole) == std::pair(o, n));
    CHECK(parse_dna(inner, text(inner, n)) == n);
  }
  Dna o = parse_dna(outer, "[0,(1,1)]");
  CHECK(inner_space(space, o).size() == 2 * 3 * 2);
  CHECK(inner_space(space, o, 0).size() == 2);
  CHECK(inner_space(space, o, 1).size() == 6);
}
