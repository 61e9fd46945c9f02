// Objectives: text, constraints with confidence, Pareto.
#include "polyhedral/search/objective.h"

#include <catch2/catch.hpp>

using namespace nasc;

namespace {
double score(const std::string& text, const Metrics& m) {
  return outcome(parse_objective(text), m).objectives.at(0);
}
std::string diagnostic(const std::string& text) {
  try {
    parse_objective(text);
  } catch (const UserError& e) {
    return e.line();
  }
  return "accepted";
}
} // namespace

TEST_CASE("Objective: print-parse-print is a fixpoint") {
  for (const char* given :
       {"min latency_ms s.t. macs_ratio <= 0.6, fisher >= 0.9",
        "max acc + -0.1 * abs(latency / 8 - 1)",
        "pareto(min latency, max accuracy) s.t. params < 5e+06", "min a - (b - c) * (d / e)^2^f",
        "min (a + b)^2 - -c", "max acc * min(1, (lat / 8)^-0.07)", "min -(a^2)"}) {
    std::string once = text(parse_objective(given));
    CAPTURE(once);
    CHECK(text(parse_objective(once)) == once);
  }
  CHECK(text(parse_objective("latency s.t. f >= 1 and d<2")) == "min latency s.t. f >= 1, d < 2");
  CHECK(text(parse_objective("pareto latency, max acc")) == "pareto(min latency, max acc)");
}

TEST_CASE("Objective: expressions have the usual meaning") {
  Metrics m = {{"a", {2}}, {"b", {3}}, {"c", {4}}};
  CHECK(score("min a + b * c", m) == 14);
  CHECK(score("min (a + b) * c", m) == 20);
  CHECK(score("min c - b - a", m) == -1);
  CHECK(score("min a ^ b ^ a", m) == 512);
  CHECK(score("min -a ^ 2", m) == -4);
  CHECK(score("max a", m) == -2);
  CHECK(score("min max(a, b) + abs(-c) + sqrt(c)", m) == 9);
  CHECK(score("max 90 * (c / 2) ^ -1", m) == -45);
  CHECK_FALSE(outcome(parse_objective("min x"), m).usable());
  CHECK_FALSE(outcome(parse_objective("min log(a - b)"), m).usable());
  CHECK(metrics_of(parse_objective("min a / x s.t. z > 0")) ==
        std::vector<std::string>{"a", "x", "z"});
}

TEST_CASE("Objective: a bound counts a metric's error against it") {
  Objective o = parse_objective("min t s.t. fisher >= 0.9, macs <= 0.5");
  auto violation_of = [&](Metrics m) {
    m["t"] = {1};
    return outcome(o, m).violation;
  };
  CHECK(violation_of({{"fisher", {0.95, 0.04}}, {"macs", {0.5}}}) == 0);
  CHECK(violation_of({{"fisher", {0.95, 0.14}}, {"macs", {0.5}}}) == Approx(0.1));
  CHECK(violation_of({{"fisher", {0.9}}, {"macs", {1}}}) == Approx(1));
  CHECK(broken(o, {{"macs", {0.4}}}) == "");
  CHECK(broken(o, {{"fisher", {0.95, 0.25}}}) == "fisher >= 0.9: it is 0.95 +- 0.25");
  CHECK(broken(parse_objective("min t s.t. t < 1"), {{"t", {1}}}) == "t < 1: it is 1");
}

TEST_CASE("Objective: errors name the column") {
  using Catch::Contains;
  CHECK_THAT(diagnostic("min"), Contains("--objective:4: error: unexpected end"));
  CHECK_THAT(diagnostic("min latency s.t. x"), Contains("expected < <= > >= or ="));
  CHECK_THAT(diagnostic("min latency s.t. x <= y"), Contains("expected a number"));
  CHECK_THAT(diagnostic("min latency / 8ms"), Contains("unit"));
  CHECK_THAT(diagnostic("min sin(x)"), Contains("no function sin"));
  CHECK_THAT(diagnostic("min abs(x, y)"), Contains("takes 1 values"));
  CHECK_THAT(diagnostic("min (x"), Contains("expected )"));
  CHECK_THAT(diagnostic("min x y"), Contains("expected s.t., a comma or the end"));
  CHECK_THAT(diagnostic("min " + std::string(1000, '(')), Contains("nests too deeply"));
  CHECK_THAT(diagnostic("min " + std::string(1000, '-') + "x"), Contains("nests too deeply"));
}

TEST_CASE("Objective: linear ones are additive") {
  CHECK(additive(parse_objective("min latency s.t. loss <= 0.1")));
  CHECK(additive(parse_objective("min 2 * latency + size / 3 s.t. -loss >= -1")));
  CHECK_FALSE(additive(parse_objective("min latency * size")));
  CHECK_FALSE(additive(parse_objective("min latency + 1")));
  CHECK_FALSE(additive(parse_objective("max abs(x)")));
}
