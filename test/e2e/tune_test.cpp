// Tuning that is killed again and again.
#include <signal.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <chrono>
#include <random>
#include <set>
#include <sstream>
#include <thread>

#include "test/support/process.h"

using namespace nasc;
namespace {

size_t whole_lines(const std::string& bytes) {
  return static_cast<size_t>(std::count(bytes.begin(), bytes.end(), '\n'));
}

void sleep_ms(int64_t ms) { std::this_thread::sleep_for(std::chrono::milliseconds(ms)); }

} // namespace

TEST_CASE("nasc --tune: killed 20 times, it loses at most the trial that was running") {
  TemporaryFolder w;
  std::string model = w / "model.onnx", journal = w / "j";
  REQUIRE(run_program({NASC_ZOO, "tiny-resnet", "-o", model}, w.path.string()).exit == 0);
  std::vector<std::string> command = {NASC,      model,  "-o",          w / "m.so", "--threads", "1",
                                      "--tune",  "--journal", journal, "--tuning-db", "none",   "-q"};
  std::mt19937 random(7);
  std::string before;
  int kills = 0;
  for (; kills < 20; ++kills) {
    pid_t child = start_program(command, w.path.string(), "/dev/null");
    // Until it measured something more, then some random time.
    bool ended = false;
    for (int k = 0; k < 6000 && !ended && whole_lines(file_content(journal)) <= whole_lines(before); ++k) {
      sleep_ms(5);
      int status = 0;
      ended = waitpid(child, &status, WNOHANG) == child;
    }
    if (ended)
      break; // everything is measured
    sleep_ms(std::uniform_int_distribution<int64_t>(0, 120)(random));
    kill(child, SIGKILL);
    int status = 0;
    waitpid(child, &status, 0);
    std::string now = file_content(journal);
    REQUIRE(now.starts_with(before.substr(0, before.rfind('\n') + 1))); // nothing whole is lost or changed
    CHECK(whole_lines(now) > whole_lines(before));
    before = now;
  }
  CHECK(kills == 20);
  command[6] = "--tune=1"; // at most one more
  Ran last = run_program(command, w.path.string());
  INFO(last.out);
  CHECK(last.exit == 0);
  std::string all = file_content(journal);
  CHECK(all.starts_with(before.substr(0, before.rfind('\n') + 1)));
  std::istringstream lines(all);
  std::set<std::string> distinct;
  size_t count = 0;
  for (std::string line; std::getline(lines, line); ++count)
    distinct.insert(line.substr(0, line.find("\"target\"")));
  CHECK(distinct.size() == count); // no trial was made twice
}

TEST_CASE("nasc-opt --explain: a table of all kernels, one kernel with its alternatives, no such kernel") {
  TemporaryFolder w;
  std::string model = w / "model.onnx";
  REQUIRE(run_program({NASC_ZOO, "tiny-mnist", "-o", model}, w.path.string()).exit == 0);
  Ran all = run_program({NASC_OPT, model, "--explain", "all"}, w.path.string());
  INFO(all.out);
  REQUIRE(all.exit == 0);
  CHECK_THAT(all.out, Catch::Contains("GFLOP/s") && Catch::Contains("MiB moved"));
  std::string first = all.out.substr(all.out.find('\n') + 1);
  first = first.substr(0, first.find('\n'));
  std::string kernel = first.substr(first.rfind(' ') + 1);
  Ran one = run_program({NASC_OPT, model, "--explain", kernel}, w.path.string());
  INFO(one.out);
  CHECK(one.exit == 0);
  CHECK_THAT(one.out, Catch::Contains("kernel " + kernel) && Catch::Contains("plan") && Catch::Contains("predicted") &&
                          Catch::Contains("% of the peak"));
  Ran none = run_program({NASC_OPT, model, "--explain", "nothing"}, w.path.string());
  CHECK(none.exit == 64);
  CHECK_THAT(none.out, Catch::Contains("there are: "));
}
