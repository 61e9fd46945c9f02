#include <catch2/catch.hpp>

#include "polyhedral/plan.h"

using namespace nasc;

TEST_CASE("Plan: print-parse-print is a fixpoint") {
  Plan plan;
  plan.header = {0x1234abcdu, "x86_64-unknown-linux-gnu/znver3 256x16", "-O2 \"quoted\"", "0.1.0", 4};
  plan.network = {{"layout", {{"tensor", std::string("y")}, {"dims", std::vector<std::string>{"0", "1/16", "2", "3", "1%16"}}}}};
  plan.kernels = {{"conv", {parse_step("split(names=[co.t, co.i], loop=mac.co, by=16)"), parse_step("x(a=[], b=\"3\", c=-3)")}},
                  {"conv_1", {}}};
  std::string once = text(plan);
  Plan again = parse_plan(once, "p.plan");
  CHECK(text(again) == once);
  CHECK(hash(again) == hash(plan));
  CHECK(again.header.threads == 4);
  CHECK(again.header.flags == plan.header.flags);
  CHECK(std::get<std::string>(again.kernels[0].second[1].args.at("b")) == "3");
}

TEST_CASE("Plan: hash ignores argument order") {
  Plan a, b;
  a.network = {parse_step("fuse(first=x, second=y)")};
  b.network = {parse_step("fuse(second=y, first=x)")};
  CHECK(hash(a) == hash(b));
}

TEST_CASE("Plan: comments and spacing are free") {
  Plan p = parse_plan("nasc plan 1 # v\nkernel conv {  # first\n split( loop = ci ,by=2 ) }\n", "p");
  REQUIRE(p.kernels.size() == 1);
  CHECK(text(p.kernels[0].second[0]) == "split(by=2, loop=ci)");
}

TEST_CASE("Plan: errors name file, line and column") {
  auto where = [](const char* text) {
    try {
      parse_plan(text, "p.plan");
    } catch (const UserError& e) {
      CHECK(e.code == &code::bad_plan);
      return e.where;
    }
    return std::string("accepted");
  };
  CHECK(where("nasc plan 1\nkernel a { split(loop=) }") == "p.plan:2:23");
  CHECK(where("nasc plan 2") == "p.plan:1:11");
  CHECK(where("nasc plan 1\nkernel a { x(a=1, a=2) }") != "accepted");
  CHECK(where("nasc plan 1\nkernel a { x(a=\"1) }") != "accepted");
  CHECK(where("nasc plan 1\nkernel a { x(a=1)") != "accepted");
  CHECK(where("nasc plan 1\nbogus 1") != "accepted");
  CHECK(where("") != "accepted");
}

TEST_CASE("Plan: limits hold") {
  CHECK_THROWS_AS(parse_plan(std::string((1 << 20) + 1, ' '), "p"), UserError);
  std::string many = "nasc plan 1 network {";
  for (int i = 0; i < 10'001; ++i) many += "a()";
  CHECK_THROWS_AS(parse_plan(many + "}", "p"), UserError);
}
