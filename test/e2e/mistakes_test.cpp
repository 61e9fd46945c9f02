// What users get wrong ends with the exit code of its kind, one clear line, and no output.
#include <algorithm>
#include <catch2/catch.hpp>
#include <fstream>

#include "test/support/process.h"

using namespace nasc;
namespace fs = std::filesystem;

namespace {

// A folder with a small model, its plan, and the outputs of an earlier compilation.
struct Workplace : TemporaryFolder {
  std::string header, library; // the plan up to its first section; the earlier library
  Workplace() {
    run({NASC_ZOO, "tiny-mnist", "-o", "model.onnx"});
    run({NASC_ZOO, "tiny-vgg", "-o", "other.onnx"});
    run({NASC, "model.onnx", "--emit=lib,plan,header", "-o", "model.so"});
    std::string plan = file_content(*this / "model.plan");
    header = plan.substr(0, plan.find("\nnetwork"));
    library = file_content(*this / "model.so");
    REQUIRE(!library.empty());
    REQUIRE(header.size() < plan.size());
  }
  void run(const std::vector<std::string>& arguments) const {
    Ran ran = run_program(arguments, path.string());
    INFO(ran.out);
    REQUIRE(ran.exit == 0);
  }
};

// `says`: words that the one line must have.
void check_mistake(const Workplace& w, std::vector<std::string> arguments, int exit,
                   const std::vector<std::string>& says) {
  size_t before = w.entries();
  arguments.insert(arguments.begin(), NASC);
  Ran ran = run_program(arguments, w.path.string());
  INFO(ran.out);
  CHECK(ran.exit == exit);
  CHECK(std::count(ran.out.begin(), ran.out.end(), '\n') == 1);
  CHECK(ran.out.size() < 1000);
  CHECK(ran.out.find(": error: ") != std::string::npos);
  CHECK(ran.out.find("[NASC0") != std::string::npos);
  for (const std::string& words : says) {
    INFO(words);
    CHECK(ran.out.find(words) != std::string::npos);
  }
  CHECK(w.entries() == before);
  CHECK(file_content(w / "model.so") == w.library);
}

} // namespace

TEST_CASE("mistakes: a plan that cannot be applied is 65, with the step and its refusal") {
  Workplace w;
  w.run({NASC, "model.onnx", "--dump-dir=dump", "-o", "dumped.so"});
  std::string program = file_content(w / "dump/10-program.nir"); // as lowered, before any step
  size_t at = program.find("program ") + 8;
  std::string of_kernel = "kernel " + program.substr(at, program.find(' ', at) - at) + " {\n  ";
  const std::vector<std::pair<std::string, std::vector<std::string>>> rows = {
      {"network {\n  no_such_step()\n}\n", {"no_such_step", "unknown-transformation"}},
      {"network {\n  fuze(first=0, second=1)\n}\n", {"did you mean fuse?"}},
      {"network {\n  fuse(first=0, second=999)\n}\n",
       {"fuse(first=0, second=999)", "no-such-call"}},
      {"network {\n  fuse(first=0)\n}\n", {"bad-argument", "second"}},
      {"network {\n  layout(buffer=nope, dims=[0], div=[1], mod=[0])\n}\n", {"no-such-buffer"}},
      {"network {\n  winograd(call=0, m=5)\n}\n", {"bad-size"}},
      {"network {\n  split(loop=i, by=2)\n}\n", {"unknown-transformation", "kernel section"}},
      {"kernel nobody {\n  unroll(loop=i)\n}\n", {"no-such-kernel", "nobody"}},
      {of_kernel + "unroll(loop=nowhere)\n}\n", {"no-such-loop", "nowhere"}},
      {of_kernel + "tile(loops=[a, b], sizes=[1])\n}\n", {"tile("}},
  };
  for (const auto& [sections, says] : rows)
    for (bool each : {false, true}) {
      INFO(sections);
      std::ofstream(w / "bad.plan") << w.header << "\n" << sections;
      std::vector<std::string> words = says;
      words.emplace_back("bad.plan");
      words.emplace_back("bad-plan");
      std::vector<std::string> command = {"model.onnx", "--plan", "bad.plan"};
      if (each)
        command.emplace_back("--verify-each");
      check_mistake(w, command, 65, words);
    }
}

TEST_CASE("mistakes: a plan whose order is not legal is 65, with the witness") {
  Workplace w;
  w.run({NASC, "model.onnx", "--dump-dir=dump", "-o", "dumped.so"});
  std::string program = file_content(w / "dump/10-program.nir");
  size_t sum = program.find("] += ");
  REQUIRE(sum != std::string::npos);
  size_t name_at = program.rfind("program ", sum) + 8;
  std::string kernel = program.substr(name_at, program.find(' ', name_at) - name_at);
  size_t statement_at = program.rfind("stmt ", sum) + 5;
  std::string statement =
      program.substr(statement_at, program.find(' ', statement_at) - statement_at);
  size_t open = program.find('[', statement_at) + 1, close = program.find(']', open);
  std::string last = program.substr(open, close - open);
  last = last.substr(last.rfind(' ') + 1); // the innermost iterator is one of the sum
  for (bool each : {false, true}) {
    std::ofstream(w / "race.plan")
        << w.header << "\nkernel " << kernel << " {\n  parallel(loop=" << statement << "." << last
        << ")\n}\n";
    std::vector<std::string> command = {"model.onnx", "--plan", "race.plan"};
    if (each)
      command.emplace_back("--verify-each");
    check_mistake(w, command, 65, {"race.plan", kernel, "reduction-race", statement + "["});
  }
}

TEST_CASE("mistakes: text that is no plan is 65 with its line, a missing plan is 66") {
  Workplace w;
  const std::vector<std::pair<std::string, std::string>> rows = {
      {"", "bad.plan:1:"},
      {"not a plan\n", "bad.plan:1:"},
      {"nasc plan 99\n", "bad.plan:1:"},
      {w.header + "\nnetwork {\n  fuse(first=0, second=1)\n", "bad.plan:"},
      {w.header + "\nnetwork {\n  fuse(first=0, second=1\n}\n", "bad.plan:"},
      {w.header + "\nnetwork {\n  fuse(first=, second=1)\n}\n", "bad.plan:"},
      {w.header + "\nnetwork {\n  fuse(first=99999999999999999999, second=1)\n}\n", "bad.plan"},
      {w.header + "\nsomething {\n}\n", "bad.plan:"},
      {std::string("\0\xff\xfe", 3), "bad.plan:1:"},
  };
  for (const auto& [text, says] : rows) {
    INFO(text);
    std::ofstream(w / "bad.plan", std::ios::binary) << text;
    check_mistake(w, {"model.onnx", "--plan", "bad.plan"}, 65, {says});
  }
  check_mistake(w, {"model.onnx", "--plan", "missing.plan"}, 66, {"missing.plan"});
  check_mistake(w, {"other.onnx", "--plan", "model.plan"}, 65, {"another model"});
  std::ofstream(w / "bad.plan") << std::string((1 << 20) + 1, '\n');
  check_mistake(w, {"model.onnx", "--plan", "bad.plan"}, 71, {"bad.plan"});
}

TEST_CASE("mistakes: flags that mean nothing are 64") {
  Workplace w;
  const std::vector<std::vector<std::string>> rows = {
      {"model.onnx", "--thraeds=2"},
      {"model.onnx", "-O9"},
      {"model.onnx", "-Ofast"},
      {"model.onnx", "--winograd=f8"},
      {"model.onnx", "--denormals=off"},
      {"model.onnx", "--emit=lib,nothing"},
      {"model.onnx", "--emit=lib", "-o", "model.onnx"},
      {"model.onnx", "--threads=-1"},
      {"model.onnx", "--dim", "batch"},
      {"model.onnx", "--dim", "batch=x"},
      {"model.onnx", "--dim", "nobody=3"},
      {"model.onnx", "--prefix=9lives"},
      {"model.onnx", "--max-memory=lots"},
      {"model.onnx", "--max-time=soon"},
      {"model.onnx", "--isl-max-ops=many"},
      {"model.onnx", "--isl-max-ops=nothing=1"},
      {"model.onnx", "--isl-max-ops=ast="},
      {"model.onnx", "--ppl-max-weight=0"},
      {"model.onnx", "other.onnx"},
      {"model.onnx", "--plan"},
      {"--emit=lib"},
      {},
  };
  for (const auto& row : rows) {
    std::string all;
    for (const auto& word : row)
      all += word + " ";
    INFO(all);
    check_mistake(w, row, 64, {"usage"});
  }
}

TEST_CASE("mistakes: inputs and outputs that cannot be, and targets that are not") {
  Workplace w;
  std::ofstream(w / "text.onnx") << "this is no model";
  std::ofstream(w / "text.nir") << "network net {\n  nonsense\n}\n";
  check_mistake(w, {"missing.onnx"}, 66, {"missing.onnx"});
  check_mistake(w, {"text.onnx"}, 65, {"text.onnx"});
  check_mistake(w, {"text.nir"}, 65, {"text.nir:2:"});
  check_mistake(w, {"model.onnx", "--mcpu=nothing"}, 69, {"nothing"});
  check_mistake(w, {"model.onnx", "--mtriple=wasm32-unknown-unknown"}, 69, {"wasm32"});
  check_mistake(w, {"model.onnx", "-o", "nowhere/x.so"}, 73, {"nowhere"});
}

TEST_CASE("mistakes: engines that give up at once are none") {
  Workplace w;
  for (std::vector<std::string> limits : {std::vector<std::string>{"--isl-max-ops=1"},
                                          {"--ppl-max-weight=1"},
                                          {"--isl-max-ops=1", "--ppl-max-weight=1"},
                                          {"--isl-max-ops=ast=1", "--isl-max-ops=order=1"}}) {
    std::vector<std::string> command = {NASC, "model.onnx", "-v", "-o", "x.so"};
    command.insert(command.end(), limits.begin(), limits.end());
    w.run(command);
    w.run({NASC_RUN, "run", "x.so", "--random", "--output-dir", "out"});
  }
}
