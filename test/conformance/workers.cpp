// Children that run cases and report by pipes.
#include <poll.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <cstdlib>

#include "ir/diag.h"
#include "test/conformance/cases.h"

namespace nasc {
namespace {

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

struct Worker {
  pid_t child = -1;
  int pipe = -1;
  std::string unread;
  std::vector<size_t> cases; // still to be answered; the first one is running
};

// Runs in the child: a line `outcome seconds text` per case.
[[noreturn]] void serve(const std::vector<Case>& cases, const std::vector<size_t>& mine,
                        const SuiteOptions& o, int out) {
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  rlimit memory{static_cast<rlim_t>(o.case_bytes), static_cast<rlim_t>(o.case_bytes)};
  setrlimit(RLIMIT_AS, &memory);
#endif
  rlimit no_core{0, 0};
  setrlimit(RLIMIT_CORE, &no_core);
  for (size_t k : mine) {
    alarm(static_cast<unsigned>(std::ceil(o.case_seconds)));
    double begin = now();
    CaseResult r = run_case(cases[k], o);
    std::string line = text(static_cast<int>(r.outcome), " ", now() - begin, " ",
                            escaped(r.text).substr(0, 1000), "\n");
    for (size_t at = 0; at < line.size();) {
      ssize_t n = write(out, line.data() + at, line.size() - at);
      if (n < 0 && errno != EINTR)
        _exit(1);
      if (n > 0)
        at += static_cast<size_t>(n);
    }
  }
  _exit(0);
}

void start(Worker& w, const std::vector<Case>& cases, const SuiteOptions& o) {
  int fds[2];
  if (pipe(fds) != 0)
    throw UserError(code::io_error, "pipe", "cannot be made");
  std::fflush(nullptr);
  w.child = fork();
  if (w.child < 0)
    throw UserError(code::io_error, "fork", "failed");
  if (w.child == 0) {
    close(fds[0]);
    serve(cases, w.cases, o, fds[1]);
  }
  close(fds[1]);
  w.pipe = fds[0];
  w.unread.clear();
}

CaseResult parse_line(const std::string& line) {
  char* end = nullptr;
  long outcome = std::strtol(line.c_str(), &end, 10);
  double seconds = std::strtod(end, &end);
  return {static_cast<Outcome>(outcome), *end ? std::string(end + 1) : "", seconds};
}

std::string death(int status) {
  if (WIFSIGNALED(status))
    return WTERMSIG(status) == SIGALRM ? "time limit" : text("signal ", WTERMSIG(status));
  return text("exit ", WEXITSTATUS(status));
}

} // namespace

std::vector<CaseResult> run_suite(const std::vector<Case>& cases, const SuiteOptions& o) {
  std::vector<CaseResult> results(cases.size());
  std::vector<Worker> workers(static_cast<size_t>(std::max(1, o.jobs)));
  for (size_t k = 0; k < cases.size(); ++k)
    workers[k % workers.size()].cases.push_back(k);
  auto settle = [&](Worker& w, CaseResult r) {
    size_t k = w.cases.front();
    w.cases.erase(w.cases.begin());
    if (o.verbose || r.outcome == Outcome::failed || r.outcome == Outcome::crashed)
      std::printf("%-11s %7.2f s  %s  %s\n", name(r.outcome), r.seconds, cases[k].name.c_str(),
                  r.text.c_str());
    std::fflush(stdout);
    results[k] = std::move(r);
  };
  for (Worker& w : workers)
    if (!w.cases.empty())
      start(w, cases, o);
  for (;;) {
    std::vector<pollfd> wait;
    std::vector<Worker*> who;
    for (Worker& w : workers)
      if (w.pipe >= 0)
        wait.push_back({w.pipe, POLLIN, 0}), who.push_back(&w);
    if (wait.empty())
      return results;
    if (poll(wait.data(), wait.size(), -1) < 0)
      continue;
    for (size_t i = 0; i < wait.size(); ++i) {
      if (!wait[i].revents)
        continue;
      Worker& w = *who[i];
      char buffer[4096];
      ssize_t n = read(w.pipe, buffer, sizeof buffer);
      if (n > 0)
        w.unread.append(buffer, static_cast<size_t>(n));
      for (size_t end; (end = w.unread.find('\n')) != std::string::npos && !w.cases.empty();
           w.unread.erase(0, end + 1))
        settle(w, parse_line(w.unread.substr(0, end)));
      if (n > 0 || (n < 0 && errno == EINTR))
        continue;
      close(w.pipe);
      w.pipe = -1;
      int status = 0;
      waitpid(w.child, &status, 0);
      if (w.cases.empty())
        continue;
      settle(w, {Outcome::crashed, death(status), 0});
      if (!w.cases.empty())
        start(w, cases, o);
    }
  }
}

} // namespace nasc
