// The programs as users call them.
#include <catch2/catch.hpp>
#include <csignal>
#include <fstream>
#include <thread>

#include "test/support/process.h"

using namespace nasc;
namespace fs = std::filesystem;

namespace {

// A folder with one small model in it.
struct Workplace : TemporaryFolder {
  std::string model = *this / "model.onnx";
  explicit Workplace(const char* zoo = "tiny-mnist") {
    Ran made = run_program({NASC_ZOO, zoo, "-o", model}, path.string());
    INFO(made.out);
    REQUIRE(made.exit == 0);
  }
  Ran nasc(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), NASC);
    return run_program(arguments, path.string());
  }
  Ran nasc_run(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), NASC_RUN);
    return run_program(arguments, path.string());
  }
};

} // namespace

TEST_CASE("nasc: the default output is the model's name in the current folder, with a header") {
  Workplace w;
  Ran ran = w.nasc({"model.onnx"});
  INFO(ran.out);
  CHECK(ran.exit == 0);
  CHECK(ran.out.empty());
  CHECK(fs::exists(w / "model.so"));
  CHECK(fs::exists(w / "model.h"));
  CHECK(w.entries() == 3);
}

TEST_CASE("nasc: equal commands write equal bytes, whatever the number of workers") {
  Workplace w;
  REQUIRE(w.nasc({"model.onnx", "-j1", "-o", "x.so"}).exit == 0);
  std::string first = file_content(w / "x.so");
  REQUIRE(w.nasc({"model.onnx", "-j3", "-o", "x.so"}).exit == 0);
  CHECK(file_content(w / "x.so") == first);
}

TEST_CASE("nasc: a plan is replayed to the same library") {
  Workplace w;
  REQUIRE(w.nasc({"model.onnx", "--emit=lib,plan", "-o", "x.so"}).exit == 0);
  std::string first = file_content(w / "x.so");
  Ran ran = w.nasc({"model.onnx", "--plan", "x.plan", "-o", "x.so"});
  INFO(ran.out);
  CHECK(ran.exit == 0);
  CHECK(file_content(w / "x.so") == first);
}

TEST_CASE("nasc: every kind of output") {
  Workplace w;
  Ran ran =
      w.nasc({"model.onnx", "--emit=lib,obj,asm,llvm,nir,sched,plan,header,ptx", "-o", "all.so"});
  INFO(ran.out);
  REQUIRE(ran.exit == 0);
  for (const char* suffix : {".so", ".o", ".s", ".ll", ".nir", ".sched", ".plan", ".h", ".ptx"})
    CHECK(fs::file_size(w / (std::string("all") + suffix)) > 0);
}

TEST_CASE("nasc: dependency files, as make reads them") {
  Workplace w;
  Ran ran = w.nasc({"-MD", "-MF", "deps.mk", "-MP", "-o", "a b.so", "model.onnx"});
  INFO(ran.out);
  CHECK(ran.exit == 0);
  CHECK(file_content(w / "deps.mk") == "a\\ b.so: \\\n  model.onnx\n");
  CHECK(w.nasc({"-MD", "-o", "x.so", "model.onnx"}).exit == 0);
  CHECK(fs::exists(w / "x.d"));
}

TEST_CASE("nasc: mistakes in the command are error 64") {
  Workplace w;
  CHECK(w.nasc({"model.onnx", "--thraeds=2"}).out.find("did you mean --threads?") !=
        std::string::npos);
  CHECK(w.nasc({"model.onnx", "--thraeds=2"}).exit == 64);
  CHECK(w.nasc({}).exit == 64);
  CHECK(w.nasc({"model.onnx", "-O7"}).exit == 64);
  CHECK(w.nasc({"model.onnx", "-o", "model.onnx"}).exit == 64);
  CHECK(w.nasc({"model.onnx", "-o", "./model.onnx", "--emit=lib"}).exit == 64);
  CHECK(w.nasc({"model.onnx", "--prefix=1x"}).exit == 64);
  CHECK(w.nasc({"model.onnx", "--dim", "nobody=3"}).exit == 64);
  CHECK(w.nasc({"missing.onnx"}).exit == 66);
  CHECK(w.nasc({"model.onnx", "-o", "missing/x.so"}).exit == 73);
  CHECK(w.entries() == 1);
}

TEST_CASE("nasc: help, version and --check write nothing") {
  Workplace w;
  CHECK(w.nasc({"--help"}).exit == 0);
  CHECK(w.nasc({"--version"}).out.starts_with("nasc "));
  CHECK(w.nasc({"model.onnx", "--check"}).exit == 0);
  CHECK(w.entries() == 1);
}

TEST_CASE("nasc: a signal in the middle leaves nothing behind") {
  Workplace w("tiny-resnet");
  pid_t child = fork();
  if (child == 0) {
    if (!freopen("/dev/null", "w", stderr) || chdir(w.path.c_str()) != 0)
      _exit(126);
    execl(NASC, NASC, "model.onnx", "-j1", static_cast<char*>(nullptr));
    _exit(127);
  }
  for (int tries = 0; tries < 2000 && w.entries() < 2; ++tries)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  kill(child, SIGTERM);
  int status = 0;
  waitpid(child, &status, 0);
  CHECK((WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM));
  CHECK(w.entries() == 1);
}

TEST_CASE("nasc: the dump folder has every stage") {
  Workplace w;
  Ran ran = w.nasc({"model.onnx", "--dump-dir=dump", "--time-passes", "-v"});
  INFO(ran.out);
  REQUIRE(ran.exit == 0);
  for (const char* file : {"00-graph.txt", "10-program.nir", "20-schedule.sched", "30-plan.plan"})
    CHECK(fs::exists(fs::path(w / "dump") / file));
  CHECK(ran.out.find("schedule") != std::string::npos);
  CHECK(w.nasc({"model.onnx", "--plan", "dump/30-plan.plan"}).exit == 0);
}

TEST_CASE("nasc-run: run, bench, info and their mistakes") {
  Workplace w;
  REQUIRE(w.nasc({"model.onnx"}).exit == 0);
  Ran run = w.nasc_run({"run", "model.so", "--random", "--output-dir", "out"});
  INFO(run.out);
  CHECK(run.exit == 0);
  CHECK_FALSE(fs::is_empty(w / "out"));
  CHECK(w.nasc_run({"run", "model.so"}).exit == 64);
  Ran bench = w.nasc_run({"bench", "model.so", "--random", "--threads=1", "--repeat=2",
                          "--min-time=0", "--json=t.json"});
  INFO(bench.out);
  CHECK(bench.exit == 0);
  for (const char* key : {"min_ms", "median_ms", "p90_ms", "p99_ms", "threads", "repeat"})
    CHECK(file_content(w / "t.json").find(key) != std::string::npos);
  CHECK(w.nasc_run({"info", "model.so", "--json"}).out.find("\"weights_bytes\"") !=
        std::string::npos);
  CHECK(w.nasc_run({"info", "model.onnx"}).exit == 65);
  CHECK(w.nasc_run({"info", "missing.so"}).exit == 66);
  CHECK(w.nasc_run({"dance", "model.so"}).exit == 64);
}
