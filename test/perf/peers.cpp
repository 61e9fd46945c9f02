// perf_peers [--python PATH] [--work DIR] [--keep] [--seconds S] [--tuned TIME] MODEL..: compiles networks of the zoo
// with default flags, and tuned for TIME; times them and ONNX Runtime by turns on one and on two pinned threads, and
// prints the ratios.
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>

#include "runtime/measure.h"
#include "runtime/model.h"
#include "test/perf/child.h"
#include "test/zoo/zoo.h"
#include "tools/run_inputs.h"

using namespace nasc;
using namespace nasc::test;
namespace fs = std::filesystem;

namespace {
constexpr double kBoth = 0.65;  // of the time of one thread: a slower sample of two had no second processor
using Clock = std::chrono::steady_clock;
double seconds_since(Clock::time_point t) { return std::chrono::duration<double>(Clock::now() - t).count(); }

struct Settings {
  std::string python = "python3", work = "perf_peers.tmp", binaries, tuned;
  bool keep = false, no_peer = false;
  double seconds = 8;
  std::vector<std::string> models, flags;
};

std::vector<int> processors() {
  cpu_set_t set;
  std::vector<int> out;
  if (sched_getaffinity(0, sizeof set, &set) == 0)
    for (int k = 0; k < CPU_SETSIZE; ++k)
      if (CPU_ISSET(k, &set)) out.push_back(k);
  return out;
}
void pin(pid_t thread, const std::vector<int>& cpus) {
  cpu_set_t set;
  CPU_ZERO(&set);
  for (int k : cpus) CPU_SET(k, &set);
  sched_setaffinity(thread, sizeof set, &set);
}
// The calling thread on the first processor, the others in turn on the rest.
void pin_team(const std::vector<int>& cpus) {
  size_t next = 0, rest = std::max<size_t>(1, cpus.size() - 1);
  pid_t me = static_cast<pid_t>(syscall(SYS_gettid));
  for (const auto& entry : fs::directory_iterator("/proc/self/task")) {
    pid_t thread = static_cast<pid_t>(std::stoi(entry.path().filename()));
    if (thread != me) pin(thread, {cpus[cpus.size() - rest + next++ % rest]});
  }
  pin(0, {cpus[0]});
}

std::string cpu_name() {
  std::ifstream in("/proc/cpuinfo");
  for (std::string line; std::getline(in, line);)
    if (line.starts_with("model name")) return line.substr(line.find(':') + 2);
  return "unknown processor";
}

struct Row {
  std::string model;
  double compile_s = 0, compile_mb = 0, model_mb = 0, arena_mb = 0, peer_mb = 0;
  double ours[3] = {}, ours_median[3] = {}, peer[3] = {}, peer_median[3] = {};  // by threads; 0: none
  double tuned[3] = {}, tuned_median[3] = {};
  int dropped = 0;  // samples of two threads
};

struct Side {
  std::vector<double> all[3];
  void add(int threads, const std::vector<double>& ms) { all[threads].insert(all[threads].end(), ms.begin(), ms.end()); }
};
void summarise(const Side& side, double* least, double* median) {
  for (int t : {1, 2})
    if (!side.all[t].empty()) {
      Timing s = summary(side.all[t]);
      least[t] = s.min_ms, median[t] = s.median_ms;
    }
}

// A compiled network on one thread and on more.
struct Library {
  Model model;
  std::vector<HostTensor> inputs, outputs;
  std::vector<std::unique_ptr<Runner>> runners;  // by threads

  Library(const std::string& so, int most) : model(so) {
    inputs = make_inputs(model.info(), {.given = {}, .dims = {}, .random = true}, so);
    runners.resize(3);
    for (int t = 1; t <= most; ++t) {
      runners[t] = std::make_unique<Runner>(model, RunnerOptions{.threads = t});
      if (outputs.empty()) outputs = runners[t]->make_outputs(inputs);
      runners[t]->run_into(inputs, outputs);
    }
  }
  std::vector<double> time(int threads, int calls) {
    std::vector<double> ms;
    for (int k = 0; k < calls; ++k) {
      auto start = Clock::now();
      runners[threads]->run_into(inputs, outputs);
      ms.push_back(1e3 * seconds_since(start));
    }
    return ms;
  }
};

Finished compiled(const std::string& name, const Settings& o, const std::string& onnx, const std::string& so,
                  const std::vector<std::string>& more) {
  std::vector<std::string> command = {o.binaries + "/nasc", onnx, "-o", so, "-q"};
  command.insert(command.end(), o.flags.begin(), o.flags.end());
  command.insert(command.end(), more.begin(), more.end());
  Finished f = run_command(command);
  if (f.status != 0) throw UserError(code::no_input, name, "nasc failed: " + f.errors);
  return f;
}

Row measure_model(const std::string& name, const Settings& o, std::string& peer_version) {
  Row row{.model = name};
  std::string onnx = o.work + "/" + name + ".onnx", so = o.work + "/" + name + ".so", tuned = o.work + "/" + name + ".tuned.so";
  if (!fs::exists(onnx)) std::ofstream(onnx, std::ios::binary) << zoo_model(name, {});
  row.model_mb = static_cast<double>(fs::file_size(onnx)) / (1 << 20);
  if (!o.keep || !fs::exists(so)) {
    Finished f = compiled(name, o, onnx, so, {});
    row.compile_s = f.seconds, row.compile_mb = f.peak_mb;
  }
  if (!o.tuned.empty() && (!o.keep || !fs::exists(tuned)))
    compiled(name, o, onnx, tuned, {"--tune=" + o.tuned, "--tuning-db=none"});
  std::vector<int> cpus = processors();
  int most = cpus.size() >= 2 ? 2 : 1;
  std::unique_ptr<Child> peer;
  if (!o.no_peer) {
    std::vector<std::string> command = {o.python, std::string(NASC_SOURCE_DIR) + "/test/perf/peer_onnxruntime.py", onnx, "1"};
    if (most == 2) command.push_back("2");
    peer = std::make_unique<Child>(command);
    std::istringstream ready(peer->ask(""));
    std::string word;
    if (!(ready >> word >> peer_version >> row.peer_mb) || word != "ready") {
      fprintf(stderr, "skipped: %s has no ONNX Runtime\n", o.python.c_str());
      peer.reset();
    }
  }
  Library library(so, most);
  row.arena_mb = static_cast<double>(std::max<int64_t>(library.model.info().arena_bytes, 0) + library.model.info().state_bytes) / (1 << 20);
  std::unique_ptr<Library> other;
  if (!o.tuned.empty()) other = std::make_unique<Library>(tuned, most);
  pin_team(cpus);
  auto time_peer = [&](int threads, int calls) {
    std::istringstream in(peer->ask(text("run ", threads, " ", calls)));
    std::vector<double> ms;
    for (double v; in >> v;) ms.push_back(v);
    return ms;
  };
  Side ours, theirs, tuneds;
  std::vector<double> first = library.time(1, 3);
  double one = *std::ranges::min_element(first);
  int calls = std::clamp(static_cast<int>(250 / one), 3, 200);  // a quarter of a second by turns
  auto start = Clock::now();
  for (int pass = 0; pass < 3 || seconds_since(start) < o.seconds; ++pass)
    for (int t = 1; t <= most; ++t) {
      ours.add(t, library.time(t, calls));
      if (other) tuneds.add(t, other->time(t, calls));
      if (peer) theirs.add(t, time_peer(t, calls));
    }
  pin(0, cpus);
  if (!theirs.all[1].empty()) {
    double limit = kBoth * *std::ranges::min_element(theirs.all[1]);
    row.dropped = static_cast<int>(std::erase_if(theirs.all[2], [&](double ms) { return ms > limit; }));
  }
  summarise(ours, row.ours, row.ours_median);
  summarise(theirs, row.peer, row.peer_median);
  summarise(tuneds, row.tuned, row.tuned_median);
  return row;
}

std::string time_text(double least, double median) {
  return least > 0 ? fmt::format("{:.2f} ({:.2f})", least, median) : "-";
}
std::string ratio_text(double a, double b) { return a > 0 && b > 0 ? fmt::format("{:.2f}", a / b) : "-"; }

void print_rows(const std::vector<Row>& rows, const std::string& peer_version) {
  printf("\n%s, %zu processors; ONNX Runtime %s; batch 1; minimum (median) ms, ratio of minima\n", cpu_name().c_str(),
         processors().size(), peer_version.empty() ? "absent" : peer_version.c_str());
  printf("%-20s %-17s %-17s %6s  %-17s %-17s %6s %8s %8s %8s %8s %8s\n", "model", "nasc T1", "ORT T1", "ratio", "nasc T2",
         "ORT T2", "ratio", "compile", "MB peak", "model MB", "run MB", "ORT MB");
  for (const Row& r : rows)
    printf("%-20s %-17s %-17s %6s  %-17s %-17s %6s %7.2fs %8.0f %8.1f %8.1f %8.1f%s\n", r.model.c_str(),
           time_text(r.ours[1], r.ours_median[1]).c_str(), time_text(r.peer[1], r.peer_median[1]).c_str(),
           ratio_text(r.peer[1], r.ours[1]).c_str(), time_text(r.ours[2], r.ours_median[2]).c_str(),
           time_text(r.peer[2], r.peer_median[2]).c_str(), ratio_text(r.peer[2], r.ours[2]).c_str(), r.compile_s, r.compile_mb,
           r.model_mb, r.arena_mb, r.peer_mb, r.dropped ? text("  ", r.dropped, " ORT T2 samples dropped").c_str() : "");
  if (std::ranges::none_of(rows, [](const Row& r) { return r.tuned[1] > 0; })) return;
  printf("\nDefault against tuned code\n%-20s %-17s %-17s %6s  %-17s %-17s %6s\n", "model", "default T1", "tuned T1", "ratio",
         "default T2", "tuned T2", "ratio");
  for (const Row& r : rows)
    printf("%-20s %-17s %-17s %6s  %-17s %-17s %6s\n", r.model.c_str(), time_text(r.ours[1], r.ours_median[1]).c_str(),
           time_text(r.tuned[1], r.tuned_median[1]).c_str(), ratio_text(r.ours[1], r.tuned[1]).c_str(),
           time_text(r.ours[2], r.ours_median[2]).c_str(), time_text(r.tuned[2], r.tuned_median[2]).c_str(),
           ratio_text(r.ours[2], r.tuned[2]).c_str());
}
}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Times compiled networks of the zoo beside ONNX Runtime.", "perf_peers");
  Settings o;
  o.binaries = fs::path(argv[0]).parent_path().string();
  app.add_option("MODELS", o.models, "networks of the zoo")->required();
  app.add_option("--python", o.python, "an interpreter that has onnxruntime and numpy");
  app.add_option("--work", o.work, "folder for models and libraries");
  app.add_option("--seconds", o.seconds, "per network");
  app.add_option("--tuned", o.tuned, "time code tuned for so long (30s, 2m), too");
  app.add_option("--flag", o.flags, "of nasc; repeatable");
  app.add_flag("--keep", o.keep, "use libraries that exist");
  app.add_flag("--no-peer", o.no_peer, "time nasc only");
  CLI11_PARSE(app, argc, argv);
  std::signal(SIGPIPE, SIG_IGN);
  fs::create_directories(o.work);
  std::vector<Row> rows;
  std::string peer_version;
  for (const auto& name : o.models) try {
      rows.push_back(measure_model(name, o, peer_version));
    } catch (const UserError& e) {
      fprintf(stderr, "%s\n", e.line().c_str());
    }
  print_rows(rows, peer_version);
  return rows.size() == o.models.size() ? 0 : 1;
}
