// Broken and hostile files of the shared test data: each ends as its manifest says, and real models are counted.
#include <catch2/catch.hpp>

#include <filesystem>
#include <iostream>

#include "frontend/import.h"
#include "frontend/lower.h"
#include "test/unit/frontend/models.h"

namespace nasc {
namespace {

Failure outcome(const std::string& path) {
  return failure([&] {
    Instances instances;
    lower(import_graph(read_onnx(path), instances), instances);
  });
}

std::vector<std::string> split(std::string s, const std::string& at) {
  std::vector<std::string> out;
  for (size_t k; (k = s.find(at)) != std::string::npos; s = s.substr(k + at.size())) out.push_back(s.substr(0, k));
  out.push_back(s);
  return out;
}
// `strides, node conv_0`: both; `node a or node b`: one; `the file`: always there.
bool names(const std::string& line, const std::string& wanted) {
  for (const std::string& all : split(wanted, ", ")) {
    bool any = false;
    for (std::string one : split(all, " or ")) {
      if (one.starts_with("node ")) one = one.substr(5);
      if (one.starts_with("function ")) one = one.substr(9);
      any = any || one.starts_with("the ") || line.find(one) != std::string::npos;
    }
    if (!any) return false;
  }
  return true;
}

TEST_CASE("malformed files end as their manifest says") {
  auto root = test_data("malformed");
  if (!root) return;
  int conforming = 0, total = 0;
  for (const auto& row : table((*root / "MANIFEST.tsv").string())) {
    if (row.size() < 4) continue;
    std::string file = row[0], expected = row[1];
    bool tensor_only = file.starts_with("run-");  // the model is good, the tensor is not
    Failure f = outcome((*root / file).string());
    bool bad = !f.slug.empty();
    bool good = expected == "either" || tensor_only || expected == "ok" ? expected == "either" || !bad : bad && names(f.line, row[3]);
    ++total;
    conforming += good;
    if (!good) std::cout << "not conforming: " << file << " (" << row[3] << "): " << (bad ? f.line : "accepted") << "\n";
  }
  std::cout << "malformed: " << conforming << " of " << total << " conform\n";
  CHECK(conforming == total);
  auto unreadable = [&](const char* file) { return failure([&] { read_tensor((*root / file).string()); }).slug; };
  CHECK(unreadable("run-truncated/test_data_set_0/input_0.pb") == "bad-file");
  CHECK(unreadable("run-empty/test_data_set_0/input_0.pb") == "bad-file");
  CHECK(unreadable("run-raw-short/test_data_set_0/input_0.pb") == "bad-tensor");
  CHECK(unreadable("run-nan/test_data_set_0/input_0.pb") == "");
}

TEST_CASE("real models import and lower") {
  auto root = test_data("models");
  if (!root) return;
  int good = 0, total = 0;
  std::map<std::string, int> reasons;
  for (const auto& e : std::filesystem::directory_iterator(*root)) {
    if (!std::filesystem::exists(e.path() / "model.onnx")) continue;
    ++total;
    Failure f = outcome((e.path() / "model.onnx").string());
    good += f.slug.empty();
    if (!f.slug.empty()) std::cout << "not lowered: " << f.line.substr(root->string().size() + 1) << "\n";
    CHECK(f.slug != "internal");
  }
  std::cout << "models: " << good << " of " << total << " import and lower\n";
}

}  // namespace
}  // namespace nasc
