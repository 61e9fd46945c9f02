// Dnas: text, validity, drawing, mutation, enumeration.
#include <catch2/catch.hpp>
#include <map>
#include <set>

#include "polyhedral/search/decode.h"
#include "test/unit/search/spaces.h"

using namespace nasc;

TEST_CASE("Dna: text nests by decisions and reads back") {
  Space space = bound("s { a = oneof(1, f(x=oneof(1, 2), y=manyof(2, 1, 2))); b = floatv(0, 1) }");
  CHECK(text(space, parse_dna(space, "[(1,0,[0,1]),0.25]")) == "[(1,0,[0,1]),0.25]");
  CHECK(parse_dna(space, " [ 0 , 1e-1 ] ").values == std::vector<double>{0, 0.1});
  Space subset = bound("s { a = manyof(*, 1, f(x=oneof(1, 2)), 3) }");
  CHECK(text(subset, parse_dna(subset, "[[(1,1),2]]")) == "[[(1,1),2]]");
  CHECK(text(subset, parse_dna(subset, "[[]]")) == "[[]]");
}

TEST_CASE("Dna: what is no point of the space is refused with the reason") {
  Space space = bound("s { a = oneof(1, f(x=oneof(1, 2))); b = manyof(2, 1, 2, 3, distinct, "
                      "sorted); c = intv(0, 9) }");
  auto why = [&](const char* text) -> std::string {
    try {
      parse_dna(space, text, "j:3");
    } catch (const UserError& e) {
      return e.line();
    }
    return "accepted";
  };
  using Catch::Contains;
  CHECK(why("[(1,0),[0,1],3]") == "accepted");
  CHECK_THAT(why("[2,[0,1],3]"), Contains("j:3:") && Contains("s/a: no candidate 2"));
  CHECK_THAT(why("[(0,1),[0,1],3]"), Contains("has nothing below"));
  CHECK_THAT(why("[1,[0,1],3]"), Contains("has decisions below"));
  CHECK_THAT(why("[0,[1,0],3]"), Contains("not sorted"));
  CHECK_THAT(why("[0,[1,1],3]"), Contains("twice"));
  CHECK_THAT(why("[0,[0,1],10]"), Contains("not in intv"));
  CHECK_THAT(why("[0,[0,1],1.5]"), Contains("not in intv"));
  CHECK_THAT(why("[0,[0,1]]"), Contains("expected ,"));
  CHECK_THAT(why("[0,[0,1],3] x"), Contains("after the last"));
  CHECK_THAT(why(""), Contains("expected ["));
  CHECK(invalid(space, Dna{{0, 0, 1, 3}}) == std::nullopt);
  CHECK_THAT(*invalid(space, Dna{{0, 0, 1}}), Contains("decisions end here"));
  CHECK_THAT(*invalid(space, Dna{{0, 0, 1, 3, 3}}), Contains("1 decisions too many"));
  CHECK_THAT(*invalid(space, Dna{{0, 0, 1, 11}}), Contains("not in intv"));
}

TEST_CASE("Dna: samples are valid, read back, and equal for equal seeds") {
  Space space = bound(rich_space(), rich_layers());
  Rng a(7), b(7);
  std::set<uint64_t> distinct;
  for (int i = 0; i < 500; ++i) {
    Dna dna = sampled(space, a);
    REQUIRE(invalid(space, dna) == std::nullopt);
    REQUIRE(parse_dna(space, text(space, dna)) == dna);
    REQUIRE(sampled(space, b) == dna);
    REQUIRE(canonical(space, dna) == dna);
    distinct.insert(dna.hash());
  }
  CHECK(distinct.size() > 450);
}

TEST_CASE("Dna: the stream of a seed is part of the format") {
  Space space = bound_space(load_space("nats-tss"), {});
  Rng rng(42);
  std::string stream;
  for (int i = 0; i < 3; ++i)
    stream += text(space, sampled(space, rng));
  CHECK(stream == "[2,2,4,3,1,4][4,2,3,0,4,3][0,2,3,0,1,1]");
}

TEST_CASE("Dna: choices are drawn uniformly") {
  Space space = bound("s { a = oneof(1, 2, 3, 4); b = manyof(2, 1, 2, 3, distinct, sorted) }");
  Rng rng(5);
  std::map<std::string, int> counts;
  for (int i = 0; i < 12'000; ++i)
    ++counts[text(space, sampled(space, rng))];
  CHECK(counts.size() == 12);
  for (const auto& [dna, n] : counts)
    CHECK(std::abs(n - 1000) < 150);
}

TEST_CASE("Dna: ranges are drawn on their scale") {
  Space space =
      bound("s { a = floatv(1, 100, log); b = floatv(1, 100, rlog); c = intv(1, 1000, log) }");
  Rng rng(6);
  int low_a = 0, low_b = 0, low_c = 0;
  for (int i = 0; i < 4000; ++i) {
    Dna d = sampled(space, rng);
    low_a += d.values[0] < 10, low_b += d.values[1] < 91, low_c += d.values[2] < 32;
  }
  for (int count : {low_a, low_b, low_c})
    CHECK(std::abs(count - 2000) < 200);
}

TEST_CASE("Dna: a mutation differs in one subtree and stays valid") {
  Space space = bound(rich_space(), rich_layers());
  Rng rng(8);
  Dna dna = sampled(space, rng);
  for (int i = 0; i < 2000; ++i) {
    Dna next = mutated(space, dna, rng);
    REQUIRE(invalid(space, next) == std::nullopt);
    REQUIRE(next != dna);
    dna = next;
  }
}

TEST_CASE("Dna: mutations of nats-tss hit the first edge in one of three") {
  Space space = bound_space(load_space("nats-tss"), {});
  Rng rng(9);
  Dna dna = sampled(space, rng);
  std::vector<int> hits(6);
  for (int i = 0; i < 9000; ++i) {
    Dna next = mutated(space, dna, rng);
    for (size_t e = 0; e < 6; ++e)
      hits[e] += next.values[e] != dna.values[e];
  }
  CHECK(std::abs(hits[0] - 3000) < 250);
  CHECK(std::abs(hits[1] - 1500) < 200);
  CHECK(std::abs(hits[5] - 1000) < 150);
}

TEST_CASE("Dna: enumeration visits each point once, in order") {
  for (const char* given :
       {"s { a = oneof(1, f(x=oneof(1, 2, 3)), 3); b = manyof(2, 1, 2, 3, distinct, sorted) }",
        "s { a = manyof(2, 1, f(x=oneof(1, 2)), 3); b = permute(x, y, z) }",
        "s { a = manyof(*, 1, f(x=oneof(1, 2)), 3); b = intv(2, 5) }",
        "s { a = manyof(2, 1, 2, 3, sorted) }"}) {
    Space space = bound(given);
    std::set<std::vector<double>> seen;
    Dna dna = first_dna(space);
    do {
      REQUIRE(invalid(space, dna) == std::nullopt);
      REQUIRE(seen.insert(dna.values).second);
    } while (advance(space, dna));
    CHECK(static_cast<double>(seen.size()) == space.size());
  }
}

TEST_CASE("Dna: neighbours differ in one number; those of nats-tss are 24") {
  Space space = bound_space(load_space("nats-tss"), {});
  Rng rng(10);
  CHECK(neighbours(space, sampled(space, rng), rng).size() == 24);
  Space rich = bound(rich_space(), rich_layers());
  for (int i = 0; i < 50; ++i)
    for (const Dna& n : neighbours(rich, sampled(rich, rng), rng))
      REQUIRE(invalid(rich, n) == std::nullopt);
  Space order = bound("s { a = permute(x, y, z) }");
  CHECK(neighbours(order, first_dna(order), rng).size() == 3);
}

TEST_CASE("Dna: a crossover takes each decision from a parent") {
  Space space = bound(rich_space(), rich_layers());
  Rng rng(11);
  for (int i = 0; i < 300; ++i) {
    Dna a = sampled(space, rng), b = sampled(space, rng), child = crossed(space, a, b, rng);
    REQUIRE(invalid(space, child) == std::nullopt);
    CHECK(crossed(space, a, a, rng) == a);
  }
}

TEST_CASE("Dna: canonical sorts what the space calls sorted") {
  Space space = bound("s { a = manyof(2, 1, f(x=oneof(1, 2)), 3, sorted); b = floatv(-1, 1) }");
  CHECK(canonical(space, Dna{{2, 1, 1, -0.0}}).values == std::vector<double>{1, 2, 1, 0});
}
