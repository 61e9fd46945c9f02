// Cascades, journals and the loop that uses them.
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "test/unit/search/spaces.h"
#include "tools/search/search_loop.h"

using namespace nasc;
namespace fs = std::filesystem;

namespace {
struct TemporaryFolder {
  fs::path path = fs::path(NASC_BINARY_DIR) / ("search_test." + std::to_string(::getpid()));
  TemporaryFolder() { fs::create_directories(path); }
  ~TemporaryFolder() { fs::remove_all(path); }
};

Space test_space() {
  return bound("s { a = oneof(0, 1, 2, 3, 4, 5); b = oneof(0, 1, 2, 3, 4, 5); c = "
               "oneof(f(x=oneof(1, 2)), keep) }");
}
// A cheap stage with a verdict, a costly one with a metric that has an error.
std::vector<Evaluator> stages(int* costly_calls = nullptr) {
  Evaluator cheap, costly;
  cheap.name = "cheap", cheap.metrics = {"size"}, cheap.cost = 1;
  cheap.evaluate = [](Candidate& c, const EvaluationBudget&) {
    Evaluation e;
    e.metrics["size"] = {c.dna.values[0] + c.dna.values[1]};
    e.charged_seconds = 0.5;
    if (c.dna.values[0] == 5)
      e.rejected = "tied: a is 5";
    return e;
  };
  costly.name = "costly", costly.metrics = {"loss", "time"}, costly.cost = 2;
  costly.evaluate = [costly_calls](Candidate& c, const EvaluationBudget& b) {
    if (costly_calls)
      ++*costly_calls;
    Evaluation e;
    if (c.dna.values[1] == 4)
      e.failed = "crashed";
    e.metrics["loss"] = {10 - c.dna.values[0], 0.25};
    e.metrics["time"] = {c.dna.values[0] * 2 + c.dna.values[1] + static_cast<double>(b.fidelity)};
    e.charged_seconds = 2;
    return e;
  };
  return {costly, cheap};
}
Cascade cascade(const std::string& objective = "min time s.t. size <= 7, loss <= 9.25",
                int* calls = nullptr) {
  return Cascade(stages(calls), parse_objective(objective));
}
SearchResult searched(const Space& space, Cascade& c, const std::string& journal, size_t n,
                      const std::string& strategy = "evolution", uint64_t seed = 3) {
  SearchSetup s;
  s.space = &space, s.strategy = parse_strategy(strategy), s.cascade = &c, s.seed = seed;
  s.budget.candidates = n, s.journal = journal;
  return run_search(s);
}
std::string contents(const fs::path& p) {
  std::ifstream in(p, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}
void write(const fs::path& p, const std::string& bytes) {
  std::ofstream(p, std::ios::binary) << bytes;
}
} // namespace

TEST_CASE("Cascade: cheap stages first, rejections counted with their reasons") {
  Space space = test_space();
  Cascade c = cascade();
  REQUIRE(c.stages[0].name == "cheap");
  auto judged = [&](const char* dna) {
    Candidate x = make_candidate(space, parse_dna(space, dna));
    c.judge(x, {});
    return x;
  };
  CHECK(judged("[1,1,1]").status == CandidateStatus::ok);
  CHECK(judged("[5,0,1]").why == "tied: a is 5");
  CHECK(judged("[4,4,1]").why == "size <= 7: it is 8");
  CHECK(judged("[1,4,1]").status == CandidateStatus::failed);
  Candidate unsure = judged("[0,1,1]");
  CHECK(unsure.why == "loss <= 9.25: it is 10 +- 0.25");
  CHECK(unsure.stage == "costly");
  CHECK_FALSE(c.outcome_of(unsure).usable());
  CHECK(c.counts[0].judged == 5);
  CHECK(c.counts[0].rejected == 2);
  CHECK(c.counts[1].judged == 3);
  CHECK(c.counts[1].rejected == 1);
  CHECK(c.counts[1].failed == 1);
  CHECK_THAT(stage_table(c.counts), Catch::Contains("cheap") && Catch::Contains("size <= 7 (1)"));
}

TEST_CASE("Cascade: an objective needs metrics that some stage gives") {
  CHECK_THROWS_WITH(cascade("min tme"),
                    Catch::Contains("no evaluator gives tme; did you mean time?"));
  CHECK_THROWS_WITH(make_evaluator("nb21", {}), Catch::Contains("did you mean nb201?"));
  CHECK_THROWS_WITH(make_evaluator("measure", {}), "measure needs a model");
  EvaluatorContext context;
  context.services["static"] = [](Candidate&, const EvaluationBudget&) {
    return Evaluation{{{"macs", {7}}}, "", "", {}};
  };
  Candidate c;
  CHECK(make_evaluator("static", context).evaluate(c, {}).metrics.at("macs").value == 7);
}

TEST_CASE("Search: budgets are read") {
  CHECK(parse_budget("1000").candidates == 1000);
  CHECK(parse_budget("5m").seconds == 300);
  CHECK(parse_budget("250,90s").candidates == 250);
  CHECK(parse_budget("250,90s").seconds == 90);
  for (const char* bad : {"", "x", "0", "-3", "1.5", "3d", "1e99"})
    CHECK_THROWS_AS(parse_budget(bad), UserError);
}

TEST_CASE("Search: repeated candidates are judged once") {
  Space space = test_space();
  int calls = 0;
  Cascade c = cascade("min time s.t. size <= 7, loss <= 9.25", &calls);
  SearchResult r = searched(space, c, "", 60);
  CHECK(r.judged.size() == 60);
  CHECK(r.repeated > 0);
  CHECK(static_cast<size_t>(calls) == c.counts[1].judged);
  REQUIRE(r.best.has_value());
  CHECK(r.judged[*r.best].metrics.at("time").value == 2); // a = 1, b = 0
  SearchResult all = searched(space, c, "", 1000, "grid");
  CHECK(all.ended == "exhausted");
  CHECK(all.judged.size() == 6 * 6 * 3);
}

TEST_CASE("Search: charged seconds end it") {
  Space space = test_space();
  Cascade c = cascade("min time");
  SearchSetup s;
  s.space = &space, s.strategy = parse_strategy("random"), s.cascade = &c;
  s.budget.seconds = 20;
  SearchResult r = run_search(s);
  CHECK(r.ended == "budget");
  CHECK(r.judged.size() >= 8); // half a second for those that leave early, else two and a half
  CHECK(r.judged.size() < 16);
}

TEST_CASE("Search: a Pareto objective gives a front") {
  Space space = test_space();
  Cascade c = cascade("pareto(min time, min loss)");
  SearchResult r = searched(space, c, "", 80, "nsga2");
  CHECK(r.front.size() >= 4);
  CHECK_THROWS_WITH(searched(space, c, "", 10, "evolution"),
                    Catch::Contains("nsga2 takes several"));
}

TEST_CASE("Journal: a search that is killed and resumed ends as one that was not") {
  TemporaryFolder folder;
  Space space = test_space();
  Cascade c = cascade();
  std::string whole = folder.path / "whole", part = folder.path / "part";
  SearchResult reference = searched(space, c, whole, 50);
  std::string all = contents(whole);
  size_t cut = 0;
  for (int lines = 0; lines < 20; ++lines)
    cut = all.find('\n', cut) + 1;
  for (size_t torn : {size_t{0}, size_t{1}, size_t{30}}) {
    write(part, all.substr(0, cut + torn));
    int calls = 0;
    Cascade again = cascade("min time s.t. size <= 7, loss <= 9.25", &calls);
    SearchResult r = searched(space, again, part, 50);
    CHECK(r.replayed == 19);
    CHECK(contents(part) == all);
    CHECK(again.counts[0].rejected == c.counts[0].rejected);
    REQUIRE(r.best == reference.best);
    CHECK(r.judged[*r.best].dna == reference.judged[*reference.best].dna);
  }
  write(part, all.substr(0, 10)); // torn in its first line
  CHECK(searched(space, c, part, 50).replayed == 0);
  CHECK(contents(part) == all);
  CHECK(read_journal(space, part).size() == 50);
}

TEST_CASE("Journal: of another search is refused, saying what differs") {
  TemporaryFolder folder;
  Space space = test_space(), other = bound("s { a = oneof(1, 2) }");
  Cascade c = cascade(), objective = cascade("min time");
  std::string path = folder.path / "j";
  searched(space, c, path, 5);
  using Catch::Contains;
  CHECK_THROWS_WITH(searched(space, c, path, 5, "evolution", 4),
                    Contains("another search: seed is 3, now 4"));
  CHECK_THROWS_WITH(searched(space, c, path, 5, "random"), Contains("strategy is"));
  CHECK_THROWS_WITH(searched(space, objective, path, 5), Contains("objective is"));
  CHECK_THROWS_WITH(searched(other, c, path, 5), Contains("space is"));
  write(path, "hello\n");
  CHECK_THROWS_WITH(searched(space, c, path, 5), Contains("no journal of nasc"));
}

TEST_CASE("Journal: damage before the end names the line, and two searches exclude each other") {
  TemporaryFolder folder;
  Space space = test_space();
  Cascade c = cascade();
  fs::path path = folder.path / "j";
  searched(space, c, path, 5);
  std::string all = contents(path);
  size_t second = all.find('\n') + 1;
  write(path, all.substr(0, second) + "{\"n\":" + all.substr(second + 20));
  try {
    searched(space, c, path, 5);
    FAIL("accepted");
  } catch (const UserError& e) {
    CHECK(e.where == path.string() + ":2");
  }
  SearchJournalHeader header{space.hash(), 0, 3, "x", "y", "z"};
  fs::path locked = folder.path / "k";
  SearchJournal open(locked, header, space);
  CHECK_THROWS_WITH(SearchJournal(locked, header, space),
                    Catch::Contains("another search is writing"));
}

TEST_CASE("Journal: lines keep metrics, errors and reasons") {
  Space space = test_space();
  Candidate c = make_candidate(space, parse_dna(space, "[1,2,(0,1)]"));
  c.number = 7, c.status = CandidateStatus::rejected, c.stage = "cheap", c.why = "because \"\n\xff";
  c.metrics = {{"x", {0.1, 0}}, {"y", {1e-30, 0.2}}};
  c.seconds = 0.3;
  std::string line = journal_line(space, c);
  CHECK(line.find('\n') == std::string::npos);
  Candidate back = read_journal_line(space, line, "j:1");
  CHECK(back.dna == c.dna);
  CHECK(back.metrics == c.metrics);
  CHECK(back.status == c.status);
  CHECK(back.number == 7);
  CHECK(back.key == c.key);
}
