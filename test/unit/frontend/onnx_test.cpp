// The ONNX reader: what it makes of good models, and the error of each kind of bad one.
#include <catch2/catch.hpp>

#include <unistd.h>

#include <cstring>
#include <filesystem>

#include "frontend/external.h"
#include "test/unit/frontend/models.h"

namespace nasc {
namespace {

TestModel relu() {
  TestModel m;
  m.input("x", {2, 3});
  m.output("y", {2, 3});
  m.node("Relu", {"x"}, {"y"});
  return m;
}
std::string slug(const TestModel& m) { return failure([&] { m.read(); }).slug; }

TEST_CASE("reader: a small model") {
  Graph g = relu().read();
  REQUIRE(g.nodes.size() == 1);
  CHECK(g.opset == 13);
  CHECK(text(*g.value(g.inputs[0]).shape) == "[2, 3]");
  CHECK(g.value(g.outputs[0]).original == "y");
  CHECK(g.model_hash != 0);
}

TEST_CASE("reader: raw and typed tensors, bool normalised") {
  TestModel m = relu();
  m.weight<float>("w", {2}, {1.5f, -2});
  m.weight<uint8_t>("b", {3}, {0, 2, 255}, 9);
  auto& t = *m.graph.add_initializer();
  t.set_name("h");
  t.set_data_type(10);
  t.add_dims(1);
  t.add_int32_data(0x3c00);
  Graph g = m.read();
  CHECK(g.values[0].constant->payload.as<float>()[1] == -2);
  CHECK(static_cast<int>(g.values[1].constant->payload.as<uint8_t>()[2]) == 1);
  CHECK(g.values[2].constant->payload.as<uint16_t>()[0] == 0x3c00);
}

TEST_CASE("reader: symbolic extents are parameters and can be bound") {
  TestModel m = relu();
  auto& shape = *m.graph.mutable_input(0)->mutable_type()->mutable_tensor_type()->mutable_shape();
  shape.mutable_dim(0)->set_dim_param("batch size");
  shape.mutable_dim(1)->set_dim_value(-1);
  Graph g = m.read();
  CHECK(text(*g.value(g.inputs[0]).shape) == "[dim_batch_size, dim_x_1]");
  ReadOptions bound;
  bound.dims = {{"batch size", 4}, {"x_1", 5}};
  CHECK(text(*m.read(bound).value(g.inputs[0]).shape) == "[4, 5]");
  bound.dims = {{"nothing", 1}};
  CHECK(failure([&] { m.read(bound); }).slug == "usage");
}

TEST_CASE("reader: nodes out of order are sorted, cycles named") {
  TestModel m;
  m.input("x", {2});
  m.output("y", {2});
  m.node("Relu", {"a"}, {"y"});
  m.node("Neg", {"x"}, {"a"});
  CHECK(m.read().nodes[0].op == "Neg");
  m.graph.mutable_node(1)->set_input(0, "y");
  Failure f = failure([&] { m.read(); });
  CHECK(f.slug == "bad-graph");
  CHECK(f.line.find("cycle") != std::string::npos);
}

TEST_CASE("reader: functions are expanded with their attributes") {
  TestModel m;
  m.input("x", {2});
  m.output("y", {2});
  auto& call = m.node("Twice", {"x"}, {"y"});
  call.set_domain("local");
  attribute(call, "slope", 1).set_f(0.5f);
  auto& f = *m.proto.add_functions();
  f.set_name("Twice");
  f.set_domain("local");
  f.add_input("p");
  f.add_output("q");
  f.add_attribute("slope");
  attribute(TestModel::add(*f.add_node(), "LeakyRelu", {"p"}, {"t"}), "alpha", 1).set_ref_attr_name("slope");
  TestModel::add(*f.add_node(), "Add", {"t", "t"}, {"q"});
  Graph g = m.read();
  REQUIRE(g.nodes.size() == 3);
  CHECK(std::get<double>(g.nodes[0].attributes.at("alpha")) == 0.5);
  CHECK(g.nodes[2].op == "Identity");
  TestModel::add(*f.add_node(), "Twice", {"t"}, {"u"}).set_domain("local");
  CHECK(slug(m) == "bad-graph");
}

TEST_CASE("reader: bodies are closed over captured values") {
  TestModel m;
  m.input("x", {2});
  m.input("c", {}, 9);
  m.output("y", {2});
  auto& n = m.node("If", {"c"}, {"y"});
  for (const char* branch : {"then_branch", "else_branch"}) {
    auto& body = *attribute(n, branch, 5).mutable_g();
    TestModel::add(*body.add_node(), branch[0] == 't' ? "Relu" : "Neg", {"x"}, {"r"});
    TestModel::describe(*body.add_output(), "r", {2}, 1);
  }
  Graph g = m.read();
  REQUIRE(g.nodes[0].inputs.size() == 2);
  CHECK(g.value(g.nodes[0].inputs[1]).original == "x");
  const Graph& body = *std::get<std::shared_ptr<Graph>>(g.nodes[0].attributes.at("else_branch"));
  CHECK(body.inputs.size() == 1);
  CHECK(body.nodes[0].inputs[0] == body.inputs[0]);
}

TEST_CASE("reader: kinds of bad models") {
  TestModel m = relu();
  SECTION("opset") { m.proto.mutable_opset_import(0)->set_version(999); CHECK(slug(m) == "bad-opset"); }
  SECTION("two opsets") { m.proto.add_opset_import()->set_version(7); CHECK(slug(m) == "bad-opset"); }
  SECTION("ir version") { m.proto.set_ir_version(0); CHECK(slug(m) == "bad-file"); }
  SECTION("undefined") { m.node("Neg", {"ghost"}, {"z"}); CHECK(slug(m) == "bad-graph"); }
  SECTION("two producers") { m.node("Neg", {"x"}, {"y"}); CHECK(slug(m) == "bad-graph"); }
  SECTION("output = input") { m.node("Neg", {"x"}, {"x"}); CHECK(slug(m) == "bad-graph"); }
  SECTION("no output") { m.node("Neg", {"x"}, {""}); CHECK(slug(m) == "bad-graph"); }
  SECTION("short data") { m.weight<float>("w", {3}, {1}); CHECK(slug(m) == "bad-tensor"); }
  SECTION("both kinds of data") { m.weight<float>("w", {1}, {1}).add_float_data(1); CHECK(slug(m) == "bad-tensor"); }
  SECTION("overflow") { m.weight<float>("w", {1ll << 31, 1ll << 31, 4}, {}); CHECK(slug(m) == "bad-shape"); }
  SECTION("rank") { m.weight<float>("w", std::vector<int64_t>(65, 1), {1}); CHECK(slug(m) == "bad-shape"); }
  SECTION("no type") { m.weight<float>("w", {1}, {1}, 0); CHECK(slug(m) == "bad-type"); }
  SECTION("bfloat16") { m.weight<uint16_t>("w", {1}, {1}, 16); CHECK(slug(m) == "unsupported-type"); }
  SECTION("no attribute type") { m.graph.mutable_node(0)->add_attribute()->set_name("a"); CHECK(slug(m) == "bad-attribute"); }
  SECTION("attribute twice") {
    for (int i = 0; i < 2; ++i) attribute(*m.graph.mutable_node(0), "a", 2).set_i(1);
    CHECK(slug(m) == "bad-attribute");
  }
  SECTION("node limit") {
    ReadOptions few;
    few.limits.max_nodes = 0;
    CHECK(failure([&] { m.read(few); }).slug == "limit");
  }
  SECTION("deep bodies") {
    TestModel deep;
    onnx::GraphProto* g = &deep.graph;
    for (int i = 0; i < 70; ++i) {
      TestModel::describe(*g->add_output(), "r", {}, 1);
      g = attribute(TestModel::add(*g->add_node(), "If", {}, {"r"}), "then_branch", 5).mutable_g();
    }
    CHECK(slug(deep) == "limit");
  }
}

TEST_CASE("reader: no prefix or bit flip of a file crashes") {
  TestModel m = relu();
  m.weight<float>("w", {2}, {1, 2});
  std::string good = m.bytes();
  for (size_t i = 0; i < good.size(); ++i) {
    failure([&] { read_onnx(file_bytes(good.substr(0, i)), "m.onnx"); });
    for (int bit = 0; bit < 8; ++bit) {
      std::string bad = good;
      bad[i] = static_cast<char>(bad[i] ^ (1 << bit));
      failure([&] { read_onnx(file_bytes(bad), "m.onnx"); });
    }
  }
  SUCCEED();
}

TEST_CASE("reader: external data stays below the model") {
  namespace fs = std::filesystem;
  fs::path root = fs::temp_directory_path() / ("nasc-reader-" + std::to_string(::getpid()));
  fs::create_directories(root / "model/sub");
  std::ofstream(root / "model/sub/w.bin") << "abcdefgh";
  std::ofstream(root / "secret.bin") << "abcdefgh";
  fs::create_symlink(root / "secret.bin", root / "model/link.bin");
  fs::create_directory_symlink(root, root / "model/up");
  fs::create_hard_link(root / "secret.bin", root / "model/hard.bin");
  auto outcome = [&](const std::string& location, const std::string& offset = "", const std::string& length = "") {
    TestModel m = relu();
    auto& t = *m.graph.add_initializer();
    t.set_name("w");
    t.set_data_type(1);
    t.add_dims(2);
    t.set_data_location(onnx::TensorProto::EXTERNAL);
    auto entry = [&](const char* key, const std::string& value) {
      if (value.empty() && key != std::string("location")) return;
      auto& e = *t.add_external_data();
      e.set_key(key);
      e.set_value(value);
    };
    entry("location", location);
    entry("offset", offset);
    entry("length", length);
    return failure([&] { read_onnx(file_bytes(m.bytes()), (root / "model/m.onnx").string()); }).slug;
  };
  std::ofstream(root / "model/m.onnx") << "x";
  CHECK(outcome("sub/w.bin") == "");
  CHECK(outcome("./sub/w.bin", "0", "8") == "");
  for (const char* bad : {"../secret.bin", "sub/../../secret.bin", "./../x", "..\\x", "/etc/shadow", "file:///etc/x", "C:\\x",
                          "~/x", "$HOME/x", "link.bin", "up/secret.bin", "hard.bin", "sub"})
    CHECK(outcome(bad) == "outside-root");
  CHECK(outcome("none.bin") == "no-input");
  CHECK(outcome("") == "bad-tensor");
  CHECK(outcome(".") == "bad-tensor");
  CHECK(outcome("sub/w.bin/") == "bad-tensor");
  for (const char* bad : {"-1", "1e3", "0x10", "9 ", "18446744073709551615", "1"}) CHECK(outcome("sub/w.bin", bad) == "bad-tensor");
  CHECK(outcome("sub/w.bin", "0", "4") == "bad-tensor");
  fs::remove_all(root);
}

TEST_CASE("reader: SHA-1") {
  std::string abc = "abc";
  CHECK(sha1_hex(std::as_bytes(std::span(abc))) == "a9993e364706816aba3e25717850c26c9cd0d89d");
}

}  // namespace
}  // namespace nasc
