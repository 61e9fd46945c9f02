#include <catch2/catch.hpp>

#include "ir/text.h"
#include "polyhedral/schedule.h"
#include "programs.h"

using namespace nasc;

TEST_CASE("Schedule: the textual order executes statements one after another") {
  Program p = test::conv(16, 8);
  Schedule s = textual_schedule(p);
  verify(p, s);
  isl::union_map precedes = lex_lt(p.textual_order(), p.textual_order());
  CHECK(precedes.is_equal(lex_lt(order(s), order(s))));
}

TEST_CASE("Schedule: text parses back to the same text") {
  Program p = test::conv(16, 8);
  Schedule s = textual_schedule(p);
  auto again = parse(p, text(s));
  REQUIRE(again);
  CHECK(text(*again) == text(s));
}

TEST_CASE("Schedule: text that is not a schedule of the Program is refused") {
  Program p = test::conv(16, 8), q = test::matmul(4, 4, 4);
  CHECK(parse(p, "nonsense").error().code == "bad-schedule");
  CHECK(parse(p, text(textual_schedule(q))).error().code == "bad-schedule");
}

TEST_CASE("Schedule: marks print and parse") {
  for (std::string line : {"co.t parallel", "w.i unroll", "stage acc", "barrier", "k"}) {
    auto mark = parse_mark(line);
    REQUIRE(mark);
    CHECK(text(*mark) == line);
  }
  CHECK(parse_mark("co bogus").error().code == "bad-mark");
  CHECK(parse_mark("").error().code == "bad-mark");
}

TEST_CASE("Schedule: loops are found by name, qualified name, or refused") {
  Program p = test::conv(16, 8);
  Schedule s = textual_schedule(p);
  CHECK(find_loop(s, "ci")->statements == std::vector<std::string>{"mac"});
  CHECK(find_loop(s, "init.co")->statements == std::vector<std::string>{"init"});
  CHECK(find_loop(s, "co").error().code == "ambiguous-loop");
  CHECK(find_loop(s, "cj").error().code == "no-such-loop");
  CHECK(find_loop(s, "init.coo").error().text.find("did you mean init.co") != std::string::npos);
  CHECK(loops(s).size() == 4 + 7 + 4);
  CHECK(loops_of(s, "mac").size() == 7);
}

TEST_CASE("Schedule: trip counts are known when equal at all outer iterations") {
  Program p = test::conv(16, 8);
  Schedule s = textual_schedule(p);
  CHECK(trip_count(s, *find_loop(s, "init.co")) == 16);
  CHECK(trip_count(s, *find_loop(s, "mac.w")) == 8);
  CHECK(trip_count(s, *find_loop(s, "ci")) == 16);
  CHECK(trip_count(s, *find_loop(s, "kw")) == std::nullopt);  // padding drops points at the border
}

TEST_CASE("schedule: statements without instances are in no tree") {
  Program p = parse_program("program none { tensor x : f32[3] input\n tensor y : f32[0] output\n"
                            " stmt s { s[i] : 0 <= i < 0 }\n y[i] = x[i]\n }");
  CHECK_NOTHROW(verify(p, textual_schedule(p)));
}
