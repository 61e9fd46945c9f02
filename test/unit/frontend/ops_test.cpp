// The operator registry: every definition parses, hooks stay few, and one node of each family makes a Program.
#include <catch2/catch.hpp>
#include <set>

#include "frontend/op.h"

using namespace nasc;

namespace {

struct In {
  Shape shape;
  DType dtype = DType::f32;
  std::optional<std::vector<int64_t>> content{};
};

// One node with these inputs; values are named a, b, c, ..
struct Case {
  std::string op;
  std::vector<In> inputs;
  std::map<std::string, Attribute> attributes{};
  int opset = 22, outputs = 1;
};

Instance instance(const Case& c) {
  Graph g;
  g.opset = c.opset;
  Node n;
  n.op = c.op;
  n.name = "n0";
  n.attributes = c.attributes;
  for (const In& in : c.inputs) {
    ValueId id = g.add_value(std::string(1, static_cast<char>('a' + n.inputs.size())), in.dtype);
    g.value(id).shape = in.shape;
    if (in.content) g.value(id).content = std::vector<Extent>(in.content->begin(), in.content->end());
    n.inputs.push_back(id);
  }
  for (int k = 0; k < c.outputs; ++k) n.outputs.push_back(g.add_value("out", DType::none));
  Instance i = instantiate(g, n);
  if (i.program) verify(*i.program);
  return i;
}
std::string shape(const Case& c) { return text(instance(c).shapes.at(0)); }
std::string error(const Case& c) {
  try {
    instance(c);
    return "";
  } catch (const UserError& e) {
    return e.line();
  }
}
using Ints = std::vector<int64_t>;
const Extent N = Extent::parameter("N");

}  // namespace

TEST_CASE("ops: every definition parses") {
  for (const OpDef* def : registry_storage<OpDef>()) {
    INFO(def->name << " " << def->since);
    CHECK_NOTHROW(definition_of(*def));
  }
  CHECK(op_names().size() > 130);
}

TEST_CASE("ops: at most ten definitions have a hook") {
  std::set<std::string> hooked;
  for (const OpDef* def : registry_storage<OpDef>())
    if (def->hook) hooked.insert(def->name);
  CAPTURE(hooked);
  CHECK(hooked.size() <= 10);
}

TEST_CASE("ops: versions are chosen by opset") {
  CHECK(find_op("Softmax", "", 12)->since == 1);
  CHECK(find_op("Softmax", "ai.onnx", 13)->since == 13);
  CHECK(find_op("Gelu", "", 13) == nullptr);
  CHECK(find_op("Add", "com.acme", 13) == nullptr);
}

TEST_CASE("ops: one node of each family makes shapes and a valid Program") {
  CHECK(shape({"Conv", {{{1, 4, 8, 8}}, {{6, 2, 3, 3}}, {{6}}}, {{"group", int64_t{2}}, {"pads", Ints{1, 1, 1, 1}}}}) == "[1, 6, 8, 8]");
  CHECK(shape({"ConvTranspose", {{{1, 4, 5}}, {{4, 3, 3}}}, {{"strides", Ints{2}}}}) == "[1, 3, 11]");
  CHECK(shape({"MaxPool", {{{1, 4, 7, 7}}}, {{"kernel_shape", Ints{2, 2}}, {"strides", Ints{2, 2}}, {"ceil_mode", int64_t{1}}}}) == "[1, 4, 4, 4]");
  CHECK(shape({"Relu", {{{2, 3}}}}) == "[2, 3]");
  CHECK(shape({"Add", {{{2, 1, 4}}, {{3, 1}}}}) == "[2, 3, 4]");
  CHECK(shape({"Gemm", {{{2, 3}}, {{4, 3}}, {{4}}}, {{"transB", int64_t{1}}}}) == "[2, 4]");
  CHECK(shape({"MatMul", {{{5, 1, 2, 3}}, {{4, 3, 6}}}}) == "[5, 4, 2, 6]");
  CHECK(shape({"BatchNormalization", {{{1, 4, 3, 3}}, {{4}}, {{4}}, {{4}}, {{4}}}}) == "[1, 4, 3, 3]");
  CHECK(shape({"Softmax", {{{2, 3, 4}}}}) == "[2, 3, 4]");
  CHECK(shape({"ReduceMean", {{{2, 3, 4}}, {{1}, DType::i64, Ints{1}}}}) == "[2, 1, 4]");
  CHECK(shape({"ArgMax", {{{2, 3, 4}}}, {{"axis", int64_t{-1}}, {"keepdims", int64_t{0}}}}) == "[2, 3]");
  CHECK(shape({"Concat", {{{2, 3}}, {{2, 5}}}, {{"axis", int64_t{1}}}}) == "[2, 8]");
  CHECK(shape({"Transpose", {{{2, 3, 4}}}, {{"perm", Ints{2, 0, 1}}}}) == "[4, 2, 3]");
  CHECK(shape({"Slice", {{{8}}, {{1}, DType::i64, Ints{-1}}, {{1}, DType::i64, Ints{-100}}, {{1}, DType::i64, Ints{0}}, {{1}, DType::i64, Ints{-2}}}}) == "[4]");
  CHECK(shape({"Gather", {{{5, 3}}, {{2, 2}, DType::i64}}}) == "[2, 2, 3]");
  CHECK(shape({"Resize", {{{1, 1, 4, 4}}, {{0}}, {{0}}, {{4}, DType::i64, Ints{1, 1, 8, 6}}}, {{"mode", std::string("linear")}}}) == "[1, 1, 8, 6]");
  CHECK(shape({"LayerNormalization", {{{2, 3, 4}}, {{4}}, {{4}}}}) == "[2, 3, 4]");
  CHECK(shape({"QuantizeLinear", {{{2, 3}}, {{}}, {{}, DType::u8}}}) == "[2, 3]");
  CHECK(instance({"Split", {{{7, 2}}}, {{"num_outputs", int64_t{3}}}, 18, 3}).shapes.size() == 3);
}

TEST_CASE("ops: views and contents need no Program") {
  Instance i = instance({"Reshape", {{{2, 3, 4}}, {{2}, DType::i64, Ints{0, -1}}}});
  CHECK(i.view_of == 0);
  CHECK(!i.program);
  CHECK(text(i.shapes[0]) == "[2, 12]");
  i = instance({"Shape", {{{N, 3}}}});
  CHECK(text(i.contents[0].value()) == "[N, 3]");
}

TEST_CASE("ops: extents may be symbolic") {
  CHECK(shape({"Conv", {{{N, 4, 8, 8}}, {{6, 4, 3, 3}}}}) == "[N, 6, 6, 6]");
  CHECK(shape({"Reshape", {{{N, 3, 4}}, {{2}, DType::i64, Ints{0, -1}}}}) == "[N, 12]");
  CHECK(shape({"MatMul", {{{N, 2, 3}}, {{3, 6}}}}) == "[N, 2, 6]");
  CHECK(shape({"Add", {{{N, 3}}, {{N, 1}}}}) == "[N, 3]");
  CHECK(shape({"Softmax", {{{N, 10}}}}) == "[N, 10]");
  CHECK(shape({"Concat", {{{N, 3}}, {{N, 3}}}, {{"axis", int64_t{0}}}}) == "[2*N, 3]");
}

TEST_CASE("ops: errors name the node and what is wrong") {
  CHECK_THAT(error({"Conv", {{{1, 4, 8, 8}}, {{6, 4, 3, 3}}}, {{"strides", Ints{0, 1}}}}), Catch::Contains("n0") && Catch::Contains("strides"));
  CHECK_THAT(error({"Conv", {{{1, 4, 8, 8}}, {{6, 4, 3, 3}}}, {{"strides", 1.5}}}), Catch::Contains("strides") && Catch::Contains("bad-attribute"));
  CHECK_THAT(error({"Conv", {{{1, 4, 8, 8}}, {{6, 5, 3, 3}}}}), Catch::Contains("bad-") && Catch::Contains("'b'"));
  CHECK_THAT(error({"Conv", {{{1, 4, 4, 4}}, {{6, 4, 9, 9}}}}), Catch::Contains("n0"));
  CHECK_THAT(error({"Concat", {{{2, 3}}}}), Catch::Contains("axis"));
  CHECK_THAT(error({"Add", {{{2, 3}}, {{4}}}}), Catch::Contains("broadcast"));
  CHECK_THAT(error({"Add", {{{2}}, {{2}, DType::i64}}}), Catch::Contains("bad-type"));
  CHECK_THAT(error({"Add", {{{2}}}}), Catch::Contains("missing"));
  CHECK_THAT(error({"Relu", {{{2}, DType::boolean}}}), Catch::Contains("bad-type"));
  CHECK_THAT(error({"Reshape", {{{2, 3}}, {{2}, DType::i64}}}), Catch::Contains("run-time data"));
  CHECK_THAT(error({"Frobnicate", {{{2}}}}), Catch::Contains("Frobnicate"));
  CHECK_THAT(error({"ConstantOfShape", {{{2}, DType::i64, Ints{1000000, 1000000}}}}), Catch::Contains("limit"));
}
