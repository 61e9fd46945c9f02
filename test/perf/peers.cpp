// perf_peers [--peer NAME].. [--python PATH] [--work DIR] [--keep] [--seconds S] [--tuned TIME] MODEL..: compiles networks
// of the zoo with default flags, and tuned for TIME; times them and the peers by turns on one and on two pinned threads,
// and prints the ratios.
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
#include <functional>
#include <memory>
#include <sstream>
#include <thread>

#include "runtime/measure.h"
#include "runtime/model.h"
#include "test/perf/child.h"
#include "test/zoo/zoo.h"
#include "tools/run_inputs.h"

using namespace nasc;
using namespace nasc::test;
namespace fs = std::filesystem;

namespace {
constexpr double kBoth = 0.65;  // of the time of one thread: a peer's slower sample of two had no second processor
using Clock = std::chrono::steady_clock;
double seconds_since(Clock::time_point t) { return std::chrono::duration<double>(Clock::now() - t).count(); }

struct Settings {
  std::string python = "python3", work = "perf_peers.tmp", binaries, tuned;
  bool keep = false, no_peer = false;
  double seconds = 8;
  std::vector<std::string> models, flags, peers = {"onnxruntime"};
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

// What runs by turns.
struct Side {
  std::string name;
  bool ours = false;
  double mb = 0;  // at run time
  std::function<std::vector<double>(int threads, int calls)> time = {};  // milliseconds
  std::vector<double> all[3] = {};                                       // by threads
  int calls = 0, dropped = 0;

  void turn(int threads) {
    constexpr double kTurn = 250;  // milliseconds
    constexpr std::chrono::milliseconds kSpins(200);  // that a peer's threads may wait for more work without sleeping
    if (calls == 0) calls = std::clamp(static_cast<int>(kTurn / std::ranges::min(time(1, 1))), 1, 200);
    std::vector<double> ms = time(threads, calls);
    all[threads].insert(all[threads].end(), ms.begin(), ms.end());
    if (!ours && threads > 1) std::this_thread::sleep_for(kSpins);
  }
  void drop_lonely() {
    if (ours || all[1].empty()) return;
    double limit = kBoth * std::ranges::min(all[1]);
    dropped = static_cast<int>(std::erase_if(all[2], [&](double ms) { return ms > limit; }));
  }
  double least(int threads) const { return all[threads].empty() ? 0 : summary(all[threads]).min_ms; }
  std::string text(int threads) const {
    if (all[threads].empty()) return "-";
    Timing t = summary(all[threads]);
    return fmt::format("{:.2f} ({:.2f})", t.min_ms, t.median_ms);
  }
};

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
  double mb() const {
    return static_cast<double>(std::max<int64_t>(model.info().arena_bytes, 0) + model.info().state_bytes) / (1 << 20);
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
Side side_of(const std::string& name, const std::string& so, int most) {
  auto library = std::make_shared<Library>(so, most);
  return {.name = name, .ours = true, .mb = library->mb(),
          .time = [library](int threads, int calls) { return library->time(threads, calls); }};
}

// peer_NAME.py, which says `ready VERSION MB`; without a time when it cannot run here.
Side side_of_peer(const std::string& name, const Settings& o, const std::string& onnx, int most) {
  std::vector<std::string> command = {o.python, std::string(NASC_SOURCE_DIR) + "/test/perf/peer_" + name + ".py", onnx, "1"};
  if (most == 2) command.push_back("2");
  auto child = std::make_shared<Child>(command);
  std::string said = child->ask(""), word, version;
  std::istringstream ready(said);
  Side side{.name = name, .ours = false};
  if (!(ready >> word >> version >> side.mb) || word != "ready") {
    fprintf(stderr, "skipped: %s cannot run %s here\n", name.c_str(), onnx.c_str());
    return side;
  }
  side.name += " " + version;
  side.time = [child](int threads, int calls) {
    std::istringstream in(child->ask(text("run ", threads, " ", calls)));
    std::vector<double> ms;
    for (double v; in >> v;) ms.push_back(v);
    if (ms.empty()) throw UserError(code::failure, "peer", "ended");
    return ms;
  };
  return side;
}

struct Row {
  std::string model;
  double compile_s = 0, compile_mb = 0, model_mb = 0;
  std::vector<Side> sides = {};  // nasc first, then tuned, then as in the settings; those without samples are absent
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

Row measure_model(const std::string& name, const Settings& o) {
  Row row{.model = name, .compile_s = 0};
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
  std::vector<Side> peers;
  if (!o.no_peer)
    for (const std::string& peer : o.peers) peers.push_back(side_of_peer(peer, o, onnx, most));
  row.sides.push_back(side_of("nasc", so, most));
  if (!o.tuned.empty()) row.sides.push_back(side_of("nasc --tune=" + o.tuned, tuned, most));
  std::ranges::move(peers, std::back_inserter(row.sides));
  pin_team(cpus);
  auto start = Clock::now();
  for (int pass = 0; pass < 3 || seconds_since(start) < o.seconds; ++pass)
    for (int t = 1; t <= most; ++t)
      for (Side& side : row.sides)
        if (side.time) side.turn(t);
  pin(0, cpus);
  for (Side& side : row.sides) {
    side.drop_lonely();
    side.time = {};  // the network goes
  }
  return row;
}

void print_rows(const std::vector<Row>& rows) {
  if (rows.empty()) return;
  fmt::print("\n{}, {} processors; batch 1; minimum (median) ms, ratio of minima\n", cpu_name(), processors().size());
  auto ratio = [](double a, double b) { return a > 0 && b > 0 ? fmt::format("{:.2f}", a / b) : "-"; };
  for (size_t k = 1; k < rows[0].sides.size(); ++k) {
    std::string name;
    for (const Row& r : rows)
      if (name.empty() || !r.sides[k].all[1].empty()) name = r.sides[k].name;
    fmt::print("\n{}\n{:<22} {:<18} {:<18} {:>6}  {:<18} {:<18} {:>6}\n", name, "model", "nasc T1", "other T1", "ratio",
               "nasc T2", "other T2", "ratio");
    for (const Row& r : rows) {
      const Side &ours = r.sides[0], &other = r.sides[k];
      fmt::print("{:<22} {:<18} {:<18} {:>6}  {:<18} {:<18} {:>6}{}\n", r.model, ours.text(1), other.text(1),
                 ratio(other.least(1), ours.least(1)), ours.text(2), other.text(2), ratio(other.least(2), ours.least(2)),
                 other.dropped ? fmt::format("  {} samples of two threads dropped", other.dropped) : "");
    }
  }
  fmt::print("\n{:<22} {:>9} {:>9} {:>9} {:>9}", "model", "compile s", "peak MB", "model MB", "run MB");
  for (size_t k = 1; k < rows[0].sides.size(); ++k)
    fmt::print(" {:>{}}", rows[0].sides[k].name + " MB", std::max<size_t>(9, rows[0].sides[k].name.size() + 3));
  fmt::print("\n");
  for (const Row& r : rows) {
    fmt::print("{:<22} {:>9.2f} {:>9.0f} {:>9.1f} {:>9.1f}", r.model, r.compile_s, r.compile_mb, r.model_mb, r.sides[0].mb);
    for (size_t k = 1; k < r.sides.size(); ++k)
      fmt::print(" {:>{}.1f}", r.sides[k].mb, std::max<size_t>(9, rows[0].sides[k].name.size() + 3));
    fmt::print("\n");
  }
}
}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Times compiled networks of the zoo beside other compilers and runtimes.", "perf_peers");
  Settings o;
  o.binaries = fs::path(argv[0]).parent_path().string();
  app.add_option("MODELS", o.models, "networks of the zoo")->required();
  app.add_option("--peer", o.peers, "onnxruntime, openvino, torch, tvm: peer_NAME.py; repeatable")->capture_default_str();
  app.add_option("--python", o.python, "an interpreter that has the peers and numpy");
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
  for (const auto& name : o.models) try {
      rows.push_back(measure_model(name, o));
    } catch (const UserError& e) {
      fprintf(stderr, "%s\n", e.line().c_str());
    }
  print_rows(rows);
  return rows.size() == o.models.size() ? 0 : 1;
}
