// nasc-opt: transforms Programs and Networks given as text by a plan, and prints what comes out.
#include <CLI/CLI.hpp>

#include <fstream>
#include <iostream>
#include <sstream>

#include "ir/text.h"
#include "legality/order.h"
#include "polyhedral/transformation.h"
#include "tools/explain.h"

namespace {
using namespace nasc;

struct Options {
  std::string file, plan, explain;
  std::vector<std::string> print = {"program", "schedule"};
  bool list = false, judge = false;
};

std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) throw UserError(code::no_input, path, "cannot be read");
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

// The first word outside comments tells a network from a program.
bool is_network(const std::string& text) {
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) {
    size_t at = line.find_first_not_of(" \t\r");
    if (at == std::string::npos || line[at] == ';') continue;
    return line.compare(at, 8, "network ") == 0;
  }
  return false;
}

// One call of the Program on buffers of its own.
Network network_of(Program program) {
  Network n;
  n.name = program.name;
  Call call{0, {}, program.name};
  for (int t : Network::bound(program)) {
    Buffer buffer;
    static_cast<Tensor&>(buffer) = program.tensors[t];
    int index = static_cast<int>(n.buffers.size());
    call.args.push_back(index);
    if (buffer.role == Role::input) n.inputs.push_back(index);
    if (buffer.role == Role::output) n.outputs.push_back(index);
    n.buffers.push_back(std::move(buffer));
  }
  n.calls.push_back(std::move(call));
  n.programs.push_back(std::make_shared<const Program>(std::move(program)));
  return n;
}

void list_transformations() {
  const char* types[] = {"loop", "loops", "integer", "integers", "word", "words"};
  for (const Transformation* t : all_registered<Transformation>()) {
    std::cout << t->name << " (" << name(t->kind) << ", " << (t->on_kernel ? "kernel" : "network") << "): " << t->doc
              << "\n";
    for (const Parameter& p : t->parameters)
      std::cout << "  " << p.name << ": " << types[p.type] << (p.required ? "" : ", optional") << "; " << p.doc << "\n";
    std::cout << "  refuses:";
    for (const char* code : t->refusals) std::cout << " " << code;
    std::cout << "\n";
  }
}

void print_module(const Module& module, const Plan& plan, const Options& options) {
  for (const auto& what : options.print) {
    if (what == "program") {
      if (module.network.calls.size() == 1) std::cout << print(*module.network.programs[0]);
      else std::cout << print(module.network);
    } else if (what == "schedule") {
      for (size_t k = 0; k < module.schedules.size(); ++k)
        std::cout << "schedule " << module.network.programs[k]->name << " {\n" << text(module.schedules[k]) << "}\n";
    } else if (what == "plan") {
      std::cout << text(plan);
    } else {
      throw UserError(code::usage, "--print", "knows program, schedule and plan, not " + what);
    }
  }
}

int transform(const Options& options) {
  std::string source = read_file(options.file);
  Network network =
      is_network(source) ? parse_network(source, options.file) : network_of(parse_program(source, options.file));
  Module module = textual_module(std::move(network), Target{});
  Plan plan;
  if (!options.plan.empty()) {
    plan = parse_plan(read_file(options.plan), options.plan);
    auto out = replay(module, plan);
    if (!out) {
      std::cerr << options.plan << ": refused: " << out.error().text << " [" << out.error().code << "]\n";
      return static_cast<int>(Exit::malformed);
    }
    module = std::move(*out);
  }
  print_module(module, plan, options);
  bool allowed = true;
  for (size_t k = 0; options.judge && k < module.schedules.size(); ++k) {
    Verdict verdict = judge_order(kernel(module, static_cast<int>(k)));
    std::cout << "verdict " << module.network.programs[k]->name << ": " << text(verdict) << "\n";
    allowed = allowed && verdict.allowed();
  }
  return static_cast<int>(allowed ? Exit::ok : Exit::failure);
}

int explained(const Options& options) {
  Compilation c;
  c.options.model = options.file;
  c.options.plan_file = options.plan;
  c.options.target = host_target();
  run_stages(c, "judge");
  std::cout << explain(c, options.explain);
  return 0;
}

int run(int argc, char** argv) {
  Options options;
  CLI::App app("Transforms Programs and Networks given as text (.nir) by a plan.", "nasc-opt");
  app.add_option("file", options.file, "a program or network, see ir/text.h");
  app.add_option("--plan", options.plan, "plan to replay");
  app.add_option("--print", options.print, "what to print: program, schedule, plan")->delimiter(',');
  app.add_flag("--judge", options.judge, "ask the order judge about each resulting schedule");
  app.add_option("--explain", options.explain,
                 "KERNEL of the model (.onnx or .nir) as nasc compiles it for this machine: its plan, alternatives, predicted "
                 "and measured times; all: a table");
  app.add_flag("--list-transforms", options.list, "list all transformations and leave");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? 0 : static_cast<int>(Exit::usage);
  }
  if (options.list) {
    list_transformations();
    return 0;
  }
  if (options.file.empty()) throw UserError(code::usage, "nasc-opt", "needs a file");
  return options.explain.empty() ? transform(options) : explained(options);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const nasc::UserError& e) {
    std::cerr << e.line() << "\n";
    return static_cast<int>(e.code->exit);
  } catch (const std::bad_alloc&) {
    std::cerr << "nasc-opt: error: out of memory\n";
    return static_cast<int>(nasc::Exit::limit);
  } catch (const std::exception& e) {
    std::cerr << "nasc-opt: internal error: " << e.what() << "; please report\n";
    return static_cast<int>(nasc::Exit::internal);
  }
}
