// Child processes by fork and exec.
#include "test/perf/child.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>

namespace nasc::test {
namespace {
[[noreturn]] void become(const std::vector<std::string>& command) {
  std::vector<char*> args;
  for (const auto& a : command) args.push_back(const_cast<char*>(a.c_str()));
  args.push_back(nullptr);
  execvp(args[0], args.data());
  _exit(127);
}
}  // namespace

Finished run_command(const std::vector<std::string>& command) {
  Finished out;
  int errors[2];
  if (pipe2(errors, O_CLOEXEC) != 0) return out;
  auto start = std::chrono::steady_clock::now();
  pid_t pid = fork();
  if (pid == 0) {
    dup2(errors[1], 2);
    close(errors[0]), close(errors[1]);
    become(command);
  }
  close(errors[1]);
  char bytes[4096];
  for (ssize_t n; (n = read(errors[0], bytes, sizeof bytes)) > 0;) out.errors.append(bytes, static_cast<size_t>(n));
  close(errors[0]);
  int status = 0;
  rusage usage{};
  if (pid > 0 && wait4(pid, &status, 0, &usage) == pid && WIFEXITED(status)) out.status = WEXITSTATUS(status);
  out.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  out.peak_mb = static_cast<double>(usage.ru_maxrss) / 1024;
  return out;
}

Child::Child(const std::vector<std::string>& command) {
  int to[2], from[2];
  if (pipe2(to, O_CLOEXEC) != 0 || pipe2(from, O_CLOEXEC) != 0) return;
  pid_ = fork();
  if (pid_ == 0) {
    dup2(to[0], 0), dup2(from[1], 1);
    for (int fd : {to[0], to[1], from[0], from[1]}) close(fd);
    become(command);
  }
  close(to[0]), close(from[1]);
  to_ = fdopen(to[1], "w");
  from_ = fdopen(from[0], "r");
}

Child::~Child() {
  if (to_) fclose(to_);
  if (from_) fclose(from_);
  if (pid_ > 0) waitpid(pid_, nullptr, 0);
}

std::string Child::ask(const std::string& line) {
  if (!line.empty() && to_) {
    fputs((line + "\n").c_str(), to_);
    fflush(to_);
  }
  std::string out;
  for (int c; from_ && (c = fgetc(from_)) != EOF && c != '\n';) out += static_cast<char>(c);
  return out;
}

}  // namespace nasc::test
