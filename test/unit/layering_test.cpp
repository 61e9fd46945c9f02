// Walks the sources and fails on a forbidden include arrow or an unexpected top-level entry.
#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

namespace fs = std::filesystem;

namespace {

using Strings = std::vector<std::string>;

// The include arrows of the architecture: folder -> folders that it may include besides itself.
const std::map<std::string, std::set<std::string>> kArrows = {
    {"ir", {}},
    {"frontend", {"ir"}},
    {"polyhedral", {"ir"}},
    {"legality", {"ir", "polyhedral"}},
    {"codegen", {"ir", "polyhedral"}},
    {"runtime", {"ir", "codegen"}},
    {"tools", {"ir", "frontend", "polyhedral", "legality", "codegen", "runtime"}},
    {"test", {"ir", "frontend", "polyhedral", "legality", "codegen", "runtime", "tools"}},
};

const std::set<std::string> kTopLevel = {
    "CMakeLists.txt", "CMakePresets.json", "README.md", "LICENSE", "frontend", "ir",      "polyhedral",
    "legality",       "codegen",           "runtime",   "tools",   "test",     "examples"};

const char kEmbed[] = "runtime/embed/";
// abi.h: what codegen emits. bitcode.h: the bytes that the compiler carries.
const std::set<std::string> kEmbedDoors = {"runtime/embed/abi.h", "runtime/embed/bitcode.h"};

bool starts_with_any(const std::string& text, const Strings& prefixes) {
  return std::any_of(prefixes.begin(), prefixes.end(),
                     [&](const std::string& prefix) { return text.starts_with(prefix); });
}

std::string top_folder(const std::string& path) { return path.substr(0, path.find('/')); }

struct Include {
  std::string name;
  bool quoted;
};

std::vector<Include> includes_of(const std::string& text) {
  std::vector<Include> out;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    size_t at = line.find_first_not_of(" \t");
    if (at == std::string::npos || line[at] != '#') continue;
    at = line.find_first_not_of(" \t", at + 1);
    if (at == std::string::npos || line.compare(at, 7, "include") != 0) continue;
    size_t open = line.find_first_of("<\"", at);
    if (open == std::string::npos) continue;
    bool quoted = line[open] == '"';
    size_t close = line.find(quoted ? '"' : '>', open + 1);
    if (close != std::string::npos) out.push_back({line.substr(open + 1, close - open - 1), quoted});
  }
  return out;
}

// The project path that an include names: as seen from the root, else as seen from the including file, else empty.
std::string project_path(const Include& include, const std::string& file, const std::set<std::string>& files) {
  if (kArrows.contains(top_folder(include.name)) && include.name.contains('/')) return include.name;
  if (!include.quoted) return {};
  std::string beside = (fs::path(file).parent_path() / include.name).lexically_normal().generic_string();
  return files.contains(beside) || include.name.starts_with("..") ? beside : std::string{};
}

bool arrow_allowed(const std::string& file, const std::string& included) {
  if (file.starts_with(kEmbed)) return included.starts_with(kEmbed);
  if (kEmbedDoors.contains(included)) return starts_with_any(file, {"codegen/", "runtime/", "tools/", "test/"});
  if (included.starts_with(kEmbed)) return false;
  std::string from = top_folder(file), to = top_folder(included);
  return from == to || (kArrows.contains(from) && kArrows.at(from).contains(to));
}

// What is wrong with one file's includes; `files` lists the project's sources, for includes beside the file.
Strings violations(const std::string& file, const std::string& text, const std::set<std::string>& files = {}) {
  Strings out;
  for (const Include& include : includes_of(text)) {
    std::string path = project_path(include, file, files);
    if (!path.empty() && !arrow_allowed(file, path)) out.push_back(file + " includes " + path);
    const bool door = file == "ir/isl.h" || file == "ir/isl.cpp" ||
                      file == "ir/isl_box.cpp" || file == "ir/isl_context.cpp" ||
                      file == "ir/isl_read.cpp";
    if (include.name.starts_with("isl/") && !door)
      out.push_back(file + " includes isl directly: " + include.name);
    if (starts_with_any(include.name, {"llvm/", "llvm-c/", "lld/", "clang/"}) && !file.starts_with("codegen/"))
      out.push_back(file + " includes LLVM outside codegen: " + include.name);
    if (starts_with_any(include.name, {"ppl.hh", "ppl_c.h"}) && !file.starts_with("legality/"))
      out.push_back(file + " includes PPL outside legality");
  }
  return out;
}

bool includes_ppl(const std::string& text) {
  std::vector<Include> all = includes_of(text);
  return std::any_of(all.begin(), all.end(), [](const Include& i) { return i.name.starts_with("ppl"); });
}

std::map<std::string, std::string> read_sources(const fs::path& root) {
  static const std::set<std::string> kExtensions = {".h", ".hpp", ".c", ".cpp", ".cc", ".inc"};
  std::map<std::string, std::string> out;
  for (const auto& [folder, unused] : kArrows) {
    if (!fs::exists(root / folder)) continue;
    for (const auto& entry : fs::recursive_directory_iterator(root / folder)) {
      if (!entry.is_regular_file() || !kExtensions.contains(entry.path().extension().string())) continue;
      std::ostringstream text;
      text << std::ifstream(entry.path(), std::ios::binary).rdbuf();
      out[entry.path().lexically_relative(root).generic_string()] = text.str();
    }
  }
  return out;
}

// Names that .gitignore keeps out of the project: build trees and the like.
std::set<std::string> ignored_names(const fs::path& root) {
  std::set<std::string> out;
  std::ifstream in(root / ".gitignore");
  for (std::string line; std::getline(in, line);) {
    line.erase(0, line.find_first_not_of('/'));
    while (!line.empty() && line.back() == '/') line.pop_back();
    out.insert(line);
  }
  return out;
}

}  // namespace

TEST_CASE("layers: no forbidden include in the sources") {
  auto sources = read_sources(NASC_SOURCE_DIR);
  REQUIRE(sources.contains("ir/diag.h"));
  std::set<std::string> files;
  for (const auto& [file, text] : sources) files.insert(file);
  Strings wrong, ppl;
  for (const auto& [file, text] : sources) {
    for (auto& line : violations(file, text, files)) wrong.push_back(std::move(line));
    if (includes_ppl(text)) ppl.push_back(file);
  }
  CHECK(wrong == Strings{});
  INFO("one file alone may include ppl.hh, because doing so changes the rounding mode");
  CAPTURE(ppl);
  CHECK(ppl.size() <= 1);
}

TEST_CASE("layers: only the agreed entries at top level") {
  std::set<std::string> ignored = ignored_names(NASC_SOURCE_DIR);
  Strings unexpected;
  for (const auto& entry : fs::directory_iterator(NASC_SOURCE_DIR)) {
    std::string name = entry.path().filename().string();
    if (name[0] != '.' && !kTopLevel.contains(name) && !ignored.contains(name)) unexpected.push_back(name);
  }
  CHECK(unexpected == Strings{});
}

TEST_CASE("layers: the walker finds each kind of forbidden include") {
  CHECK(violations("ir/a.h", "#include \"frontend/op.h\"").size() == 1);
  CHECK(violations("ir/a.h", "  #  include <polyhedral/plan.h>").size() == 1);
  CHECK(violations("frontend/ops/a.cpp", "#include \"../../codegen/emit.h\"").size() == 1);
  CHECK(violations("runtime/a.cpp", "#include \"polyhedral/plan.h\"").size() == 1);
  CHECK(violations("runtime/a.cpp", "#include \"embed/pool.h\"", {"runtime/embed/pool.h"}).size() == 1);
  CHECK(violations("runtime/embed/pool.c", "#include \"ir/diag.h\"").size() == 1);
  CHECK(violations("ir/a.h", "#include \"runtime/embed/abi.h\"").size() == 1);
  CHECK(violations("polyhedral/a.cpp", "#include <isl/cpp.h>").size() == 1);
  CHECK(violations("tools/a.cpp", "#include <llvm/IR/Module.h>").size() == 1);
  CHECK(violations("tools/a.cpp", "#include <lld/Common/Driver.h>").size() == 1);
  CHECK(violations("polyhedral/a.cpp", "#include <ppl.hh>").size() == 1);
}

TEST_CASE("layers: the walker accepts what the architecture allows") {
  CHECK(violations("ir/isl.h", "#include <isl/cpp.h>").empty());
  CHECK(violations("legality/a.cpp", "#include \"polyhedral/plan.h\"\n#include <ppl.hh>").empty());
  CHECK(violations("codegen/a.cpp", "#include <llvm/IR/Module.h>\n#include \"runtime/embed/abi.h\"").empty());
  CHECK(violations("runtime/embed/pool.c", "#include \"abi.h\"", {"runtime/embed/abi.h"}).empty());
  CHECK(violations("tools/nasc/a.cpp", "#include \"codegen/emit.h\"\n#include \"nasc_version.h\"").empty());
  CHECK(violations("ir/a.h", "// #include \"frontend/op.h\"").empty());
}
