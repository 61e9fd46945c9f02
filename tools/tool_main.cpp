// Limits by setrlimit and a watching thread; exceptions to exit codes.
#include "tools/tool_main.h"

#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <ctime>
#include <iostream>
#include <new>
#include <thread>

#include "ir/diag.h"
#include "ir/isl.h"
#include "tools/staging.h"

namespace nasc {
namespace {

std::string& limit_message() { // made ahead of time: the new handler must not allocate
  static auto* message = new std::string;
  return *message;
}

[[noreturn]] void end_with(const std::string& message, Exit exit) {
  remove_all_staging();
  if (::write(STDERR_FILENO, message.data(), message.size()) < 0)
    ::_exit(static_cast<int>(exit));
  ::_exit(static_cast<int>(exit));
}

[[noreturn]] void out_of_memory() { end_with(limit_message(), Exit::limit); }

[[noreturn]] void end_by(int signal) {
  remove_all_staging();
  sigset_t one;
  sigemptyset(&one);
  sigaddset(&one, signal);
  ::signal(signal, SIG_DFL);
  pthread_sigmask(SIG_UNBLOCK, &one, nullptr);
  ::kill(::getpid(), signal);
  ::_exit(128 + signal);
}

void watch(const std::string& tool, sigset_t signals, double seconds) {
  while (true) {
    int signal = 0;
    if (seconds > 0) {
      timespec wait{static_cast<time_t>(seconds),
                    static_cast<long>((seconds - std::floor(seconds)) * 1e9)};
      signal = sigtimedwait(&signals, nullptr, &wait);
      if (signal < 0 && errno == EAGAIN) {
        UserError error(code::limit, tool, text("stopped after ", seconds, " s (--max-time)"));
        end_with(error.line() + "\n", Exit::limit);
      }
    } else {
      signal = sigwaitinfo(&signals, nullptr);
    }
    if (signal > 0)
      end_by(signal);
  }
}

void limit_memory(int64_t bytes) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  (void)bytes; // shadow memory takes terabytes of address space
#else
  if (bytes == 0)
    bytes = static_cast<int64_t>(sysconf(_SC_PHYS_PAGES)) * sysconf(_SC_PAGESIZE) / 5 * 4;
  rlimit limit{};
  if (getrlimit(RLIMIT_AS, &limit) != 0)
    return;
  limit.rlim_cur = std::min(limit.rlim_max, static_cast<rlim_t>(bytes));
  setrlimit(RLIMIT_AS, &limit);
#endif
}

// Number and the rest of the text; -1 when it is no positive number.
std::pair<double, std::string> number(const std::string& text) {
  double value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || !(value >= 0) || value > 1e15)
    return {-1, ""};
  return {value, std::string(end, text.data() + text.size())};
}

struct Unit {
  const char* suffix;
  double factor;
};
double with_unit(const std::string& given, const std::string& flag, const std::vector<Unit>& units,
                 const char* example) {
  auto [value, suffix] = number(given);
  for (const Unit& unit : units)
    if (value >= 0 && suffix == unit.suffix && value * unit.factor < 9e18)
      return value * unit.factor;
  throw UserError(code::usage, flag, text("\"", escaped(given), "\" is no amount like ", example));
}

} // namespace

void start_limits(const std::string& tool, const ToolLimits& limits) {
  limit_message() = UserError(code::limit, tool, "out of memory (--max-memory)").line() + "\n";
  std::set_new_handler(out_of_memory);
  limit_memory(limits.memory_bytes);
  rlimit no_core{0, 0};
  setrlimit(RLIMIT_CORE, &no_core);
  sigset_t signals;
  sigemptyset(&signals);
  for (int s : {SIGINT, SIGTERM, SIGHUP})
    sigaddset(&signals, s);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::thread(watch, tool, signals, limits.seconds).detach();
}

int run_tool(const std::string& tool, const std::function<int()>& body) {
  auto internal = [&](const std::string& what) {
    std::cerr << tool << ": internal error: " << escaped(what)
              << "; please report this with the model and the command\n";
    return static_cast<int>(Exit::internal);
  };
  try {
    return body();
  } catch (const UserError& error) {
    std::cerr << error.line() << '\n';
    return static_cast<int>(error.code->exit);
  } catch (const std::bad_alloc&) {
    std::cerr << UserError(code::limit, tool, "out of memory").line() << '\n';
    return static_cast<int>(Exit::limit);
  } catch (const isl::exception_alloc&) {
    std::cerr << UserError(code::limit, tool, "out of memory").line() << '\n';
    return static_cast<int>(Exit::limit);
  } catch (const std::exception& error) {
    return internal(error.what());
  } catch (...) {
    return internal("unknown exception");
  }
}

int64_t parse_bytes(const std::string& given, const std::string& flag) {
  double k = 1024;
  return static_cast<int64_t>(with_unit(
      given, flag, {{"", 1}, {"K", k}, {"M", k * k}, {"G", k * k * k}, {"T", k * k * k * k}},
      "512M or 8G"));
}
double parse_seconds(const std::string& given, const std::string& flag) {
  return with_unit(given, flag, {{"", 1}, {"s", 1}, {"m", 60}, {"h", 3600}}, "90, 30m or 1h");
}

} // namespace nasc
