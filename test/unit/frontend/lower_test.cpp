// Inference, folding, control flow and lowering, over operators of a domain of the test's own.
#include <catch2/catch.hpp>

#include <cmath>

#include "frontend/import.h"
#include "frontend/lower.h"
#include "test/support/interpret_network.h"
#include "test/unit/frontend/models.h"

namespace nasc {
namespace {

const Value& in(const Graph& g, const Node& n, size_t i) { return g.value(n.inputs.at(i)); }

// Y = X * 2, elementwise.
Instance twice(const OpDef&, const Graph& g, const Node& n) {
  const Value& x = in(g, n, 0);
  Program p;
  p.name = "twice";
  for (auto [name, role] : {std::pair{"X", Role::input}, std::pair{"Y", Role::output}}) {
    Tensor t;
    t.name = name, t.dtype = x.dtype, t.shape = *x.shape, t.role = role;
    p.tensors.push_back(t);
  }
  std::string index;
  std::vector<std::string> iterators;
  for (size_t i = 0; i < x.shape->size(); ++i) iterators.push_back("i" + std::to_string(i)), index += (i ? ", " : "") + iterators.back();
  auto map = [&](const std::string& a, const std::string& b) { return isl::multi_aff(isl_context(), "{ " + a + "[" + index + "] -> " + b + "[" + index + "] }"); };
  Statement s("S", iterators, extent_set(p.tensors[1]).apply(map("Y", "S").as_map()), {"Y", map("S", "Y")});
  s.reads = {{"X", map("S", "X")}};
  s.body = apply(Fn::add, {read(0, x.dtype), read(0, x.dtype)});
  p.statements.push_back(s);
  Instance out;
  out.shapes = {*x.shape};
  out.dtypes = {x.dtype};
  out.program = p;
  out.inputs = {{"X", 0}};
  out.outputs = {{"Y", 0}};
  return out;
}
Instance flat(const OpDef&, const Graph& g, const Node& n) {
  Instance out;
  out.shapes = {{product(*in(g, n, 0).shape)}};
  out.dtypes = {in(g, n, 0).dtype};
  out.view_of = 0;
  return out;
}
Instance extents(const OpDef&, const Graph& g, const Node& n) {
  Instance out;
  out.shapes = {{static_cast<int64_t>(in(g, n, 0).shape->size())}};
  out.dtypes = {DType::i64};
  out.contents = {*in(g, n, 0).shape};
  return out;
}
OpDef definition(const char* name, OpHook hook) {
  OpDef def;
  def.name = name, def.domain = "test", def.hook = std::move(hook);
  return def;
}
const Registered<OpDef> op_twice{definition("Twice", twice)}, op_flat{definition("Flat", flat)}, op_extents{definition("Extents", extents)};

struct Model : TestModel {
  onnx::NodeProto& op(const std::string& name, const std::string& x, const std::string& y) {
    auto& n = node(name, {x}, {y});
    n.set_domain("test");
    return n;
  }
  Graph imported() const {
    Instances instances;
    return import_graph(read(), instances);
  }
  Network lowered() const { return lower(imported()); }
};

// Outputs of a static Network, one after another, when its inputs hold 0, 1, 2, ...
std::vector<double> outputs(const Network& net) {
  std::vector<HostTensor> inputs;
  for (int b : net.inputs) {
    const Buffer& buffer = net.buffers[static_cast<size_t>(b)];
    inputs.push_back(zeros(buffer.dtype, constants(buffer.shape)));
    for (int64_t i = 0; i < inputs.back().count(); ++i) set(inputs.back(), i, static_cast<double>(i));
  }
  std::vector<double> out;
  for (const HostTensor& t : interpret_network(net, inputs))
    for (double v : to_doubles(t)) out.push_back(v);
  return out;
}

TEST_CASE("lower: equal layers share a program") {
  Model m;
  m.input("x", {2, 2});
  m.output("c", {2, 2});
  m.op("Twice", "x", "a");
  m.op("Twice", "a", "b");
  m.op("Twice", "b", "c");
  Network net = m.lowered();
  CHECK(net.programs.size() == 1);
  CHECK(net.calls.size() == 3);
  CHECK(outputs(net) == std::vector<double>{0, 8, 16, 24});
}

TEST_CASE("lower: views alias, outputs never do") {
  Model m;
  m.input("x", {2, 2});
  m.op("Twice", "x", "a");
  m.op("Flat", "a", "f");
  SECTION("a view in the middle") {
    m.op("Twice", "f", "y");
    m.output("y", {4});
    Network net = m.lowered();
    CHECK(net.calls.size() == 2);
    CHECK(outputs(net) == std::vector<double>{0, 4, 8, 12});
  }
  SECTION("a view as output: its source is written there") {
    m.output("f", {4});
    Network net = m.lowered();
    CHECK(net.calls.size() == 1);
    CHECK(net.buffers[static_cast<size_t>(net.outputs[0])].alias_of == -1);
    CHECK(outputs(net) == std::vector<double>{0, 2, 4, 6});
  }
  SECTION("source and view both outputs") {
    m.output("f", {4});
    m.output("a", {2, 2});
    CHECK(outputs(m.lowered()) == std::vector<double>{0, 2, 4, 6, 0, 2, 4, 6});
  }
  SECTION("a view of an input") {
    m.op("Flat", "x", "g");
    m.output("g", {4});
    CHECK(outputs(m.lowered()) == std::vector<double>{0, 1, 2, 3});
  }
  SECTION("one value twice, and an input") {
    m.output("a", {2, 2});
    m.output("a", {2, 2});
    m.output("x", {2, 2});
    CHECK(outputs(m.lowered()) == std::vector<double>{0, 2, 4, 6, 0, 2, 4, 6, 0, 1, 2, 3});
  }
}

TEST_CASE("lower: constants and zero extents") {
  Model m;
  m.weight<float>("w", {2}, {1, 2});
  m.op("Twice", "w", "v");
  m.output("v", {2});
  m.output("w", {2});
  Network net = m.lowered();
  CHECK(outputs(net) == std::vector<double>{2, 4, 1, 2});
  Model empty;
  empty.input("x", {0, 3});
  empty.op("Twice", "x", "y");
  empty.output("y", {0, 3});
  CHECK(outputs(empty.lowered()).empty());
}

TEST_CASE("infer: extents are followed symbolically and written at run time") {
  Model m;
  m.input("x", {-1, 3});
  m.op("Extents", "x", "s");
  m.op("Twice", "s", "t");
  m.output("t", {2}, 7);
  Graph g = m.imported();
  CHECK(g.nodes.empty());
  CHECK((*g.value(g.outputs[0]).content)[0].text() == "2*dim_x_0");
  CHECK((*g.value(g.outputs[0]).content)[1].is(6));
  Network net = lower(g);
  CHECK(net.calls.size() == 2);  // the extents, and their copy to the output
}

void branch(onnx::NodeProto& n, const char* name, int twices) {
  auto& body = *attribute(n, name, 5).mutable_g();
  std::string at = "x";
  for (int i = 0; i < twices; ++i) {
    std::string next = "t" + std::to_string(i);
    TestModel::add(*body.add_node(), "Twice", {at}, {next}).set_domain("test");
    at = next;
  }
  TestModel::describe(*body.add_output(), at, {2}, 1);
}

TEST_CASE("infer: If with a constant condition is its branch") {
  Model m;
  m.input("x", {2});
  m.weight<uint8_t>("c", {}, {0}, 9);
  auto& n = m.node("If", {"c"}, {"y"});
  branch(n, "then_branch", 1);
  branch(n, "else_branch", 2);
  m.output("y", {2});
  CHECK(outputs(m.lowered()) == std::vector<double>{0, 4});
}

TEST_CASE("infer: a Loop of known trip count is unrolled") {
  Model m;
  m.input("x", {2});
  m.weight<int64_t>("n", {}, {3}, 7);
  auto& n = m.node("Loop", {"n", "", "x"}, {"y"});
  auto& body = *attribute(n, "body", 5).mutable_g();
  TestModel::describe(*body.add_input(), "i", {}, 7);
  TestModel::describe(*body.add_input(), "c", {}, 9);
  TestModel::describe(*body.add_input(), "a", {2}, 1);
  TestModel::add(*body.add_node(), "Twice", {"a"}, {"b"}).set_domain("test");
  TestModel::describe(*body.add_output(), "c", {}, 9);
  TestModel::describe(*body.add_output(), "b", {2}, 1);
  m.output("y", {2});
  if (find_op("Identity", "", 13)) CHECK(outputs(m.lowered()) == std::vector<double>{0, 8});
}

TEST_CASE("infer: declared outputs are checked, all errors can be collected") {
  Model m;
  m.input("x", {2});
  m.op("Twice", "x", "y");
  m.output("y", {3});
  std::vector<std::string> warnings;
  ImportOptions options;
  options.warnings = &warnings;
  Instances instances;
  Graph g = import_graph(m.read(), instances, options);
  CHECK(text(*g.value(g.outputs[0]).shape) == "[2]");
  CHECK(warnings.size() == 1);
  options.strict_outputs = true;
  CHECK(failure([&] { import_graph(m.read(), instances, options); }).slug == "bad-shape");
  Model t;
  t.input("x", {2});
  t.op("Twice", "x", "y");
  t.output("y", {2}, 7);
  CHECK(failure([&] { t.imported(); }).slug == "bad-type");
  Model u;
  u.input("x", {2});
  u.op("Nothing", "x", "a");
  u.op("Nowhere", "a", "b");
  u.output("b", {2});
  std::vector<UserError> errors;
  InferOptions collecting;
  collecting.errors = &errors;
  infer(u.read(), instances, collecting);
  CHECK(errors.size() == 2);
}

TEST_CASE("lower: a long sum has two levels, and the error of a short one") {
  for (std::vector<int64_t> shape : {std::vector<int64_t>{2, 256, 128}, {2, 30001, 1}, {1, 7, 9}}) {
    TestModel m(13);
    m.input("x", shape);
    auto& n = m.node("ReduceMean", {"x"}, {"y"});
    auto& axes = attribute(n, "axes", 7);
    axes.add_ints(1), axes.add_ints(2);
    m.output("y", {shape[0], 1, 1});
    Instances instances;
    Network net = lower(import_graph(m.read(), instances));
    int64_t count = shape[1] * shape[2];
    CHECK(net.programs.at(0)->statements.size() == (count < 1024 ? 3 : 5));
    HostTensor x = zeros(DType::f32, shape);
    std::vector<double> want(static_cast<size_t>(shape[0]), 0);
    for (int64_t i = 0; i < x.count(); ++i) {
      x.as<float>()[i] = 1 + static_cast<float>(i * 7919 % 1009) / 1009;
      want[static_cast<size_t>(i / count)] += x.as<float>()[i];
    }
    HostTensor y = interpret_network(net, {x}).at(0);
    for (size_t i = 0; i < want.size(); ++i)
      CHECK(std::abs(get(y, static_cast<int64_t>(i)) * static_cast<double>(count) / want[i] - 1) < 6e-7);
  }
}

}  // namespace
}  // namespace nasc
