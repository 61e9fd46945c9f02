// Broken and hostile files through the real programs: each ends in time, by a documented exit code,
// with one message, and leaves nothing behind.
#include <algorithm>
#include <catch2/catch.hpp>
#include <fstream>
#include <set>
#include <sstream>

#include "test/support/process.h"
#include "test/support/test_data.h"

using namespace nasc;
namespace fs = std::filesystem;

namespace {

struct Entry {
  std::string file, expected, wrong, names;
};

std::vector<Entry> manifest(const fs::path& folder) {
  std::vector<Entry> out;
  std::ifstream in(folder / "MANIFEST.tsv");
  std::string line;
  std::getline(in, line);
  while (std::getline(in, line)) {
    std::istringstream cells(line);
    Entry e;
    std::getline(cells, e.file, '\t');
    std::getline(cells, e.expected, '\t');
    std::getline(cells, e.wrong, '\t');
    std::getline(cells, e.names, '\t');
    out.push_back(e);
  }
  return out;
}

std::vector<std::string> split(std::string s, const std::string& at) {
  std::vector<std::string> out;
  for (size_t k; (k = s.find(at)) != std::string::npos; s = s.substr(k + at.size()))
    out.push_back(s.substr(0, k));
  out.push_back(s);
  return out;
}

// `strides, node conv_0`: both; `node a or node b`: one; `the file`: its name, which every message
// has.
bool names_it(const std::string& message, const std::string& wanted) {
  for (const std::string& all : split(wanted, ", ")) {
    bool any = false;
    for (std::string one : split(all, " or ")) {
      for (const char* kind : {"node ", "function "})
        if (one.starts_with(kind))
          one = one.substr(std::string(kind).size());
      any = any || one.starts_with("the ") || message.find(one) != std::string::npos;
    }
    if (!any)
      return false;
  }
  return true;
}

const std::set<int> kRefusals = {65, 66, 69, 71, 77};
constexpr unsigned kSeconds = 10;
#if defined(__SANITIZE_ADDRESS__)
constexpr long kResidentKib = 2 << 20;
#else
constexpr long kResidentKib = 1 << 20;
#endif

void check_limits(const Ran& ran) {
  CHECK(ran.signal == 0);
  CHECK(ran.exit != 70);
  CHECK(ran.seconds < kSeconds);
  CHECK(ran.resident_kib < kResidentKib);
}

} // namespace

TEST_CASE("malformed: every file of the manifest ends as it should") {
  auto folder = test_data("malformed");
  if (!folder)
    return;
  for (const Entry& e : manifest(*folder)) {
    INFO(e.file << ": " << e.wrong);
    bool by_run = e.file.starts_with("run-");
    TemporaryFolder work;
    std::string model = (*folder / e.file).string(), library = work / "out.so";
    Ran ran =
        run_program({NASC, "-O1", model, "-o", library, "-j1"}, work.path.string(), kSeconds + 5);
    INFO(ran.out);
    check_limits(ran);
    bool compiled = ran.exit == 0;
    if (compiled) {
      CHECK(fs::exists(library));
      std::string data = (fs::path(model).parent_path() / "test_data_set_0").string();
      std::vector<std::string> command = {NASC_RUN,   "run",          library,
                                          "--random", "--output-dir", work / "results"};
      if (by_run)
        command = {NASC_RUN, "compare", library, "--data", data};
      Ran second = run_program(command, work.path.string(), kSeconds + 5);
      INFO(second.out);
      check_limits(second);
      if (by_run && e.expected == "error") {
        CHECK(kRefusals.contains(second.exit));
        CHECK(second.out.find(e.names == "the file" ? "input_0.pb" : e.names) != std::string::npos);
        continue;
      }
      // stored outputs need not be there
      CHECK((second.exit == 0 || second.out.find("give --dim") != std::string::npos ||
             (by_run && second.out.find("reference") != std::string::npos)));
      CHECK(e.expected != "error");
      continue;
    }
    CHECK(e.expected != "ok");
    CHECK_FALSE(by_run);
    CHECK(kRefusals.contains(ran.exit));
    CHECK(work.entries() == 0);
    CHECK(ran.out.find("[NASC") != std::string::npos);
    CHECK(std::count(ran.out.begin(), ran.out.end(), '\n') >= 1);
    CHECK(ran.out.find(fs::path(e.file).filename().string()) != std::string::npos);
    CHECK(names_it(ran.out, e.names));
  }
}
