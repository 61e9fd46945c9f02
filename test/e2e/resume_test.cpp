// A neural search of a real network that is killed again and again ends as the one that nobody
// disturbed.
#include <signal.h>

#include <catch2/catch.hpp>
#include <chrono>
#include <cstdio>
#include <regex>
#include <sstream>
#include <thread>

#include "test/support/process.h"

using namespace nasc;
namespace {

// Where it is killed: as soon as a file has so many lines with a word in them.
struct Point {
  const char* name;
  const char* file;
  const char* word;
  size_t lines;
};
constexpr unsigned kLimit = 3000; // seconds of a search, on a machine that has other things to do, too
constexpr Point kPoints[] = {{"the table of sensitivities", "j.verdicts", "|sensitivity|", 3},
                             {"the free checks", "j", "", 20},
                             {"the judges", "j.verdicts", "|judge|", 1}};

size_t lines_with(const std::string& bytes, const std::string& word) {
  size_t count = 0;
  for (size_t at = 0, end; (end = bytes.find('\n', at)) != std::string::npos; at = end + 1)
    count += std::string_view(bytes).substr(at, end - at).find(word) != std::string_view::npos;
  return count;
}

std::vector<std::string> command(const TemporaryFolder& place, const std::string& network) {
  return {NASC,          place / (network + ".onnx"),
          "-o",          place / "x.so",
          "--neural",    "--no-measure",
          "--budget=60", "--seed=3",
          "--journal",   place / "j"};
}

// True when it was killed at the point and not over before.
bool killed_at(const TemporaryFolder& place, const std::string& network, const Point& point) {
  pid_t child = start_program(command(place, network), place.path.string(), place / "log", kLimit);
  int status = 0;
  while (waitpid(child, &status, WNOHANG) == 0) {
    if (lines_with(file_content(place / point.file), point.word) >= point.lines)
      kill(child, SIGKILL);
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
}

std::string line_with(const std::string& text, const std::string& word) {
  size_t at = text.find(word);
  return at == std::string::npos ? "" : text.substr(at, text.find('\n', at) - at);
}
std::vector<std::string> without_times(const std::string& journal) {
  std::vector<std::string> out;
  std::stringstream lines(journal);
  for (std::string line; std::getline(lines, line);)
    out.push_back(std::regex_replace(line, std::regex("\"seconds\":[^,}]*"), ""));
  return out;
}
} // namespace

// NASC_RESUME_NETWORKS: names of nasc-zoo, comma separated.
TEST_CASE(
    "nasc --neural: searches of real networks that are killed three times end in the same library",
    "[.resume]") {
  const char* given = std::getenv("NASC_RESUME_NETWORKS");
  std::stringstream networks(given ? given : "resnet34-cifar,resnext29-2x64d-cifar");
  for (std::string network; std::getline(networks, network, ',');) {
    TemporaryFolder whole, cut;
    auto begin = std::chrono::steady_clock::now();
    auto seconds = [&] {
      return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    };
    for (const TemporaryFolder* place : {&whole, &cut})
      REQUIRE(
          run_program({NASC_ZOO, network, "-o", *place / (network + ".onnx")}, place->path.string())
              .exit == 0);
    Ran once = run_program(command(whole, network), whole.path.string(), kLimit);
    INFO(once.out);
    REQUIRE(once.exit == 0);
    std::printf("%s: undisturbed %.1f s, %s\n", network.c_str(), seconds(),
                line_with(once.out, "winner").c_str());
    for (const Point& point : kPoints) {
      begin = std::chrono::steady_clock::now();
      bool killed = killed_at(cut, network, point);
      std::string journal = file_content(cut / "j"), verdicts = file_content(cut / "j.verdicts");
      std::printf("  %s in %s after %.1f s: %zu candidates, %zu verdicts\n",
                  killed ? "killed" : "not killed", point.name, seconds(),
                  lines_with(journal, "\"dna\""), lines_with(verdicts, ""));
      CHECK(killed);
    }
    begin = std::chrono::steady_clock::now();
    Ran last = run_program(command(cut, network), cut.path.string(), kLimit);
    INFO(last.out);
    REQUIRE(last.exit == 0);
    CHECK(line_with(last.out, "winner") == line_with(once.out, "winner"));
    bool same = file_content(cut / "x.so") == file_content(whole / "x.so");
    CHECK(same);
    bool same_journal =
        without_times(file_content(cut / "j")) == without_times(file_content(whole / "j"));
    CHECK(same_journal);
    std::printf("  resumed to its end in %.1f s: %s, the library is %s\n", seconds(),
                line_with(last.out, "winner").c_str(), same ? "the same" : "ANOTHER");
  }
}
