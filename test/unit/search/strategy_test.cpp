// What all strategies share: choice by text, determinism, replay.
#include "polyhedral/search/strategy.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <numeric>
#include <set>

#include "test/unit/search/spaces.h"

using namespace nasc;

namespace {
// Sum of squares over the decisions: a function with one best point.
Outcome bowl(const Dna& dna) {
  double sum = 0;
  for (size_t i = 0; i < dna.values.size(); ++i)
    sum +=
        (dna.values[i] - 2) * (dna.values[i] - 2) + 0.01 * static_cast<double>(i) * dna.values[i];
  return {{sum}, 0};
}
StrategyContext context(const Space& space, uint64_t seed = 1) {
  StrategyContext c;
  c.space = &space, c.seed = seed;
  c.additive = [](size_t, const std::vector<double>& v) { return bowl(Dna{v}).objectives; };
  return c;
}
std::vector<Told> run(const std::string& strategy, const StrategyContext& c, size_t n) {
  auto s = make(parse_strategy(strategy), c);
  std::vector<Told> out;
  while (out.size() < n) {
    auto p = s->propose();
    if (!p)
      break;
    REQUIRE(invalid(*c.space, p->dna) == std::nullopt);
    out.push_back({*p, bowl(p->dna)});
    s->feedback(*p, out.back().outcome);
  }
  return out;
}
double best(const std::vector<Told>& told) {
  Outcome out;
  for (const Told& t : told)
    if (better(t.outcome, out))
      out = t.outcome;
  return out.objectives.at(0);
}
const std::vector<std::string> kAll = {"bohb",  "evolution", "exact",  "grid",
                                       "local", "nsga2",     "random", "reinforce", "spread"};
} // namespace

TEST_CASE("Strategy: all are registered, with help") {
  std::vector<std::string> names;
  for (const StrategyDef* def : all_registered<StrategyDef>())
    names.emplace_back(def->name);
  CHECK(names == kAll);
  CHECK_THAT(strategy_help(), Catch::Contains("pop=10"));
}

TEST_CASE("Strategy: text chooses one, with options") {
  CHECK(text(parse_strategy("rea:pop=20,sample=5")) == "evolution:pop=20,sample=5");
  CHECK(text(parse_strategy("evolution")) == "evolution:pop=10,sample=3");
  CHECK(text(parse_strategy("random")) == "random");
  CHECK_THROWS_WITH(parse_strategy("evolutoin"), Catch::Contains("did you mean evolution?"));
  CHECK_THROWS_WITH(parse_strategy("rea:popp=3"), Catch::Contains("did you mean pop?"));
  CHECK_THROWS_WITH(parse_strategy("rea:pop=0"), Catch::Contains("needs a number from 1"));
  CHECK_THROWS_WITH(parse_strategy("rea:pop"), Catch::Contains("needs a number"));
  Space space = bound("s { a = oneof(1, 2) }");
  StrategyContext c;
  c.space = &space, c.objectives = 2;
  CHECK_THROWS_WITH(make(parse_strategy("rea"), c), Catch::Contains("nsga2 takes several"));
  CHECK_THROWS_WITH(make(parse_strategy("exact"), c), Catch::Contains("sums over layers"));
}

TEST_CASE("Strategy: equal seeds propose equal points, and a replay goes on as before") {
  Space space = bound_space(load_space("nats-tss"), {});
  Space rich = bound(rich_space(), rich_layers());
  for (const std::string& name : kAll)
    for (const Space* s : {&space, &rich}) {
      if (name == "exact" && s == &rich)
        continue; // floats make too many alternatives for a test
      CAPTURE(name);
      std::vector<Told> whole = run(name, context(*s), 60), again = run(name, context(*s), 60);
      REQUIRE(whole.size() == again.size());
      for (size_t i = 0; i < whole.size(); ++i)
        REQUIRE(whole[i].proposal.dna == again[i].proposal.dna);
      size_t half = whole.size() / 2;
      auto fresh = make(parse_strategy(name), context(*s));
      recover(*fresh, {whole.begin(), whole.begin() + static_cast<long>(half)}, "journal");
      for (size_t i = half; i < whole.size(); ++i) {
        auto p = fresh->propose();
        REQUIRE(p->dna == whole[i].proposal.dna);
        fresh->feedback(*p, whole[i].outcome);
      }
      auto foreign = make(parse_strategy(name), context(*s, 2));
      if (name != "grid" && name != "exact")
        CHECK_THROWS_WITH(recover(*foreign, whole, "journal"),
                          Catch::Contains("is not what this strategy"));
    }
}

TEST_CASE("Strategy: spread draws points at every distance from the first") {
  Space space = bound_space(parse_space("on conv { a = oneof(0, 1, 2, 3, 4, 5, 6, 7) }", "test"), rich_layers());
  size_t groups = space.groups.size();
  REQUIRE(groups > 1);
  std::vector<size_t> by_distance(groups + 1, 0);
  StrategyContext c;
  c.space = &space;
  auto strategy = make(parse_strategy("spread"), c);
  for (int k = 0; k < 400; ++k) {
    std::vector<double> values = strategy->propose()->dna.values;
    ++by_distance[groups - static_cast<size_t>(std::count(values.begin(), values.end(), 0))];
  }
  for (size_t n : by_distance)
    CHECK(n > 0);
}

TEST_CASE("Strategy: exact proposes selections for limits around those that are estimates") {
  Space space = bound_space(parse_space("on conv { a = oneof(0, 1, 2, 3) }", "test"), rich_layers());
  StrategyContext c;
  c.space = &space;
  c.additive = [](size_t, const std::vector<double>& v) { return std::vector<double>{-v[0], v[0]}; };
  double n = 3 * static_cast<double>(space.groups.size());
  c.limits = {n / 2};
  auto sums = [&](size_t estimated) {
    c.estimated = estimated;
    auto strategy = make(parse_strategy("exact:top=40,levels=8"), c);
    std::set<double> out;
    for (int k = 0; k < 60; ++k) // then without end, near those
      if (auto p = strategy->propose())
          out.insert(std::accumulate(p->dna.values.begin(), p->dna.values.end(), 0.0));
    return out;
  };
  CHECK(*sums(0).rbegin() <= n / 2);
  CHECK(*sums(1).rbegin() == n);
  CHECK(*sums(1).begin() <= n / 4);
}

TEST_CASE("Strategy: points that cannot be judged do not stop a search") {
  Space space = bound_space(load_space("nats-tss"), {});
  for (const std::string& name : kAll) {
    CAPTURE(name);
    auto s = make(parse_strategy(name), context(space));
    for (int i = 0; i < 50; ++i)
      if (auto p = s->propose())
        s->feedback(*p, i % 3 ? Outcome{} : Outcome{{static_cast<double>(i)}, i % 2 ? 0.5 : 0});
  }
}

TEST_CASE("Strategy: random draws without memory") {
  Space space = bound_space(load_space("nats-tss"), {});
  std::set<std::vector<double>> seen;
  for (const Told& t : run("random", context(space), 300))
    seen.insert(t.proposal.dna.values);
  CHECK(seen.size() > 290);
}

TEST_CASE("Strategy: grid visits every point and ends") {
  Space space = bound("s { a = oneof(1, 2, 3); b = oneof(1, f(x=oneof(1, 2))) }");
  CHECK(run("grid", context(space), 100).size() == 9);
  Space range = bound("s { a = floatv(0, 1) }");
  CHECK(run("grid:steps=5", context(range), 100).size() == 5);
}

TEST_CASE("Strategy: searches that learn find better points than random ones") {
  Space space = bound("s { a = oneof(0,1,2,3,4,5,6,7,8,9) b = oneof(0,1,2,3,4,5,6,7,8,9) "
                      "c = oneof(0,1,2,3,4,5,6,7,8,9) d = oneof(0,1,2,3,4,5,6,7,8,9) e = intv(0, "
                      "9) f = floatv(0, 9) }");
  auto mean = [&](const std::string& name) {
    double sum = 0;
    for (uint64_t seed = 0; seed < 10; ++seed)
      sum += best(run(name, context(space, seed), 200));
    return sum / 10;
  };
  double random = mean("random");
  for (const char* name : {"evolution", "reinforce:rate=0.1", "bohb", "nsga2", "local"}) {
    CAPTURE(name);
    CHECK(mean(name) < 0.8 * random);
  }
}

TEST_CASE("Strategy: bohb spends its brackets on rising fidelities") {
  Space space = bound_space(load_space("nats-tss"), {});
  StrategyContext c = context(space);
  c.fidelities = 3;
  std::vector<int> counts(3);
  for (const Told& t : run("bohb", c, 13 + 4 + 3))
    ++counts[static_cast<size_t>(t.proposal.fidelity)];
  CHECK(counts == std::vector<int>{9, 6, 5});
}
