// Which files are written for -o and --emit.
#include "tools/outputs.h"

#include <catch2/catch.hpp>

using namespace nasc;

namespace {
std::string planned(const std::string& model, const std::string& emit, const std::string& output) {
  std::string out;
  for (const Output& o : plan_outputs(model, emit, output))
    out += std::string(out.empty() ? "" : " ") + o.kind->name + ":" + o.path;
  return out;
}
} // namespace

TEST_CASE("outputs: the default is the model's name in the current folder") {
  CHECK(planned("dir/net.onnx", "", "") == "lib:net.so");
  CHECK(planned("dir/net", "", "") == "lib:net.so");
  CHECK(planned("net.onnx", "asm,plan", "") == "asm:net.s plan:net.plan");
}

TEST_CASE("outputs: the suffix of -o chooses the kind") {
  CHECK(planned("m.onnx", "", "x/y.so") == "lib:x/y.so");
  CHECK(planned("m.onnx", "", "y.ll") == "llvm:y.ll");
  CHECK(planned("m.onnx", "", "y.h") == "header:y.h");
  CHECK(planned("m.onnx", "", "y.bin") == "lib:y.bin");
  CHECK(planned("m.onnx", "", "x/.so") == "lib:x/.so");
}

TEST_CASE("outputs: --emit wins over the suffix, several share the stem") {
  CHECK(planned("m.onnx", "asm", "y.txt") == "asm:y.txt");
  CHECK(planned("m.onnx", "lib,plan", "y.so") == "lib:y.so plan:y.plan");
  CHECK(planned("m.onnx", "lib,lib", "y.so") == "lib:y.so");
  CHECK_THROWS_WITH(planned("m.onnx", "lob", ""), Catch::Contains("did you mean"));
  CHECK_THROWS(planned("m.onnx", "", "dir/"));
}
