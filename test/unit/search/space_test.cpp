// Space texts: round trips, diagnostics, binding to layers.
#include <catch2/catch.hpp>
#include <cmath>

#include "test/unit/search/spaces.h"

using namespace nasc;

namespace {
// The diagnostic of a text that must not parse.
std::string diagnostic(const std::string& text) {
  try {
    parse_space(text, "t.space");
  } catch (const UserError& e) {
    return e.line();
  }
  return "accepted";
}
} // namespace

TEST_CASE("Space text: print-parse-print is a fixpoint") {
  std::string once = text(parse_space(rich_space(), "t"));
  CHECK(text(parse_space(once, "t")) == once);
  for (const BuiltinSpace& s : builtin_spaces()) {
    CAPTURE(s.name);
    std::string printed = text(load_space(s.name));
    CHECK(text(parse_space(printed, "t")) == printed);
  }
}

TEST_CASE("Space text: words that mean something come back from quotes") {
  std::string given = "s {\n  a = manyof(2, \"distinct\", \"x y\", \"sorted\", distinct)\n}\n";
  CHECK(text(parse_space(given, "t")) == given);
}

TEST_CASE("Space text: each error names file, line and reason") {
  using Catch::Contains;
  struct Case {
    const char* text;
    const char* says;
  };
  for (const Case& c :
       std::vector<Case>{{"s { a = oneof() }", "t.space:1: error: oneof without candidates"},
                         {"s {\n a = oneof(1,\n 2 }", "t.space:3: error: expected ,"},
                         {"s { a = manyof(3, 1, 2, distinct) }", "wants 3 distinct of 2"},
                         {"s { a = manyof(0, 1) }", "positive number or *"},
                         {"s { a = intv(4, 1) }", "is empty"},
                         {"s { a = intv(0.5, 1) }", "needs integers"},
                         {"s { a = floatv(0, 1, log) }", "needs positive ends"},
                         {"s { a = floatv(0, 1, ln) }", "no scale ln"},
                         {"s { a = floatv(x, 1) }", "expected the lower end, found x"},
                         {"s { a = one_of(1, 2) }", "did you mean oneof?"},
                         {"s { a = f(x=1, x=2) }", "given twice"},
                         {"s { a = 1 a = 2 }", "point a is given twice"},
                         {"s { a = $b }", "names no earlier point"},
                         {"s { a = \"x }", "unterminated"},
                         {"s { a = & }", "unexpected character"},
                         {"s { }", "without points"},
                         {"s { a = 1", "expected a point"},
                         {"on conv[ki=3] { a = 1 }", "no attribute ki; did you mean ci"},
                         {"on conv[k~3] { a = 1 }", "unexpected character ~"},
                         {"on conv[k=x] { a = 1 }", "no attribute x"},
                         {"on conv[k%0=1] { a = 1 }", "positive number after %"},
                         {"on conv per model { a = 1 }", "expected layer, class or all"},
                         {"optional s { a = 1 }", "expected on after optional"},
                         {"s { a = permute(x when[k=3], y) }", "when has no meaning in permute"}}) {
    CAPTURE(c.text);
    CHECK_THAT(diagnostic(c.text), Contains(c.says) && Contains("t.space:"));
  }
  CHECK_THAT(diagnostic(std::string((1 << 20) + 1, ' ')), Contains("1 MiB"));
  std::string deep = "s { a = ";
  for (int i = 0; i < 100; ++i)
    deep += "[";
  CHECK_THAT(diagnostic(deep), Contains("nest too deeply"));
}

TEST_CASE("Space: selectors choose layers by operator, shape and name") {
  auto selector = [](const std::string& s) {
    return parse_space("on " + s + " { a = 1 }", "t").blocks[0].selector;
  };
  SpaceLayer layer = conv_layer("layer1.conv2", 64, 128, 3);
  for (const char* yes :
       {"conv", "*", "c?nv", "gemm|conv", "conv[k=3, ci>=64]", "conv(co!=64)", "conv[ci%16=0]",
        "conv[ci<co]", "conv \"layer1.*\"", "conv[lanes=8] \"*conv?\""})
    CHECK(matches(selector(yes), layer));
  for (const char* no : {"gemm", "con", "conv[k=1]", "conv[ci>64]", "conv[stride=1]",
                         "conv \"layer2*\"", "conv[ci=co]"})
    CHECK_FALSE(matches(selector(no), layer));
}

TEST_CASE("Space: blocks bind per layer, per class, and once") {
  std::vector<SpaceLayer> layers = rich_layers();
  CHECK(bound("on conv { a = oneof(1, 2) }", layers).groups.size() == 4);
  Space classes = bound("on conv per class { a = oneof(1, 2) }", layers);
  REQUIRE(classes.groups.size() == 3);
  CHECK(classes.groups[0].layers.size() == 2);
  CHECK(bound("on conv per all { a = oneof(1, 2) }", layers).groups.size() == 1);
}

TEST_CASE("Space: a selector that matches nothing is an error unless optional") {
  CHECK_THROWS_WITH(bound("on conv[k=7] { a = oneof(1, 2) }", rich_layers()),
                    "on conv[k=7] matches none of 4 layers; `optional on` allows that");
  CHECK(bound("optional on pool { a = oneof(1, 2) } s { b = oneof(1, 2) }", rich_layers())
            .groups.size() == 1);
  CHECK_THROWS_WITH(bound("optional on pool { a = oneof(1, 2) }", rich_layers()),
                    Catch::Contains("no choices"));
  CHECK_THROWS_WITH(bound("on conv { a = oneof(1 when[k=1], 2 when[k=1]) }", rich_layers()),
                    Catch::Contains("no candidate of c0/a holds"));
  CHECK_THROWS_WITH(bound("on conv { a = f(x=$stride, y=oneof(1, 2)) }", rich_layers()),
                    Catch::Contains("c0 has no attribute stride"));
}

TEST_CASE("Space: sizes are counted") {
  CHECK(bound_space(load_space("nats-tss"), {}).size() == 15625);
  CHECK(bound_space(load_space("builtin:nats-sss"), {}).size() == 32768);
  CHECK(bound("s { a = oneof(1, f(x=oneof(1, 2, 3)), g(x=oneof(1, 2), y=oneof(1, 2))) }").size() ==
        8);
  CHECK(bound("s { a = manyof(2, 1, 2, 3, 4) }").size() == 16);
  CHECK(bound("s { a = manyof(2, 1, 2, 3, 4, distinct) }").size() == 12);
  CHECK(bound("s { a = manyof(2, 1, 2, 3, 4, sorted) }").size() == 10);
  CHECK(bound("s { a = manyof(2, 1, 2, 3, 4, distinct, sorted) }").size() == 6);
  CHECK(bound("s { a = manyof(*, 1, 2, 3) b = permute(x, y, z) c = intv(-1, 2) }").size() ==
        8 * 6 * 4);
  CHECK(std::isinf(bound("s { a = floatv(0, 1) }").size()));
}

TEST_CASE("Space: an unknown builtin and an absent file are told apart") {
  CHECK_THROWS_WITH(load_space("builtin:nas-pt"), Catch::Contains("did you mean nas-pte?"));
  CHECK_THROWS_WITH(load_space("absent.space"), Catch::Contains("cannot read"));
}

TEST_CASE("Space: combined texts have the blocks of both, and another hash") {
  SpaceText a = parse_space("s { x = oneof(1, 2) }", "a"),
            b = parse_space("t { y = oneof(1, 2, 3) }", "b");
  Space both = bound_space(merged(a, b), {});
  CHECK(both.size() == 6);
  CHECK(both.hash() != bound_space(a, {}).hash());
  CHECK(describe(both) == "s/x oneof of 2\nt/y oneof of 3\n");
}
