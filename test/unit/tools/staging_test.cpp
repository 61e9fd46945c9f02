// Outputs appear whole or not at all.
#include "tools/staging.h"

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <sstream>

#include "ir/diag.h"
#include "tools/tool_main.h"

using namespace nasc;
namespace fs = std::filesystem;

namespace {

struct Folder {
  fs::path path = fs::temp_directory_path() / ("nasc-staging-" + std::to_string(getpid()));
  Folder() { fs::create_directory(path); }
  ~Folder() { fs::remove_all(path); }
  std::string operator/(const std::string& name) const { return (path / name).string(); }
  size_t entries() const {
    return static_cast<size_t>(std::distance(fs::directory_iterator(path), {}));
  }
};

std::string content(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}
void write(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

} // namespace

TEST_CASE("staging: commit replaces all files") {
  Folder folder;
  write(folder / "a", "old");
  {
    Staging staging(folder.path.string());
    write(staging.path() + "/1", "new a");
    write(staging.path() + "/2", "new b");
    staging.publish(staging.path() + "/1", folder / "a");
    staging.publish(staging.path() + "/2", folder / "b");
    staging.commit();
  }
  CHECK(content(folder / "a") == "new a");
  CHECK(content(folder / "b") == "new b");
  CHECK(folder.entries() == 2);
}

TEST_CASE("staging: without commit nothing is left, old files stay") {
  Folder folder;
  write(folder / "a", "old");
  {
    Staging staging(folder.path.string());
    write(staging.path() + "/1", "new");
    staging.publish(staging.path() + "/1", folder / "a");
  }
  CHECK(content(folder / "a") == "old");
  CHECK(folder.entries() == 1);
}

TEST_CASE("staging: when one file cannot be placed, the earlier ones are put back") {
  Folder folder;
  write(folder / "a", "old");
  {
    Staging staging(folder.path.string());
    for (const char* n : {"1", "2", "3"})
      write(staging.path() + "/" + n, "new");
    staging.publish(staging.path() + "/1", folder / "a");
    staging.publish(staging.path() + "/2", folder / "b");
    staging.publish(staging.path() + "/3", folder / "missing/c");
    CHECK_THROWS_AS(staging.commit(), UserError);
  }
  CHECK(content(folder / "a") == "old");
  CHECK(folder.entries() == 1);
}

TEST_CASE("staging: a link at the output is replaced, not followed") {
  Folder folder;
  write(folder / "target", "precious");
  fs::create_symlink("target", folder / "out");
  write_atomically(folder / "out", "new");
  CHECK(content(folder / "target") == "precious");
  CHECK(content(folder / "out") == "new");
  CHECK_FALSE(fs::is_symlink(folder / "out"));
}

TEST_CASE("staging: an unwritable place is an error that names it") {
  CHECK_THROWS_WITH(Staging("/nonexistent/folder"), Catch::Contains("cannot be written"));
  Folder folder;
  fs::create_directory(folder / "dir");
  CHECK_THROWS_WITH(write_atomically(folder / "dir", "x"), Catch::Contains("is a directory"));
}

TEST_CASE("tool: SIGTERM and the time limit leave nothing behind") {
  Folder folder;
  for (bool by_signal : {true, false}) {
    pid_t child = fork();
    if (child == 0) {
      if (!freopen("/dev/null", "w", stderr))
        _exit(3);
      start_limits("test", {.memory_bytes = 0, .seconds = by_signal ? 60 : 0.2});
      Staging staging(folder.path.string());
      write(staging.path() + "/1", "new");
      if (by_signal)
        kill(getpid(), SIGTERM);
      for (;;)
        pause();
    }
    int status = 0;
    waitpid(child, &status, 0);
    if (by_signal)
      CHECK((WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM));
    else
      CHECK((WIFEXITED(status) && WEXITSTATUS(status) == static_cast<int>(Exit::limit)));
    CHECK(folder.entries() == 0);
  }
}

TEST_CASE("tool: exceptions become exit codes") {
  auto code_of = [](const std::function<int()>& f) {
    std::ostringstream sink;
    auto* old = std::cerr.rdbuf(sink.rdbuf());
    int code = run_tool("test", f);
    std::cerr.rdbuf(old);
    return std::pair(code, sink.str());
  };
  CHECK(code_of([] { return 7; }).first == 7);
  CHECK(code_of([]() -> int { throw UserError(code::bad_plan, "x", "y"); }).first == 65);
  CHECK(code_of([]() -> int { throw std::bad_alloc(); }).first == 71);
  auto [internal, message] = code_of([]() -> int { throw InternalError("a\nb"); });
  CHECK(internal == 70);
  CHECK(message.find("please report") != std::string::npos);
  CHECK(std::count(message.begin(), message.end(), '\n') == 1);
}

TEST_CASE("tool: amounts with units") {
  CHECK(parse_bytes("512M", "--x") == 512ll << 20);
  CHECK(parse_bytes("0", "--x") == 0);
  CHECK(parse_seconds("30m", "--x") == 1800);
  CHECK_THROWS_AS(parse_bytes("-1", "--x"), UserError);
  CHECK_THROWS_AS(parse_bytes("1X", "--x"), UserError);
  CHECK_THROWS_AS(parse_seconds("nan", "--x"), UserError);
}
