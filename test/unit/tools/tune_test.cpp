// Tuning: children that fail, journals that were cut off, records, and a search on a small network.
#include <unistd.h>

#include <catch2/catch.hpp>
#include <csignal>
#include <fstream>
#include <set>
#include <thread>

#include "codegen/emit.h"
#include "ir/text.h"
#include "polyhedral/transformation.h"
#include "test/support/process.h"
#include "tools/tune/bench.h"
#include "tools/tune/database.h"
#include "tools/tune/forked.h"
#include "tools/tune/tune.h"
#include "tools/tune/unit.h"

using namespace nasc;

namespace {
const TuneContext kHere{"cpu 256x16", "1.0", 2};

Trial trial(const std::string& choice) {
  return {"search", "tile", "00000000000000aa", "gemm", choice, "", {10.5}, {9.25}, {0.881}};
}

Module small_network() {
  Network n = parse_network(R"(network "two" hash 0x1 {
    buffer x : f32[24, 64] input original "x"
    buffer w : f32[64, 48] weight hash 0x2 bytes 12288 original "w"
    buffer y : f32[24, 48] output original "y"
    program gemm origin "MatMul" {
      tensor A : f32[24, 64] input
      tensor B : f32[64, 48] weight
      tensor Y : f32[24, 48] output
      stmt init { init[m, n] : 0 <= m < 24 and 0 <= n < 48 }
        Y[m, n] = 0
      stmt mac { mac[m, n, k] : 0 <= m < 24 and 0 <= n < 48 and 0 <= k < 64 }
        Y[m, n] += A[m, k] * B[k, n]
    }
    inputs [x]
    outputs [y]
    call 0 gemm(x, w, y) "gemm"
  })");
  return textual_module(std::move(n), host_target());
}
} // namespace

TEST_CASE("run_forked: gives the text, and survives crashes, exceptions and endless work") {
  Forked fine = run_forked([] { return std::string(100'000, 'x'); }, 10);
  CHECK(fine.ok);
  CHECK(fine.text.size() == 100'000);
  Forked crashed = run_forked([]() -> std::string { std::raise(SIGKILL); return ""; }, 10);  // asan takes SIGSEGV
  CHECK_FALSE(crashed.ok);
  CHECK(crashed.text == "crashed by signal 9");
  Forked left = run_forked([]() -> std::string { _exit(3); }, 10);
  CHECK_FALSE(left.ok);
  CHECK(left.text == "ended with exit code 3");
  Forked threw = run_forked([]() -> std::string { throw UserError(code::bad_plan, "k", "no such loop"); }, 10);
  CHECK_FALSE(threw.ok);
  CHECK_THAT(threw.text, Catch::Contains("no such loop"));
  Forked late = run_forked([]() -> std::string { while (true) pause(); }, 0.2);
  CHECK_FALSE(late.ok);
  CHECK_THAT(late.text, Catch::Contains("timed out"));
}

TEST_CASE("TrialJournal: what is on the disk is known again, a cut last line is not") {
  TemporaryFolder folder;
  std::string path = folder / "j";
  {
    TrialJournal j(path, kHere);
    j.add(trial("a"));
    j.add(trial("b"));
  }
  std::string whole = file_content(path);
  for (size_t cut : {size_t{1}, size_t{40}, whole.size() / 2 - 2}) {
    std::ofstream(path, std::ios::binary) << whole.substr(0, whole.size() - cut);
    TrialJournal j(path, kHere);
    REQUIRE(j.find("search", "tile", "00000000000000aa", "a"));
    CHECK(j.find("search", "tile", "00000000000000aa", "a")->ratio == std::vector<double>{0.881});
    CHECK_FALSE(j.find("search", "tile", "00000000000000aa", "b"));
    j.add(trial("b"));
    CHECK(file_content(path) == whole);
  }
  CHECK(TrialJournal(path, {"cpu 256x16", "1.1", 2}).known() == 0); // another compiler
  CHECK(TrialJournal(path, {"cpu 256x16", "1.0", 1}).known() == 0); // other threads
  CHECK(TrialJournal(path, kHere).known() == 2);
}

TEST_CASE("TuningDatabase: records are found by kind, key, target, threads and version") {
  TemporaryFolder folder;
  std::string path = folder / "deep/tuning.db";
  TuningDatabase(path, kHere).put("tile", "k", "gemm", {"rows=4", 10, 8, 5});
  TuningDatabase again(path, kHere);
  REQUIRE(again.find("tile", "k"));
  CHECK(again.find("tile", "k")->choice == "rows=4");
  CHECK(again.find("tile", "k")->explored == 5);
  CHECK_FALSE(again.find("winograd", "k"));
  CHECK_FALSE(TuningDatabase(path, {"other", "1.0", 2}).find("tile", "k"));
  CHECK_FALSE(TuningDatabase(path, {"cpu 256x16", "2.0", 2}).find("tile", "k"));
  std::ofstream(folder / "text") << std::string(5000, 'x');
  CHECK_THROWS_AS(TuningDatabase(folder / "text", kHere), UserError);
}

TEST_CASE("tune: takes trials or a time") {
  TuneOptions o;
  parse_tune("64", o);
  CHECK((o.on && o.trials == 64 && o.seconds == 0));
  TuneOptions t;
  parse_tune("10m", t);
  CHECK((t.on && t.trials == 0 && t.seconds == 600));
  for (const char* bad : {"fast", "-3", "10x", "0"})
    CHECK_THROWS_AS(parse_tune(bad, o), UserError);
}

TEST_CASE("tune: every alternative of a matrix product can be scheduled, and a search is resumed") {
  Module m = small_network();
  std::vector<Unit> units = find_units(m, {}, "tile", {});
  REQUIRE(units.size() == 1);
  REQUIRE(units[0].decision.alternatives.size() > 8);
  std::set<std::string> distinct;
  for (const Alternative& a : units[0].decision.alternatives) {
    CHECK(distinct.insert(a.text).second);
    CHECK(a.cycles > 0);
  }
  for (size_t k = 0; k < units[0].decision.alternatives.size(); k += 3) {
    Module done = realised(units[0], k, {}, {});
    CHECK(text(done.schedules[0]) != text(textual_schedule(*done.network.programs[0])));
  }

  TemporaryFolder folder;
  TuneContext here{m.target.text(), "test", 1};
  TuneOptions o{.on = true, .trials = 3, .seconds = 0, .journal = folder / "j", .database = folder / "db"};
  auto none = [](const TuneProgress&) {};
  TuneResult first = tune(m, {}, o, here, none);
  CHECK(first.units == 1);
  CHECK(first.failed == 0);
  CHECK(first.trials >= 3);
  CHECK(first.resumed == 0);
  TuneResult second = tune(m, {}, o, here, none);
  CHECK(second.resumed >= 3);
  std::istringstream lines(file_content(o.journal));
  std::set<std::string> names;
  size_t count = 0;
  for (std::string line; std::getline(lines, line); ++count)
    names.insert(line.substr(0, line.find("\"target\"")));
  CHECK(names.size() == count); // nothing twice
  // Compilations that only look records up take what the search took.
  auto used = std::make_shared<size_t>(0);
  Decide recorded = decide_by(o.database, here, used);
  CHECK(recorded(units[0].decision) == second.decide(units[0].decision));
  CHECK(*used == 1);
}

TEST_CASE("tune: a kernel that the emitter refuses is timed as it is compiled, in textual order") {
  Module m = textual_module(
      parse_network("network net {\n buffer x : f32[4, 8] input\n buffer y : f32[4, 8] output\n program copy {\n"
                    " tensor X : f32[4, 8] input\n tensor Y : f32[4, 8] output\n"
                    " stmt S { S[i, j] : 0 <= i < 4 and 0 <= j < 8 }\n Y[i, j] = X[i, j]\n }\n inputs [x]\n outputs [y]\n"
                    " call 0 copy(x, y) \"copy\"\n}\n"),
      host_target());
  auto inner = apply(m, "copy", parse_step("parallel(loop=j)"));
  REQUIRE(inner);
  CHECK(emit_kernel(kernel(*inner, 0), m.target, "k", {}).error().code == "parallel-not-outermost");
  WeightPool pool(size_t{1} << 20);
  LoadedModule first(m, pool), second(*inner, pool);
  Team team(1);
  CHECK(compare_times(first, second, team, {.pairs = 1, .seconds = 0.001, .limit_seconds = 0.01}).second_us > 0);
}
