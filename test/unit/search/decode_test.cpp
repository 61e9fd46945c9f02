// Dnas as steps and settings, and back.
#include "polyhedral/search/decode.h"

#include <catch2/catch.hpp>

#include "test/unit/search/spaces.h"

using namespace nasc;

TEST_CASE("decode: a Dna gives steps per layer and settings") {
  Space space =
      bound(R"(on conv { neural = oneof(keep, group(by=oneof(2, 4)), [a(x=1), b(y=$ci, z=$layer)]) }
machine { threads = oneof(1, 2); names = manyof(2, p, q, r) })",
            {conv_layer("c0", 16, 32, 3), conv_layer("c1", 20, 32, 3)});
  Decoded d = decode(space, parse_dna(space, "[(1,1),2,1,[2,0]]"));
  REQUIRE(d.steps.size() == 2);
  CHECK(d.steps[0].where == "c0");
  CHECK(d.steps[0].steps == std::vector<std::string>{"group(by=4)"});
  CHECK(d.steps[1].steps == std::vector<std::string>{"a(x=1)", "b(y=20, z=c1)"});
  using Values = std::vector<std::pair<std::string, std::string>>;
  CHECK(d.settings == Values{{"machine/threads", "2"}, {"machine/names", "[r, p]"}});
  CHECK(d.values.size() == 4);
  CHECK(key(d) ==
        "c0{group(by=4);}c1{a(x=1);b(y=20, z=c1);}machine/threads=2;machine/names=[r, p];");
}

TEST_CASE("decode: keep gives no steps; blocks at one layer are joined in order") {
  Space space = bound("on conv { a = oneof(keep, f()) } on conv { b = g(x=oneof(1, 2)) }",
                      {conv_layer("c0", 16, 32, 3)});
  CHECK(key(decode(space, parse_dna(space, "[0,0]"))) == "c0{g(x=1);}");
  CHECK(key(decode(space, parse_dna(space, "[1,1]"))) == "c0{f();g(x=2);}");
}

TEST_CASE("decode: layers of a class share their decisions") {
  Space space = bound("on conv per class { a = oneof(keep, f(of=$layer)) }",
                      {conv_layer("c0", 16, 32, 3), conv_layer("c1", 16, 32, 3)});
  CHECK(key(decode(space, parse_dna(space, "[1]"))) == "c0{f(of=c0);}c1{f(of=c1);}");
}

TEST_CASE("decode: references repeat the value of an earlier point") {
  Space space = bound("s { g { by = oneof(8, 16); f = split(by=$by, twice=[$by, $by]) } }");
  CHECK(key(decode(space, parse_dna(space, "[1]"))) ==
        "s{split(by=16, twice=[16, 16]);}s/g.by=16;");
}

TEST_CASE("encode: is the inverse of decode") {
  Space space = bound(rich_space(), rich_layers());
  Rng rng(12);
  for (int i = 0; i < 300; ++i) {
    Dna dna = sampled(space, rng);
    auto back = encode(space, decode(space, dna).values);
    CAPTURE(text(space, dna));
    REQUIRE(back.has_value());
    CHECK(*back == dna);
  }
  CHECK_FALSE(encode(space, {}).has_value());
  auto values = decode(space, sampled(space, rng)).values;
  values[0].second = "unheard_of(by=3)";
  CHECK_FALSE(encode(space, values).has_value());
}

TEST_CASE("decode: the steps of builtin spaces are calls with arguments") {
  std::vector<SpaceLayer> layers = {conv_layer("c0", 64, 64, 3), conv_layer("c1", 48, 96, 3)};
  for (const char* name : {"nas-pte", "schedule"}) {
    Space space = bound_space(load_space(name), layers);
    Rng rng(13);
    for (int i = 0; i < 200; ++i)
      for (const LayerSteps& layer : decode(space, sampled(space, rng)).steps)
        for (const auto& step : layer.steps)
          CHECK(step.find("$") == std::string::npos);
  }
}
