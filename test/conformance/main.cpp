// conformance FOLDER.. [--op OP] [-v]: imports, lowers and interprets each case below the folders (model.onnx with
// test_data_set_K), compares with its stored outputs, and counts passed, failed and unsupported per operator.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <iostream>

#include "frontend/import.h"
#include "frontend/lower.h"
#include "test/support/interpret_network.h"

namespace fs = std::filesystem;
using namespace nasc;

namespace {
constexpr unsigned kSeconds = 60;  // for one case

HostTensor tensor_of(const fs::path& path) {
  Constant c = read_tensor(path.string()).value;
  return host_tensor(c.dtype, c.shape, c.payload);
}
std::vector<HostTensor> tensors_of(const fs::path& folder, const std::string& prefix) {
  std::vector<HostTensor> out;
  for (int i = 0; fs::exists(folder / (prefix + std::to_string(i) + ".pb")); ++i) out.push_back(tensor_of(folder / (prefix + std::to_string(i) + ".pb")));
  return out;
}

// "passed", "unsupported ...", "failed ...".
std::string outcome(const fs::path& folder) {
  try {
    Instances instances;
    Network net = lower(import_graph(read_onnx((folder / "model.onnx").string()), instances), instances);
    for (int set = 0; fs::exists(folder / ("test_data_set_" + std::to_string(set))); ++set) {
      fs::path data = folder / ("test_data_set_" + std::to_string(set));
      std::vector<HostTensor> y = interpret_network(net, tensors_of(data, "input_")), r = tensors_of(data, "output_");
      for (size_t i = 0; i < r.size(); ++i) {
        if (i < y.size() && y[i].count() == 1 && y[i].shape.empty() && r[i].shape.size() == 1) y[i].shape = r[i].shape;  // some suites store scalars so
        std::string wrong = i < y.size() ? difference(y[i], r[i], 1e-3, 1e-7) : "missing output";
        if (!wrong.empty()) return text("failed output ", i, " of set ", set, ": ", wrong);
      }
    }
    return "passed";
  } catch (const UserError& e) {
    return (e.code->exit == Exit::unsupported ? "unsupported " : "failed ") + e.line();
  } catch (const std::exception& e) {
    return text("failed internal error: ", e.what());
  }
}

// In a child process, so that a crash or an endless loop is one failed case.
std::string isolated(const fs::path& folder) {
  int ends[2];
  if (::pipe(ends) != 0) return "failed no pipe";
  pid_t child = ::fork();
  if (child == 0) {
    ::alarm(kSeconds);
    std::string line = outcome(folder);
    line.resize(std::min<size_t>(line.size(), 4000));
    [[maybe_unused]] ssize_t n = ::write(ends[1], line.data(), line.size());
    ::_exit(0);
  }
  ::close(ends[1]);
  std::string line(4096, '\0');
  size_t used = 0;
  for (ssize_t n; (n = ::read(ends[0], line.data() + used, line.size() - used)) > 0;) used += static_cast<size_t>(n);
  line.resize(used);
  ::close(ends[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  if (WIFSIGNALED(status)) return WTERMSIG(status) == SIGALRM ? text("failed after ", kSeconds, " s") : text("failed signal ", WTERMSIG(status));
  return line;
}

// test_add_bcast__opset9 -> the operator is that of the last node that is no Constant; here: of all nodes.
std::string operator_of(const fs::path& folder) {
  try {
    Graph g = read_onnx((folder / "model.onnx").string());
    if (g.nodes.size() == 1) return g.nodes[0].op;
    std::string name = folder.filename().string();
    for (const Node& n : g.nodes) {
      std::string low;
      for (char c : n.op) low += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
      std::string flat = name;
      std::erase(flat, '_');
      if (flat.find(low) != std::string::npos && low.size() > 2) return n.op;
    }
    return g.nodes.empty() ? "(constant)" : "(several)";
  } catch (const UserError&) {
    return "(unreadable)";
  }
}

struct Counts {
  int passed = 0, failed = 0, unsupported = 0;
};
}  // namespace

int main(int argc, char** argv) {
  std::vector<fs::path> cases;
  std::string only;
  bool verbose = false;
  for (int i = 1; i < argc; ++i) {
    std::string a = argv[i];
    if (a == "-v") verbose = true;
    else if (a == "--op" && i + 1 < argc) only = argv[++i];
    else if (!fs::exists(a)) std::cout << "skipped: no folder " << a << "\n";
    else
      for (const auto& e : fs::recursive_directory_iterator(a))
        if (e.path().filename() == "model.onnx") cases.push_back(e.path().parent_path());
  }
  std::sort(cases.begin(), cases.end());
  std::map<std::string, Counts> table;
  Counts all;
  for (const fs::path& c : cases) {
    std::string op = operator_of(c);
    if (!only.empty() && op != only) continue;
    std::string result = isolated(c);
    for (Counts* n : {&table[op], &all})
      ++(result == "passed" ? n->passed : result.starts_with("unsupported") ? n->unsupported : n->failed);
    if (verbose && result != "passed") std::cout << c.filename().string() << ": " << result << std::endl;
  }
  for (const auto& [op, n] : table)
    std::cout << op << ": passed " << n.passed << ", failed " << n.failed << ", unsupported " << n.unsupported << "\n";
  std::cout << "all: passed " << all.passed << ", failed " << all.failed << ", unsupported " << all.unsupported << "\n";
  return all.failed ? 1 : 0;
}
