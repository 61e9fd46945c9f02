// Judging with several threads and against a clock, and the winner among those that were accepted.
#include <atomic>
#include <catch2/catch.hpp>
#include <cmath>
#include <fstream>

#include "polyhedral/transformation.h"
#include "test/support/process.h"
#include "test/zoo/zoo.h"
#include "tools/neural/judging.h"
#include "tools/neural/stages.h"

using namespace nasc;
namespace {

struct JudgedModel : TemporaryFolder {
  std::string model = *this / "m.onnx";
  JudgedModel() { std::ofstream(model, std::ios::binary) << zoo_model("tiny-resnet"); }
  Judging judging(const std::string& file, int threads) const {
    return Judging(model, {},
                   {.legality = "capacity,naswot,fisher:median", .data = "", .batch = 8, .seed = 0, .file = *this / file, .judges = {},
                    .threads = threads});
  }
};
std::vector<Step> steps(const std::string& text) { return {parse_step(text)}; }

Finalist finalist(bool allowed, double ms) {
  Finalist f;
  f.judged.allowed = allowed, f.measured_ms = ms;
  return f;
}
bool earlier(size_t a, size_t b) { return a < b; }

} // namespace

TEST_CASE("neural judging: threads change neither answers nor the file that remembers them") {
  JudgedModel place;
  std::vector<std::vector<Step>> plans = {steps("group(layer=conv_5, by=2)"), steps("group(layer=conv_5, by=4)"),
                                          steps("group(layer=no_such, by=4)"), steps("bottleneck(layer=conv_5, loop=ci, by=2)")};
  for (int threads : {1, 3}) {
    Judging judging = place.judging(threads == 1 ? "one" : "three", threads);
    CHECK(judging.threads() == threads);
    auto all = judging.sensitivity(plans, 1);
    REQUIRE(all);
    CHECK((*all)[0]);
    CHECK(!(*all)[2]);
    for (size_t k : {0u, 1u, 3u})
      REQUIRE(judging.judge(plans[k]));
  }
  CHECK(file_content(place / "one") == file_content(place / "three"));
}

TEST_CASE("neural judging: what time leaves undecided is not remembered") {
  JudgedModel place;
  std::vector<Step> plan = steps("group(layer=conv_5, by=2)");
  Judging judging = place.judging("v", 2);
  auto late = judging.judge(plan, [] { return true; });
  REQUIRE(late);
  CHECK(late->out_of_time);
  CHECK(!late->allowed);
  CHECK(late->evaluations == 0);
  CHECK(file_content(place / "v").empty());
  std::atomic<int> asked = 0;
  late = judging.judge(plan, [&] { return ++asked > 3; }); // between seeds
  REQUIRE(late);
  CHECK(late->out_of_time);
  CHECK(file_content(place / "v").empty());
  auto known = judging.judge(plan);
  REQUIRE(known);
  CHECK(!known->out_of_time);
  auto again = place.judging("v", 2).judge(plan, [] { return true; }); // remembered: no time is needed
  REQUIRE(again);
  CHECK(again->remembered);
  CHECK(again->allowed == known->allowed);
}

TEST_CASE("neural judging: the agreement of trained networks is a sum over layers, too") {
  JudgedModel place;
  std::string images;
  uint64_t bits = 1;
  for (int k = 0; k < 64 * (1 + 3 * 32 * 32); ++k) {
    bits = bits * 6364136223846793005u + 1442695040888963407u;
    images += static_cast<char>(k % (1 + 3 * 32 * 32) == 0 ? (bits >> 40) % 10 : bits >> 56);
  }
  std::ofstream(place / "images.bin", std::ios::binary) << images;
  JudgingOptions options{.legality = "capacity,output", .data = place / "images.bin", .batch = 8, .seed = 0, .file = place / "v", .judges = {}};
  options.judges.max_seeds = 6;
  Judging judging(place.model, {}, options);
  REQUIRE(judging.real_data());
  REQUIRE(judging.sums().size() == 1);
  CHECK(judging.sums()[0].judge == "output");
  CHECK(judging.sums()[0].least > std::log(options.judges.agreement)); // with its error bar
  CHECK(judging.sums()[0].least < 0);
  auto all = judging.sensitivity({steps("bottleneck(layer=conv_5, loop=ci, by=2)")}, 1);
  REQUIRE(all);
  REQUIRE((*all)[0]);
  CHECK((*all)[0]->at(0).value <= 0);
  CHECK(!judging.sensitivity({steps("group(layer=conv_5, by=2)")}, 1, [] { return true; }));
  CHECK(Judging(place.model, {}, options).sensitivity({steps("bottleneck(layer=conv_5, loop=ci, by=2)")}, 1, [] { return true; }));
  options.data = ""; // noise has no classes to agree on
  CHECK(Judging(place.model, {}, options).sums().empty());
}

TEST_CASE("neural search: the winner is the fastest that was accepted, if it is faster than the original") {
  NeuralSearch s;
  s.search.judged.resize(1), s.forms.resize(1);
  s.original.macs = 1;
  s.finalists = {finalist(false, 0), finalist(true, 2.0), finalist(true, 1.98), finalist(true, 1.5)};
  s.original_ms = 3;
  choose_winner(s, earlier);
  CHECK(s.winner == 3u);
  s.finalists.pop_back(); // within noise: the better prediction
  choose_winner(s, earlier);
  CHECK(s.winner == 1u);
  CHECK(!s.none_faster);
  s.original_ms = 0.5;
  choose_winner(s, earlier);
  CHECK(!s.winner);
  CHECK(s.none_faster);
  CHECK(summary(s).find("no winner: no accepted candidate is faster than the original") != std::string::npos);
  s.original_ms = 0; // not measured: the prediction decides
  choose_winner(s, earlier);
  CHECK(s.winner == 1u);
}
