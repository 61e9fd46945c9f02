// fork, a pipe for the text, poll for the limit.
#include "tools/tune/forked.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <exception>

#include "ir/diag.h"

namespace nasc {
namespace {

enum Status { kDone = 0, kThrew = 1 };

void write_all(int fd, const std::string& bytes) {
  for (size_t at = 0; at < bytes.size();) {
    ssize_t n = write(fd, bytes.data() + at, bytes.size() - at);
    if (n < 0 && errno == EINTR)
      continue;
    if (n <= 0)
      _exit(kThrew);
    at += static_cast<size_t>(n);
  }
}

[[noreturn]] void child(int fd, pid_t parent, const std::function<std::string()>& work) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent)
    _exit(kThrew);
  sigset_t all;
  sigfillset(&all);
  sigprocmask(SIG_UNBLOCK, &all, nullptr);
  int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
  dup2(null, STDOUT_FILENO);
  dup2(null, STDERR_FILENO); // what a crashing library prints about itself
  Status status = kThrew;
  std::string out;
  try {
    out = work();
    status = kDone;
  } catch (const std::exception& error) {
    out = error.what();
  } catch (...) {
    out = "unknown exception";
  }
  write_all(fd, out);
  _exit(status);
}

} // namespace

Forked run_forked(const std::function<std::string()>& work, double seconds) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0)
    return {false, "no pipe"};
  pid_t parent = getpid(), pid = fork();
  if (pid == 0) {
    close(ends[0]);
    child(ends[1], parent, work);
  }
  close(ends[1]);
  if (pid < 0) {
    close(ends[0]);
    return {false, "cannot fork"};
  }
  Forked out;
  auto begin = std::chrono::steady_clock::now();
  bool late = false;
  for (bool open = true; open && !late;) {
    double spent = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    late = spent >= seconds;
    pollfd wait{ends[0], POLLIN, 0};
    int ready = late ? 0 : poll(&wait, 1, static_cast<int>((seconds - spent) * 1e3) + 1);
    if (ready <= 0)
      continue;
    char block[4096];
    ssize_t n = read(ends[0], block, sizeof block);
    if (n > 0)
      out.text.append(block, static_cast<size_t>(n));
    else if (n == 0 || errno != EINTR)
      open = false;
  }
  close(ends[0]);
  if (late)
    kill(pid, SIGKILL);
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (late)
    return {false, text("timed out after ", seconds, " s")};
  if (WIFSIGNALED(status))
    return {false, text("crashed by signal ", WTERMSIG(status))};
  out.ok = WIFEXITED(status) && WEXITSTATUS(status) == kDone;
  if (!out.ok && out.text.empty())
    out.text = text("ended with exit code ", WEXITSTATUS(status));
  return out;
}

} // namespace nasc
