// Reads the sources: every refusal that a transformation can return is registered with it, and
// every registered one has exactly one test that carries its name.
#include <algorithm>
#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>
#include <set>

#include "polyhedral/transformation.h"

using namespace nasc;
namespace fs = std::filesystem;

namespace {

std::string content(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::set<std::string> all_matches(const std::string& text, const char* pattern) {
  std::set<std::string> out;
  std::regex wanted(pattern);
  for (std::sregex_iterator it(text.begin(), text.end(), wanted), end; it != end; ++it)
    out.insert((*it)[1]);
  return out;
}

size_t count_of(const std::string& text, const std::string& part) {
  size_t count = 0;
  for (size_t at = 0; (at = text.find(part, at)) != std::string::npos; at += part.size())
    ++count;
  return count;
}

} // namespace

TEST_CASE("refuse: every registered refusal has exactly one test of its name") {
  std::string tests;
  for (const auto& entry :
       fs::directory_iterator(fs::path(NASC_SOURCE_DIR) / "test/unit/polyhedral"))
    if (entry.path().extension() == ".cpp")
      tests += content(entry.path());
  size_t codes = 0;
  for (const Transformation* t : all_registered<Transformation>()) {
    bool of_layer = std::any_of(t->parameters.begin(), t->parameters.end(),
                                [](const Parameter& p) { return p.name == std::string("layer"); });
    if (of_layer)
      continue; // their rows are per step: test/unit/neural
    for (const char* code : t->refusals) {
      std::string name = std::string(t->name) + "/" + code;
      INFO(name);
      CHECK(count_of(tests, "{\"" + name + "\",") +
                count_of(tests, "TEST_CASE(\"refuse: " + name + "\")") ==
            1);
      ++codes;
    }
  }
  CHECK(codes >= 80);
}

TEST_CASE("refuse: every refusal in the source of a transformation is registered") {
  for (const auto& entry :
       fs::directory_iterator(fs::path(NASC_SOURCE_DIR) / "polyhedral/transforms")) {
    std::string source = content(entry.path());
    std::set<std::string> registered;
    for (const std::string& name : all_matches(source, "\\.name = \"([a-z_]+)\"")) {
      const Transformation* t = find_registered<Transformation>(name);
      if (t)
        registered.insert(t->refusals.begin(), t->refusals.end());
    }
    if (registered.empty())
      continue;
    for (const std::string& code : all_matches(source, "refuse\\(\\s*\"([^\"]+)\"")) {
      INFO(entry.path().filename().string() << ": " << code);
      CHECK(registered.count(code) == 1);
    }
  }
}
