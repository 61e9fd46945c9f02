// Runs a program with limits and collects what it says.
#pragma once

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

namespace nasc {

struct Ran {
  int exit = -1; // exit status, -1 when it was killed
  int signal = 0;
  std::string out; // standard output and error together
  double seconds = 0;
  long resident_kib = 0; // at most
};

// A new folder in the temporary directory, gone with the object.
struct TemporaryFolder {
  std::filesystem::path path;
  TemporaryFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "nasc-test-XXXXXX").string();
    if (mkdtemp(name.data()))
      path = name;
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  std::string operator/(const std::string& name) const { return (path / name).string(); }
  size_t entries() const {
    return static_cast<size_t>(std::distance(std::filesystem::directory_iterator(path), {}));
  }
};

inline std::string file_content(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

// A child that writes standard output and error to `log`; an alarm ends it after so many seconds.
inline pid_t start_program(const std::vector<std::string>& arguments, const std::string& folder,
                           const std::string& log, unsigned seconds = 600) {
  pid_t child = fork();
  if (child != 0)
    return child;
  int fd = open(log.c_str(), O_CREAT | O_TRUNC | O_WRONLY, 0600);
  dup2(fd, 1);
  dup2(fd, 2);
  if (chdir(folder.c_str()) != 0)
    _exit(126);
  std::vector<char*> argv;
  for (const auto& a : arguments)
    argv.push_back(const_cast<char*>(a.c_str()));
  argv.push_back(nullptr);
  alarm(seconds);
  execv(argv[0], argv.data());
  _exit(127);
}

// `seconds`: it is killed after that many.
inline Ran run_program(const std::vector<std::string>& arguments, const std::string& folder,
                       unsigned seconds = 600) {
  std::string log = folder + "/.log-" + std::to_string(getpid());
  auto begin = std::chrono::steady_clock::now();
  pid_t child = start_program(arguments, folder, log, seconds);
  Ran ran;
  int status = 0;
  rusage usage{};
  wait4(child, &status, 0, &usage);
  ran.exit = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  ran.signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
  ran.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  ran.resident_kib = usage.ru_maxrss;
  ran.out = file_content(log);
  std::filesystem::remove(log);
  return ran;
}

} // namespace nasc
