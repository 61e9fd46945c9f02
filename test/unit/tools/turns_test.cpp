// Times by turns: what other programs do to samples.
#include "tools/tune/turns.h"

#include <catch2/catch.hpp>

using namespace nasc;

TEST_CASE("turns: the least of samples that agree, cold first round apart", "[tools]") {
  std::vector<int> turns(2);
  auto sample = [&](size_t k) {
    int n = turns[k]++;
    return n == 0 ? 0.5 : (k == 0 ? 1.0 : 3.0) + 0.01 * (n % 4);
  };
  std::vector<double> least = least_by_turns(2, sample, {.rounds = 8});
  CHECK(least[0] == Approx(1.0));
  CHECK(least[1] == Approx(3.0));
  CHECK(turns == std::vector<int>{9, 9});
}

TEST_CASE("turns: one lucky or many disturbed rounds are not believed", "[tools]") {
  // The first is disturbed, each time otherwise, until the machine is quiet again.
  int turn = 0, quiet = 40;
  auto sample = [&](size_t k) {
    int n = turn++ / 2;
    return k == 0 && n < quiet ? 20.0 + 3 * (n * 17 % 41) : 1.0 + static_cast<double>(k);
  };
  CHECK(least_by_turns(2, sample) == std::vector<double>{1.0, 2.0});
  CHECK(turn / 2 == quiet + 3);

  int round = 0;
  auto never = [&](size_t) {
    ++round;
    return 1.0 * (1 << (round % 20)) + round;
  };
  CHECK(least_by_turns(1, never, {.rounds = 5, .agree = 0.01, .most_rounds = 19}) ==
        std::vector<double>{0.0});
  CHECK(round == 20);
}

TEST_CASE("turns: the time limit ends disturbed rounds, never the rounds at least", "[tools]") {
  int turns = 0;
  auto growing = [&](size_t) { return 1.0 + ++turns; };
  CHECK(least_by_turns(1, growing, {.rounds = 4, .seconds = 0}) == std::vector<double>{0.0});
  CHECK(turns == 5);
  CHECK(least_by_turns(0, growing).empty());
}
