// Graph passes: each keeps the function of the model, and refuses where it would not.
#include <catch2/catch.hpp>

#include <cmath>

#include "frontend/import.h"
#include "frontend/lower.h"
#include "test/support/interpret_network.h"
#include "test/unit/frontend/models.h"

namespace nasc {
namespace {

HostTensor ramp(const Tensor& t) {
  HostTensor x = zeros(t.dtype, constants(t.shape));
  for (int64_t i = 0; i < x.count(); ++i) set(x, i, std::sin(0.7 * static_cast<double>(i)));
  return x;
}
std::vector<double> run(const Network& net) {
  std::vector<HostTensor> inputs;
  for (int b : net.inputs) inputs.push_back(ramp(net.buffers[static_cast<size_t>(b)]));
  std::vector<double> out;
  for (const HostTensor& y : interpret_network(net, inputs))
    for (double v : to_doubles(y)) out.push_back(v);
  return out;
}

// Nodes left with passes on; the numbers must be those without passes.
std::vector<std::string> optimized(const TestModel& m) {
  Instances instances;
  ImportOptions plain;
  plain.passes = false;
  Graph with = import_graph(m.read(), instances), without = import_graph(m.read(), instances, plain);
  std::vector<double> a = run(lower(with)), b = run(lower(without));
  REQUIRE(a.size() == b.size());
  for (size_t i = 0; i < a.size(); ++i) CHECK(a[i] == Approx(b[i]).margin(1e-6).epsilon(1e-5));
  std::vector<std::string> ops;
  for (const Node& n : with.nodes) ops.push_back(n.op);
  return ops;
}
using Ops = std::vector<std::string>;

std::vector<float> floats(size_t n, float from, float step) {
  std::vector<float> out;
  for (size_t i = 0; i < n; ++i) out.push_back(from + step * static_cast<float>(i % 7));
  return out;
}
void ints(onnx::NodeProto& n, const char* name, std::vector<int64_t> values) {
  auto& a = attribute(n, name, 7);
  for (int64_t v : values) a.add_ints(v);
}
void batch_norm(TestModel& m, const std::string& x, const std::string& y, int64_t channels) {
  m.weight<float>("gamma", {channels}, floats(static_cast<size_t>(channels), 0.5f, 0.25f));
  m.weight<float>("beta", {channels}, floats(static_cast<size_t>(channels), -1, 0.5f));
  m.weight<float>("mean", {channels}, floats(static_cast<size_t>(channels), 0.1f, 0.2f));
  m.weight<float>("var", {channels}, floats(static_cast<size_t>(channels), 1, 0.3f));
  m.node("BatchNormalization", {x, "gamma", "beta", "mean", "var"}, {y});
}

TEST_CASE("fold-batch-norm into Conv") {
  TestModel m;
  m.input("x", {1, 2, 4, 4});
  m.weight<float>("w", {3, 2, 3, 3}, floats(54, -0.3f, 0.1f));
  m.weight<float>("b", {3}, {1, 2, 3});
  m.node("Conv", {"x", "w", "b"}, {"c"});
  batch_norm(m, "c", "y", 3);
  m.output("y", {1, 3, 2, 2});
  CHECK(optimized(m) == Ops{"Conv"});
  m.output("c", {1, 3, 2, 2});  // another use of the convolution
  CHECK(optimized(m) == Ops{"Conv", "BatchNormalization"});
}

TEST_CASE("fold-batch-norm into grouped ConvTranspose") {
  TestModel m;
  m.input("x", {1, 4, 3, 3});
  m.weight<float>("w", {4, 3, 2, 2}, floats(48, -0.3f, 0.1f));
  attribute(m.node("ConvTranspose", {"x", "w"}, {"c"}), "group", 2).set_i(2);
  batch_norm(m, "c", "y", 6);
  m.output("y", {1, 6, 4, 4});
  CHECK(optimized(m) == Ops{"ConvTranspose"});
}

TEST_CASE("fold-batch-norm into Gemm with beta") {
  TestModel m;
  m.input("x", {2, 3});
  m.weight<float>("w", {3, 4}, floats(12, -0.3f, 0.1f));
  m.weight<float>("b", {4}, {1, 2, 3, 4});
  auto& n = m.node("Gemm", {"x", "w", "b"}, {"c"});
  attribute(n, "alpha", 1).set_f(2);
  attribute(n, "beta", 1).set_f(0.5f);
  batch_norm(m, "c", "y", 4);
  m.output("y", {2, 4});
  CHECK(optimized(m) == Ops{"Gemm"});
}

TEST_CASE("merge-pad") {
  TestModel m;
  m.input("x", {1, 1, 3, 3});
  m.weight<int64_t>("p", {8}, {0, 0, 1, 0, 0, 0, 0, 2}, 7);
  m.weight<float>("w", {1, 1, 2, 2}, {1, 2, 3, 4});
  m.node("Pad", {"x", "p"}, {"a"});
  ints(m.node("Conv", {"a", "w"}, {"y"}), "pads", {0, 1, 1, 0});
  m.output("y", {1, 1, 4, 5});
  CHECK(optimized(m) == Ops{"Conv"});
}

TEST_CASE("remove-identity, merge-equal, remove-dead") {
  TestModel m;
  m.input("x", {4});
  m.node("Identity", {"x"}, {"a"});
  m.node("Relu", {"a"}, {"b"});
  m.node("Relu", {"x"}, {"c"});
  m.node("Neg", {"x"}, {"unused"});
  m.node("Add", {"b", "c"}, {"s"});
  m.node("Identity", {"s"}, {"y"});
  m.node("Identity", {"x"}, {"z"});
  m.output("y", {4});
  m.output("z", {4});
  CHECK(optimized(m) == Ops{"Relu", "Add", "Identity"});
}

TEST_CASE("widen-half: one rounding at the end, not one per node") {
  constexpr int kHalf = 10;
  TestModel m(13);
  m.input("x", {2, 3}, kHalf);
  std::vector<uint16_t> w = {half_bits(1.0 / 3), half_bits(0.1), half_bits(3)};
  m.weight<uint16_t>("w", {3}, w, kHalf);
  m.node("Mul", {"x", "w"}, {"a"});
  m.node("Sub", {"a", "x"}, {"b"});
  m.node("Mul", {"b", "w"}, {"y"});
  m.output("y", {2, 3}, kHalf);
  Instances instances;
  Graph g = import_graph(m.read(), instances);
  Ops ops;
  for (const Node& n : g.nodes) ops.push_back(n.op);
  CHECK(ops == Ops{"Cast", "Mul", "Sub", "Mul", "Cast"});
  Network net = lower(g);
  HostTensor x = ramp(net.buffers[static_cast<size_t>(net.inputs[0])]);
  std::vector<double> y = run(net);
  for (size_t i = 0; i < y.size(); ++i) {
    double a = get(x, static_cast<int64_t>(i)), v = half_value(w[i % 3]);
    CHECK(y[i] == half_value(half_bits((a * v - a) * v)));
  }
}

TEST_CASE("If with a condition known only at run time computes both branches") {
  TestModel m;
  m.input("x", {2});
  m.input("c", {}, 9);
  auto& n = m.node("If", {"c"}, {"y"});
  for (const char* branch : {"then_branch", "else_branch"}) {
    auto& body = *attribute(n, branch, 5).mutable_g();
    TestModel::add(*body.add_node(), branch[0] == 't' ? "Relu" : "Neg", {"x"}, {"r"});
    TestModel::describe(*body.add_output(), "r", {2}, 1);
  }
  m.output("y", {2});
  CHECK(optimized(m) == Ops{"Relu", "Neg", "Where"});
}

}  // namespace
}  // namespace nasc
