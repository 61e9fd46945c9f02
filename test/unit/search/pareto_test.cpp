// Dominance, ranks, crowding, hypervolume; nsga2 on two objectives.
#include "polyhedral/search/pareto.h"

#include <catch2/catch.hpp>
#include <cmath>

#include "test/unit/search/spaces.h"

using namespace nasc;

TEST_CASE("Pareto: feasible dominates infeasible, and both what could not be judged") {
  Outcome good{{1, 2}, 0}, worse{{1, 3}, 0}, other{{0, 5}, 0}, infeasible{{0, 0}, 1}, failed;
  CHECK(dominates(good, worse));
  CHECK_FALSE(dominates(good, good));
  CHECK_FALSE(dominates(good, other));
  CHECK(dominates(worse, infeasible));
  CHECK(dominates(infeasible, failed));
  std::vector<Outcome> all = {worse, good, infeasible, other, failed};
  CHECK(pareto_ranks(all) == std::vector<int>{1, 0, 2, 0, 3});
  CHECK(pareto_front(all) == std::vector<size_t>{3, 1});
}

TEST_CASE("Pareto: crowding prefers the ends and the sparse") {
  std::vector<Outcome> all = {{{0, 10}, 0}, {{1, 8}, 0}, {{2, 6}, 0}, {{10, 0}, 0}};
  std::vector<double> d = crowding(all, {0, 1, 2, 3});
  CHECK(std::isinf(d[0]));
  CHECK(std::isinf(d[3]));
  CHECK(d[2] > d[1]);
}

TEST_CASE("Pareto: hypervolume in one, two and three dimensions") {
  CHECK(hypervolume({{{1}, 0}, {{2}, 0}}, {4}) == 3);
  std::vector<Outcome> two = {{{1, 3}, 0}, {{2, 2}, 0}, {{3, 1}, 0}, {{3, 3}, 0},
                              {{0, 0}, 1}, {{9, 0}, 0}, {}};
  CHECK(hypervolume(two, {4, 4}) == Approx(6));
  CHECK(hypervolume({{{0, 0, 0}, 0}}, {2, 3, 4}) == Approx(24));
  CHECK(hypervolume({{{0, 1, 1}, 0}, {{1, 0, 1}, 0}, {{1, 1, 0}, 0}}, {2, 2, 2}) == Approx(4));
  // Against counting cells of a grid.
  Rng rng(30);
  std::vector<Outcome> random;
  for (int i = 0; i < 12; ++i)
    random.push_back({{static_cast<double>(rng.below(8)), static_cast<double>(rng.below(8)),
                       static_cast<double>(rng.below(8))},
                      0});
  int cells = 0;
  for (int x = 0; x < 8; ++x)
    for (int y = 0; y < 8; ++y)
      for (int z = 0; z < 8; ++z)
        for (const Outcome& o : random)
          if (o.objectives[0] <= x && o.objectives[1] <= y && o.objectives[2] <= z) {
            ++cells;
            break;
          }
  CHECK(hypervolume(random, {8, 8, 8}) == Approx(cells));
}

TEST_CASE("Strategy: nsga2 covers a front better than random points") {
  std::string points = "s {";
  for (int i = 0; i < 8; ++i)
    points += " x" + std::to_string(i) + " = oneof(0, 1, 2, 3, 4, 5)";
  Space space = bound(points + " }");
  auto volume = [&](const char* name, uint64_t seed) {
    StrategyContext c;
    c.space = &space, c.seed = seed, c.objectives = 2;
    auto s = make(parse_strategy(name), c);
    std::vector<Outcome> all;
    for (int i = 0; i < 300; ++i) {
      auto p = s->propose();
      double sum = 0, rough = 0;
      for (size_t j = 0; j < 8; ++j) {
        sum += p->dna.values[j];
        rough += std::abs(p->dna.values[j] - (j ? p->dna.values[j - 1] : 5));
      }
      all.push_back({{sum, rough}, 0});
      s->feedback(*p, all.back());
    }
    return hypervolume(all, {40, 40});
  };
  double nsga2 = 0, random = 0;
  for (uint64_t seed = 0; seed < 5; ++seed)
    nsga2 += volume("nsga2", seed), random += volume("random", seed);
  CHECK(nsga2 > 1.1 * random);
}
