// Adjoints of operators against finite differences in double, and prepared Networks against the executor.
#include <catch2/catch.hpp>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>

#include "frontend/op.h"
#include "ir/adjoint.h"
#include "ir/execute.h"
#include "ir/prepared.h"
#include "ir/text.h"
#include "legality/scoring_programs.h"

using namespace nasc;

namespace {
struct Operand {
  std::vector<int64_t> shape;
  std::vector<int64_t> integers = {};  // a constant of these values
};

Program program_of(const std::string& op, const std::vector<Operand>& operands, const std::map<std::string, Attribute>& attributes, int opset = 17) {
  Graph g;
  g.opset = opset;
  Node node;
  node.op = op;
  node.attributes = attributes;
  for (size_t k = 0; k < operands.size(); ++k) {
    bool integers = !operands[k].integers.empty();
    ValueId v = g.add_value("x" + std::to_string(k), integers ? DType::i64 : DType::f32);
    g.value(v).shape = shape_of(operands[k].shape);
    if (integers) g.value(v).constant = Constant{DType::i64, operands[k].shape, payload_of(operands[k].integers)};
    node.inputs.push_back(v);
  }
  node.outputs = {g.add_value("y", DType::none)};
  auto instance = instantiate(g, node);
  REQUIRE(instance.program);
  Program p = *instance.program;
  p.origin = op;
  for (auto [letter, i] : instance.inputs) {
    const Value& v = g.value(node.inputs[static_cast<size_t>(i)]);
    if (!v.constant) continue;
    p.tensor(letter).role = Role::weight;
    p.tensor(letter).payload = v.constant->payload;
  }
  return p;
}

HostTensor random_tensor(const Tensor& t, std::mt19937& rng) {
  HostTensor h = zeros(DType::f32, constants(t.shape));
  // Distinct multiples of 1/16 about zero: maxima have no ties, and kinks are not within reach of a difference.
  std::vector<int> order(static_cast<size_t>(h.count()));
  std::iota(order.begin(), order.end(), -static_cast<int>(h.count()) / 2);
  std::shuffle(order.begin(), order.end(), rng);
  double unit = std::ldexp(1.0, -static_cast<int>(std::ceil(std::log2(h.count() + 8.0))) + 2);
  for (int64_t i = 0; i < h.count(); ++i) set(h, i, order[static_cast<size_t>(i)] * unit + unit / 4);
  return h;
}

// sum of weights . outputs, in double
double objective(const Program& p, Bindings b, const Bindings& cotangents) {
  execute(p, b, {.in_double = true});
  double sum = 0;
  for (const auto& [name, c] : cotangents)
    for (int64_t i = 0; i < c.count(); ++i) sum += get(c, i) * get(b.at(name), i);
  return sum;
}

// execute() takes f32; the step is a power of two times the value's grid, so that x + h is exact.
void check_adjoint(const Program& p, unsigned seed = 1) {
  std::mt19937 rng(seed);
  Bindings values, cotangents;
  std::vector<std::string> wanted, given;
  for (const Tensor& t : p.tensors) {
    if (t.role == Role::output) {
      given.push_back(t.name);
      cotangents[t.name] = random_tensor(t, rng);
    } else if (t.role != Role::temp && is_float(t.dtype) && !t.payload) {
      wanted.push_back(t.name);
      values[t.name] = random_tensor(t, rng);
    }
  }
  Program d = adjoint(p, wanted, given);
  Bindings forward = values, back;
  execute(p, forward);
  for (const Tensor& t : d.tensors) {
    if (t.role == Role::temp || t.role == Role::output) continue;
    if (forward.count(t.name)) back[t.name] = forward[t.name];
    else if (t.name.starts_with("d_")) back[t.name] = cotangents.at(t.name.substr(2));
    else back[t.name] = host_tensor(t.dtype, constants(t.shape), p.tensor(t.name).payload);
  }
  execute(d, back, {.in_double = true});
  for (const std::string& w : wanted) {
    const HostTensor& gradient = back.at("d_" + w);
    HostTensor direction = random_tensor(p.tensor(w), rng);
    constexpr double kStep = 1.0 / 16384;
    auto moved = [&](double h) {
      Bindings b = values;
      for (int64_t i = 0; i < direction.count(); ++i) set(b[w], i, get(values[w], i) + h * get(direction, i));
      return objective(p, b, cotangents);
    };
    double numeric = (moved(kStep) - moved(-kStep)) / (2 * kStep), exact = 0, scale = 1;
    for (int64_t i = 0; i < direction.count(); ++i) {
      exact += get(gradient, i) * get(direction, i);
      scale += std::abs(get(gradient, i) * get(direction, i));
    }
    INFO(p.origin << " by " << w);
    CHECK(std::abs(numeric - exact) < 2e-5 * scale);
  }
}
using Ints = std::vector<int64_t>;
}  // namespace

TEST_CASE("adjoint: gradients of operators are those of finite differences", "[adjoint]") {
  check_adjoint(program_of("Conv", {{{2, 4, 7, 6}}, {{6, 4, 3, 3}}, {{6}}}, {{"pads", Ints{1, 1, 1, 1}}}));
  check_adjoint(program_of("Conv", {{{2, 4, 7, 6}}, {{6, 2, 3, 3}}}, {{"pads", Ints{1, 1, 1, 1}}, {"strides", Ints{2, 2}}, {"group", int64_t{2}}}));
  check_adjoint(program_of("Conv", {{{1, 4, 9, 9}}, {{4, 1, 3, 3}}}, {{"pads", Ints{2, 2, 2, 2}}, {"dilations", Ints{2, 2}}, {"group", int64_t{4}}}));
  check_adjoint(program_of("ConvTranspose", {{{1, 3, 4, 4}}, {{3, 2, 3, 3}}}, {{"strides", Ints{2, 2}}}));
  check_adjoint(program_of("Gemm", {{{3, 5}}, {{4, 5}}, {{4}}}, {{"transB", int64_t{1}}}));
  check_adjoint(program_of("MatMul", {{{2, 3, 5}}, {{5, 4}}}, {}));
  check_adjoint(program_of("Add", {{{2, 3, 4}}, {{3, 1}}}, {}));
  check_adjoint(program_of("Mul", {{{2, 3, 4}}, {{2, 3, 4}}}, {}));
  check_adjoint(program_of("Relu", {{{2, 3, 4}}}, {}));
  check_adjoint(program_of("Sigmoid", {{{2, 3, 4}}}, {}));
  check_adjoint(program_of("Tanh", {{{2, 3, 4}}}, {}));
  check_adjoint(program_of("LeakyRelu", {{{2, 3, 4}}}, {}));
  check_adjoint(program_of("MaxPool", {{{1, 2, 7, 7}}}, {{"kernel_shape", Ints{3, 3}}, {"strides", Ints{2, 2}}, {"pads", Ints{1, 1, 1, 1}}}), 5);
  check_adjoint(program_of("AveragePool", {{{1, 2, 6, 6}}}, {{"kernel_shape", Ints{3, 3}}, {"pads", Ints{1, 1, 1, 1}}}));
  check_adjoint(program_of("GlobalAveragePool", {{{2, 3, 4, 4}}}, {}));
  check_adjoint(program_of("BatchNormalization", {{{2, 3, 4, 4}}, {{3}}, {{3}}, {{3}}, {{3}}}, {{"epsilon", 9.0}}));
  check_adjoint(program_of("InstanceNormalization", {{{2, 3, 4, 4}}, {{3}}, {{3}}}, {}));
  check_adjoint(program_of("Softmax", {{{3, 5}}}, {{"axis", int64_t{1}}}));
  check_adjoint(program_of("Concat", {{{2, 3, 4}}, {{2, 2, 4}}}, {{"axis", int64_t{1}}}));
  check_adjoint(program_of("Slice", {{{2, 6, 4}}, {{1}, {1}}, {{1}, {5}}, {{1}, {1}}}, {}));
  check_adjoint(program_of("Pad", {{{1, 2, 3, 3}}, {{8}, {0, 0, 1, 1, 0, 0, 1, 2}}}, {}));
  check_adjoint(program_of("ReduceMean", {{{2, 3, 4}}}, {{"axes", Ints{2}}}));
  check_adjoint(program_of("Transpose", {{{2, 3, 4}}}, {{"perm", Ints{2, 0, 1}}}));
}

TEST_CASE("adjoint: a maximum with ties goes to the first point", "[adjoint]") {
  Program p = program_of("MaxPool", {{{1, 1, 2, 2}}}, {{"kernel_shape", Ints{2, 2}}});
  Program d = adjoint(p, {"X"}, {"Y"});
  Bindings b;
  b["X"] = host_tensor<float>(DType::f32, {1, 1, 2, 2}, {0, 3, 3, 3});
  b["Y"] = host_tensor<float>(DType::f32, {1, 1, 1, 1}, {3});
  b["d_Y"] = host_tensor<float>(DType::f32, {1, 1, 1, 1}, {2});
  execute(d, b);
  CHECK(to_doubles(b["d_X"]) == std::vector<double>{0, 2, 0, 0});
}

namespace {
// One call of `p`, and of its adjoint, as a Network.
Network network_of(const Program& p, bool with_adjoint) {
  Appender into{Network{}};
  std::vector<int> args, wanted;
  int out = -1;
  for (const Tensor& t : p.tensors) {
    if (t.role == Role::temp) continue;
    int b = into.buffer(t.name, t.dtype, t.shape, t.role);
    args.push_back(b);
    if (t.role == Role::output) out = b;
    else wanted.push_back(b);
    if (t.role == Role::input) into.network.inputs.push_back(b);
  }
  into.call(p, args, "layer");
  into.network.outputs = {out};
  if (with_adjoint) {
    int seed = into.buffer("seed", DType::f32, p.tensor("Y").shape, Role::input);
    into.network.inputs.push_back(seed);
    for (int d : add_adjoints(into, out, seed, wanted)) {
      into.network.buffers.edit(static_cast<size_t>(d)).role = Role::output;
      into.network.outputs.push_back(d);
    }
  }
  verify(into.network);
  return into.network;
}

void check_prepared(const Program& p, unsigned seed = 3) {
  Network n = network_of(p, true);
  std::mt19937 rng(seed);
  std::vector<HostTensor> inputs;
  for (int i : n.inputs) inputs.push_back(random_tensor(n.buffers[static_cast<size_t>(i)], rng));
  std::vector<HostTensor> expected = execute(n, inputs, {.in_double = true});
  std::map<int, const HostTensor*> bound;
  for (size_t k = 0; k < inputs.size(); ++k) bound[n.inputs[k]] = &inputs[k];
  Prepared prepared(n);
  for (int again = 0; again < 2; ++again) {
    std::vector<HostTensor> got = prepared.run(bound);
    for (size_t o = 0; o < got.size(); ++o) {
      double scale = 1, worst = 0;
      for (int64_t i = 0; i < got[o].count(); ++i) {
        scale = std::max(scale, std::abs(get(expected[o], i)));
        worst = std::max(worst, std::abs(get(expected[o], i) - get(got[o], i)));
      }
      INFO(p.origin << " output " << o);
      CHECK(worst < 2e-5 * scale);
    }
  }
}
}  // namespace

TEST_CASE("prepared: layers and their adjoints give what the executor gives", "[prepared]") {
  check_prepared(program_of("Conv", {{{4, 8, 9, 8}}, {{16, 8, 3, 3}}, {{16}}}, {{"pads", Ints{1, 1, 1, 1}}}));
  check_prepared(program_of("Conv", {{{4, 8, 9, 8}}, {{16, 4, 3, 3}}}, {{"pads", Ints{1, 1, 1, 1}}, {"strides", Ints{2, 2}}, {"group", int64_t{2}}}));
  check_prepared(program_of("Conv", {{{4, 8, 2, 2}}, {{16, 8, 3, 3}}}, {{"pads", Ints{1, 1, 1, 1}}}));  // a window larger than the map
  check_prepared(program_of("Conv", {{{4, 8, 9, 8}}, {{16, 8, 3, 2}}}, {{"pads", Ints{0, 1, 2, 3}}, {"dilations", Ints{2, 3}}}));
  check_prepared(program_of("Conv", {{{4, 8, 9, 8}}, {{8, 1, 3, 3}}}, {{"pads", Ints{1, 1, 1, 1}}, {"group", int64_t{8}}}));
  check_prepared(program_of("Conv", {{{4, 16, 9, 8}}, {{8, 16, 1, 1}}}, {{"strides", Ints{2, 2}}}));
  check_prepared(program_of("Gemm", {{{8, 20}}, {{10, 20}}, {{10}}}, {{"transB", int64_t{1}}}));
  check_prepared(program_of("MaxPool", {{{4, 3, 9, 9}}}, {{"kernel_shape", Ints{3, 3}}, {"strides", Ints{2, 2}}, {"pads", Ints{1, 1, 1, 1}}}));
  check_prepared(program_of("AveragePool", {{{2, 3, 6, 6}}}, {{"kernel_shape", Ints{3, 3}}, {"pads", Ints{1, 1, 1, 1}}}));
  check_prepared(program_of("GlobalAveragePool", {{{2, 3, 4, 4}}}, {}));
  check_prepared(program_of("Relu", {{{4, 8, 9, 8}}}, {}));
  check_prepared(program_of("Add", {{{4, 8, 9, 8}}, {{4, 8, 9, 8}}}, {}));
  check_prepared(program_of("Concat", {{{2, 3, 4, 4}}, {{2, 2, 4, 4}}}, {{"axis", int64_t{1}}}));
  check_prepared(program_of("InstanceNormalization", {{{2, 3, 4, 4}}, {{3}}, {{3}}}, {}));
}

TEST_CASE("adjoint: values that are computed again need not be held, and change nothing") {
  const Shape shape = {4, 3, 5, 5};
  Program relu = parse_program(R"(program relu origin "Relu" {
  tensor X : f32[4, 3, 5, 5] input
  tensor Y : f32[4, 3, 5, 5] output
  stmt s { s[n, c, h, w] : 0 <= n < 4 and 0 <= c < 3 and 0 <= h < 5 and 0 <= w < 5 }
    Y[n, c, h, w] = max(X[n, c, h, w], 0)
})");
  std::mt19937 rng(1);
  Buffer image{};
  image.dtype = DType::f32, image.shape = shape;
  HostTensor x = random_tensor(image, rng), g = random_tensor(image, rng);
  auto gradient = [&](bool held, size_t& bytes) {
    Appender into{Network{}};
    std::map<int, Call> again;
    int first = into.buffer("X", DType::f32, shape, Role::input), seed = into.buffer("G", DType::f32, shape, Role::input), at = first;
    for (int layer = 0; layer < 6; ++layer) {
      int y = into.buffer("Y", DType::f32, shape), m = into.buffer("M", DType::f32, {3}), r = into.buffer("R", DType::f32, {3});
      into.call(into.program(scoring_program("norm", {shape}, 3)), {at, y, m, r}, "norm");
      again[y] = {into.program(scoring_program("norm-again", {shape, {3}, {3}}, 1)), {at, m, r, y}, "norm"};
      at = into.buffer("Z", DType::f32, shape);
      into.call(relu, {y, at}, "relu");
    }
    int out = add_adjoints(into, at, seed, {first}, held ? std::map<int, Call>{} : again)[0];
    into.network.buffers.edit(static_cast<size_t>(out)).role = Role::output;
    into.network.inputs = {first, seed}, into.network.outputs = {out};
    verify(into.network);
    Prepared prepared(into.network);
    bytes = prepared.activation_bytes();
    return to_doubles(prepared.run({{first, &x}, {seed, &g}})[0]);
  };
  size_t held = 0, computed = 0;
  std::vector<double> wanted = gradient(true, held);
  CHECK(gradient(false, computed) == wanted);
  CHECK(computed < held);
  CHECK(held < 19 * 4 * 300);  // of 30 tensors: others lie where those were
}
