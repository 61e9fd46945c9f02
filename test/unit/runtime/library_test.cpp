// Compiled libraries opened side by side with RTLD_LOCAL: one team for all, and the C++ wrapper.
#include <dlfcn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdlib>
#include <fstream>
#include <set>

#include "ir/diag.h"
#include "runtime/embed/abi.h"
#include "runtime/model.h"

using nasc::DType;
using nasc::HostTensor;
using nasc::Model;
using nasc::Runner;
using nasc::zeros;

#if defined(__SANITIZE_THREAD__)
#undef TINY_BITCODE  // the bitcode is not instrumented, so its synchronisation would not be seen
#define TINY_BITCODE TINY_ONE
#endif

namespace {

std::vector<HostTensor> inputs(int64_t n, int64_t reps = 2) {
  std::vector<HostTensor> in{zeros(DType::f32, {n, 4}), zeros(DType::f32, {n, 4}), zeros(DType::i64, {})};
  for (int64_t i = 0; i < 4 * n; ++i) in[0].as<float>()[i] = static_cast<float>(i % 3);
  in[2].as<int64_t>()[0] = reps;
  return in;
}

void check_outputs(const std::vector<HostTensor>& in, const std::vector<HostTensor>& out) {
  for (int64_t i = 0; i < out[0].count(); ++i) {
    auto w = static_cast<float>(i % 4 + 1);
    REQUIRE(out[0].as<float>()[i] == (in[0].as<float>()[i] + 2) * w + 10 * w);
  }
}

// Kernel thread ids of the last run of that library.
std::set<int64_t> team_of(const char* path) {
  void* library = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NOLOAD);
  REQUIRE(library);
  auto* ids = static_cast<int64_t*>(dlsym(library, "tiny_thread"));
  auto* n = static_cast<int32_t*>(dlsym(library, "tiny_team"));
  std::set<int64_t> out(ids, ids + *n);
  dlclose(library);
  return out;
}

}  // namespace

TEST_CASE("library: models opened RTLD_LOCAL share one team") {
  auto in = inputs(12);
  std::set<int64_t> first;
  for (const char* path : {TINY_ONE, TINY_TWO, TINY_BITCODE}) {
    Runner runner(Model(path), {.threads = 3});
    check_outputs(in, runner.run(in));
    auto team = team_of(path);
    CHECK(team.size() == 3);
    if (first.empty()) first = team;
    CHECK(team == first);
  }
}

// In a child each, so that the library that starts the threads is the first to be opened and closed.
TEST_CASE("library: the team outlives the library that started it") {
  for (auto [one, two] : {std::pair{TINY_ONE, TINY_BITCODE}, std::pair{TINY_BITCODE, TINY_TWO}}) {
    const char* command[] = {"/proc/self/exe", "library: open then close then open another", nullptr};
    pid_t child = fork();
    if (child == 0) {
      setenv("TINY_FIRST", one, 1);
      setenv("TINY_SECOND", two, 1);
      execv(command[0], const_cast<char**>(command));
      _exit(1);
    }
    int status = 1;
    waitpid(child, &status, 0);
    CHECK(status == 0);
  }
}

TEST_CASE("library: open then close then open another", "[.]") {
  auto in = inputs(12);
  for (const char* variable : {"TINY_FIRST", "TINY_SECOND", "TINY_FIRST"}) {
    const char* path = getenv(variable);
    REQUIRE(path);
    Runner runner(Model(path), {.threads = 3});
    for (int i = 0; i < 20; ++i) check_outputs(in, runner.run(in));
  }
}

TEST_CASE("model: outputs that depend on data are cut") {
  Runner runner(Model(TINY_BITCODE), {.threads = 2});
  auto in = inputs(3);
  auto out = runner.run(in);
  CHECK(out[0].shape == std::vector<int64_t>{3, 4});
  CHECK(out[1].shape == std::vector<int64_t>{8});
  CHECK(out[1].bytes.size() == 64);
  CHECK(runner.output_shapes(in)[1] == std::vector<int64_t>{12});
  auto none = runner.run(inputs(0));
  CHECK(none[0].count() == 0);
}

TEST_CASE("model: failures are user errors with the model's message") {
  Runner runner(Model(TINY_ONE), {});
  auto in = inputs(3);
  in[1] = zeros(DType::f32, {2, 4});
  CHECK_THROWS_WITH(runner.run(in), Catch::Contains("input 'b'"));
  in.pop_back();
  CHECK_THROWS_WITH(runner.run(in), Catch::Contains("3 inputs expected, 2 given"));
  CHECK_THROWS_WITH(runner.run(inputs(1, -1)), Catch::Contains("detail -1"));
  CHECK_THROWS_AS(Model("/nonexistent.so"), nasc::UserError);
  CHECK_THROWS_WITH(Runner(Model(TINY_ONE), {.threads = -2}), Catch::Contains("threads -2"));

  const std::string path = "not-a-model-" + std::to_string(getpid()) + ".so";
  std::ofstream(path) << "text";
  CHECK_THROWS_WITH(Model(path), Catch::Contains(path));
  unlink(path.c_str());
}

TEST_CASE("model: trace tells the steps") {
  std::vector<std::string> names;
  Runner runner(Model(TINY_TWO),
                {.threads = 2, .trace = [&](int, const char* name, double) { names.emplace_back(name); }});
  runner.run(inputs(2, 0));
  CHECK(names.back() == "positions");
  CHECK(runner.model().info().model == std::string("tiny"));
}
