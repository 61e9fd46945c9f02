// nasc --neural as users call it: a winner, resumed searches, plans from journals.
#include <signal.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <chrono>
#include <thread>

#include "frontend/export.h"
#include "frontend/onnx.h"
#include "ir/host_tensor.h"
#include "test/support/process.h"

using namespace nasc;
namespace {

// A small network and a space with choices for it.
struct NeuralPlace : TemporaryFolder {
  std::string model = *this / "model.onnx";
  NeuralPlace() {
    REQUIRE(run_program({NASC_ZOO, "tiny-resnet", "-o", model}, path.string()).exit == 0);
    std::ofstream(*this / "s.space") << "on conv[groups=1, ci>=8] {\n  neural = oneof(keep, group(by=oneof(2, 4)), "
                                        "bottleneck(loop=ci, by=2), bottleneck(loop=co, by=2), seq1(groups=[1, 2]))\n}\n";
  }
  // Not measured: two searches are compared.
  std::vector<std::string> command(const std::string& output, const std::string& legality) const {
    return {NASC,         model,         "-o",          *this / output, "--no-measure",
            "--neural",   "--space",     *this / "s.space", "--budget=40",
            "--legality", legality,      "--seed=3",    "--journal",
            *this / "j"};
  }
  Ran search(const std::string& output, const std::string& legality, std::vector<std::string> more = {}) const {
    std::vector<std::string> all = command(output, legality);
    all.insert(all.end(), more.begin(), more.end());
    return run_program(all, path.string());
  }
};

size_t lines(const std::string& bytes) { return static_cast<size_t>(std::count(bytes.begin(), bytes.end(), '\n')); }

} // namespace

TEST_CASE("nasc --neural: a winner is compiled, journalled, reported and named in the library") {
  NeuralPlace w;
  Ran ran = w.search("x.so", "capacity,fisher:median", {"--report", w / "r.html"});
  INFO(ran.out);
  REQUIRE(ran.exit == 0);
  CHECK(ran.out.find("winner: candidate") != std::string::npos);
  CHECK(lines(file_content(w / "j")) > 10);
  std::string page = file_content(w / "r.html");
  CHECK(page.find("<svg") != std::string::npos);
  CHECK(page.find("Low trust") != std::string::npos);
  CHECK(page.find("src=") == std::string::npos); // self-contained
  for (const char* part : {"<h2>Stages</h2>", "free checks", "<h2>Judges</h2>", "fisher:median", "<h2>Layers</h2>",
                           "log Fisher ratio", "\xC2\xB1", "<h2>The winning plan</h2>", "groups", "Weights: those of the model", "strategy exact", "seed 3"}) {
    INFO(part);
    CHECK(page.find(part) != std::string::npos);
  }
  Ran info = run_program({NASC_RUN, "info", w / "x.so"}, w.path.string());
  CHECK(info.out.find("change what the model computes") != std::string::npos);
  CHECK(run_program({NASC_RUN, "run", w / "x.so", "--random"}, w.path.string()).exit == 0);
}

TEST_CASE("nasc --neural: accepted candidates are measured, once") {
  NeuralPlace w;
  std::vector<std::string> all = {NASC, w.model, "-o", w / "x.so", "--neural", "--space", w / "s.space", "--budget=40",
                                  "--legality=capacity", "--journal", w / "j"};
  Ran first = run_program(all, w.path.string());
  INFO(first.out);
  REQUIRE(first.exit == 0);
  bool faster = first.out.find("times as fast") != std::string::npos;
  CHECK(faster != (first.out.find("no accepted candidate is faster than the original, as measured") != std::string::npos));
  std::string wanted = file_content(w / "x.so"), verdicts = file_content(w / "j.verdicts");
  REQUIRE(run_program(all, w.path.string()).exit == 0);
  CHECK(file_content(w / "x.so") == wanted);
  CHECK(file_content(w / "j.verdicts") == verdicts);
}

TEST_CASE("nasc --neural: without an acceptable candidate the exact network is compiled") {
  NeuralPlace w;
  std::ofstream(w / "s.space") << "on conv { neural = oneof(keep) }\n";
  Ran ran = w.search("x.so", "capacity");
  INFO(ran.out);
  REQUIRE(ran.exit == 0);
  std::string warning = w.model + ": warning: no candidate was accepted: the exact network is compiled\n";
  CHECK(ran.out.ends_with(warning));
  CHECK(w.search("q.so", "capacity", {"-q"}).out == warning);
  CHECK(w.search("w.so", "capacity", {"-q", "-w"}).out.empty());
  REQUIRE(run_program({NASC, w.model, "-o", w / "y.so", "--prefix", "x"}, w.path.string()).exit == 0);
  Ran info = run_program({NASC_RUN, "info", w / "x.so"}, w.path.string());
  CHECK(info.out.find("change what the model computes") == std::string::npos);
}

TEST_CASE("nasc --neural: a search that is killed and resumed ends in the same winner") {
  NeuralPlace whole, cut;
  REQUIRE(whole.search("x.so", "capacity,fisher:paper").exit == 0);
  std::string wanted = file_content(whole / "x.so");
  for (size_t stop : {3, 12, 25}) {
    pid_t child = fork();
    if (child == 0) {
      int fd = open("/dev/null", O_RDWR);
      dup2(fd, 1), dup2(fd, 2);
      std::vector<std::string> command = cut.command("x.so", "capacity,fisher:paper");
      std::vector<char*> argv;
      for (std::string& a : command)
        argv.push_back(a.data());
      argv.push_back(nullptr);
      execv(argv[0], argv.data());
      _exit(127);
    }
    for (int k = 0; k < 5000 && lines(file_content(cut / "j")) < stop; ++k)
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
  }
  std::string journal = file_content(cut / "j");
  std::ofstream(cut / "j", std::ios::app) << "{\"n\": 99, torn";
  Ran ran = cut.search("x.so", "capacity,fisher:paper");
  INFO(ran.out);
  REQUIRE(ran.exit == 0);
  CHECK(file_content(cut / "j").starts_with(journal));
  CHECK(file_content(cut / "x.so") == wanted);
}

TEST_CASE("nasc --neural: a candidate of the journal compiles to the same bytes again, also by its plan") {
  NeuralPlace w;
  REQUIRE(w.search("x.so", "capacity").exit == 0);
  Ran ran = w.search("x.so", "capacity", {"--candidate=7", "--emit=lib,plan"});
  INFO(ran.out);
  REQUIRE(ran.exit == 0);
  std::string first = file_content(w / "x.so");
  REQUIRE(w.search("x.so", "capacity", {"--candidate=7"}).exit == 0);
  CHECK(file_content(w / "x.so") == first);
  Ran plan = run_program({NASC, w.model, "-o", w / "x.so", "--plan", w / "x.plan"}, w.path.string());
  INFO(plan.out);
  REQUIRE(plan.exit == 0);
  CHECK(file_content(w / "x.so") == first);
}

TEST_CASE("nasc --neural: the journal's default name has a hash of the model and of what is searched") {
  NeuralPlace w;
  auto journals = [&] {
    size_t n = 0;
    for (const auto& file : std::filesystem::directory_iterator(w.path)) {
      std::string name = file.path().filename().string();
      n += name.size() == std::string("x.so.0123456789abcdef.journal").size() && name.starts_with("x.so.") && name.ends_with(".journal");
    }
    return n;
  };
  auto search = [&](const std::string& model, const char* seed) {
    Ran ran = run_program({NASC, model, "-o", w / "x.so", "--neural", "--space", w / "s.space", "--budget=10", "--legality=capacity",
                           "--no-measure", "--seed", seed, "-q"},
                          w.path.string());
    INFO(ran.out);
    REQUIRE(ran.exit == 0);
  };
  search(w.model, "1"), search(w.model, "1");
  CHECK(journals() == 1);
  search(w.model, "2");
  CHECK(journals() == 2);
  Graph graph = read_onnx(w.model);
  graph.name = "other";
  std::ofstream(w / "other.onnx", std::ios::binary) << export_onnx(graph);
  search(w / "other.onnx", "1");
  CHECK(journals() == 3);
}

TEST_CASE("nasc --neural: --explain says what a candidate is and how far it came") {
  NeuralPlace w;
  Ran ran = w.search("x.so", "capacity,fisher:median", {"--report", w / "r.html"});
  REQUIRE(ran.exit == 0);
  std::string journal = file_content(w / "j");
  size_t winner = std::stoul(ran.out.substr(ran.out.find("winner: candidate ") + 18));
  std::filesystem::remove(w / "x.so");
  Ran won = w.search("x.so", "capacity,fisher:median", {"--explain", std::to_string(winner)});
  INFO(won.out);
  CHECK(won.exit == 0);
  for (const char* part : {": ok", "predicted_ms", "macs_ratio", "groups", "capacity: yes", "fisher:median: yes", "log Fisher ratio",
                           "accepted by all judges"})
    CHECK(won.out.find(part) != std::string::npos);
  CHECK_FALSE(std::filesystem::exists(w / "x.so"));
  CHECK(file_content(w / "j") == journal);
  size_t rejected = 0; // by a free check, with its reason
  for (size_t k = 1; k < lines(journal) && !rejected; ++k) {
    Ran one = w.search("x.so", "capacity,fisher:median", {"--explain", std::to_string(k)});
    REQUIRE(one.exit == 0);
    if (one.out.find("rejected by static, ") != std::string::npos)
      rejected = k;
  }
  CHECK(rejected > 0);
  CHECK(w.search("x.so", "capacity", {"--explain", "99"}).exit == 64);
}

TEST_CASE("nasc --neural: the exported network has a plan that fits it after further training") {
  NeuralPlace w;
  Ran ran = w.search("x.so", "capacity", {"--emit=lib,onnx,plan"});
  INFO(ran.out);
  REQUIRE(ran.exit == 0);
  Graph graph = read_onnx(w / "x.onnx");
  CHECK(graph.opset <= 17);
  uint32_t state = 1;
  for (Value& v : graph.values) {
    if (!v.constant || v.constant->dtype != DType::f32)
      continue;
    HostTensor t = host_tensor(v.constant->dtype, v.constant->shape, v.constant->payload);
    for (int64_t k = 0; k < t.count(); ++k)
      t.as<float>()[k] *= 1 + 1e-8f * static_cast<float>((state = state * 1664525u + 1013904223u) >> 8);
    v.constant->payload = payload_from(std::move(t.bytes));
  }
  std::ofstream(w / "tuned.onnx", std::ios::binary) << export_onnx(graph);
  auto compiled = [&](const char* model, const char* plan, const char* out) {
    return run_program({NASC, w / model, "--plan", w / plan, "-o", w / out, "--emit=lib,plan,obj"}, w.path.string());
  };
  Ran tuned = compiled("tuned.onnx", "x.onnx.plan", "tuned.so"), same = compiled("x.onnx", "x.onnx.plan", "same.so");
  INFO(tuned.out << same.out);
  REQUIRE(tuned.exit == 0);
  REQUIRE(same.exit == 0);
  CHECK(file_content(w / "tuned.plan") == file_content(w / "x.onnx.plan"));
  CHECK(file_content(w / "tuned.plan").find("kernel ") != std::string::npos);
  CHECK(file_content(w / "tuned.o") == file_content(w / "same.o"));
  CHECK(file_content(w / "tuned.so") != file_content(w / "same.so"));
  Ran other = compiled("tuned.onnx", "x.plan", "other.so");
  CHECK(other.exit == 65);
  CHECK(other.out.find("was made for another model") != std::string::npos);
}

TEST_CASE("nasc --neural --tune: accepted candidates are measured by tuned code, schedules are known at the end") {
  NeuralPlace w;
  std::vector<std::string> all = {NASC, w.model, "-o", w / "x.so", "--neural", "--space", w / "s.space", "--budget=40", "--tuning-db=none",
                                  "--legality=capacity", "--journal", w / "j", "--tune=12", "-v"};
  Ran ran = run_program(all, w.path.string());
  INFO(ran.out);
  REQUIRE(ran.exit == 0);
  CHECK(file_content(w / "j.verdicts").find("measured tuned;") != std::string::npos);
  CHECK(lines(file_content(w / "x.so.tune")) > 4);
  size_t known = ran.out.find(" known from ");
  REQUIRE(known != std::string::npos);
  CHECK(ran.out.substr(known - 2, 2) != " 0");
}

TEST_CASE("nasc --neural: spaces of schedules are not for it") {
  NeuralPlace w;
  Ran ran = run_program({NASC, w.model, "-o", w / "x.so", "--neural", "--space=builtin:schedule", "--legality=capacity"}, w.path.string());
  INFO(ran.out);
  CHECK(ran.exit == 64);
  CHECK(ran.out.find("--tune") != std::string::npos);
}
