// The zoo: deterministic bytes, the expected operators, and the published sizes of the full networks.
#include "test/zoo/zoo.h"

#include <onnx.pb.h>

#include <catch2/catch.hpp>
#include <map>
#include <string>

#include "ir/diag.h"
#include "test/zoo/builder.h"

using nasc::zoo_model;

namespace {

using Histogram = std::map<std::string, int>;

onnx::ModelProto parsed(const std::string& bytes) {
  onnx::ModelProto model;
  REQUIRE(model.ParseFromString(bytes));
  return model;
}

Histogram histogram(const std::string& bytes) {
  Histogram out;
  onnx::ModelProto model = parsed(bytes);
  for (const auto& node : model.graph().node()) ++out[node.op_type()];
  return out;
}

int64_t float_parameters(const onnx::ModelProto& model) {
  int64_t out = 0;
  for (const auto& tensor : model.graph().initializer())
    if (tensor.data_type() == onnx::TensorProto::FLOAT) out += static_cast<int64_t>(tensor.raw_data().size()) / 4;
  return out;
}

const std::map<std::string, Histogram> kTiny = {
    {"tiny-resnet",
     {{"Conv", 6}, {"Relu", 5}, {"MaxPool", 1}, {"Add", 2}, {"GlobalAveragePool", 1}, {"Flatten", 1}, {"Gemm", 1}}},
    {"tiny-resnext", {{"Conv", 9}, {"Relu", 7}, {"Add", 2}, {"AveragePool", 1}, {"Flatten", 1}, {"Gemm", 1}}},
    {"tiny-densenet",
     {{"Conv", 10},
      {"Relu", 11},
      {"BatchNormalization", 6},
      {"Concat", 4},
      {"AveragePool", 1},
      {"GlobalAveragePool", 1},
      {"Flatten", 1},
      {"Gemm", 1}}},
    {"tiny-mobilenet",
     {{"Conv", 10}, {"Clip", 7}, {"Add", 2}, {"GlobalAveragePool", 1}, {"Flatten", 1}, {"Gemm", 1}}},
    {"tiny-vgg", {{"Conv", 3}, {"Relu", 5}, {"MaxPool", 2}, {"Flatten", 1}, {"Gemm", 3}}},
    {"tiny-squeezenet",
     {{"Conv", 11}, {"Relu", 11}, {"MaxPool", 2}, {"Concat", 3}, {"GlobalAveragePool", 1}, {"Flatten", 1}}},
    {"tiny-bert",
     {{"Unsqueeze", 1}, {"Cast", 1},   {"Gather", 2},  {"Sub", 6},     {"Mul", 10},      {"Add", 32},   {"ReduceMean", 10},
      {"Pow", 5},       {"Sqrt", 5},   {"Div", 9},     {"MatMul", 16}, {"Reshape", 8},   {"Transpose", 8},
      {"Softmax", 2},   {"Erf", 2}}},
    {"tiny-mnist", {{"Conv", 2}, {"Relu", 2}, {"MaxPool", 2}, {"Reshape", 1}, {"MatMul", 1}, {"Add", 1}}},
};

}  // namespace

TEST_CASE("zoo: every tiny network has the operators of its family") {
  for (const nasc::ZooModel& model : nasc::zoo_models()) {
    std::string name = model.name;
    if (!name.starts_with("tiny-")) continue;
    CAPTURE(name);
    REQUIRE(kTiny.contains(name));
    CHECK(histogram(zoo_model(name)) == kTiny.at(name));
  }
}

TEST_CASE("zoo: the same seed gives the same bytes, another seed others") {
  for (const auto& [name, unused] : kTiny) {
    CAPTURE(name);
    std::string bytes = zoo_model(name, {.seed = 7});
    CHECK(bytes == zoo_model(name, {.seed = 7}));
    CHECK(bytes != zoo_model(name, {.seed = 8}));
  }
}

TEST_CASE("zoo: unfolded networks keep one BatchNormalization behind each folded convolution") {
  CHECK(histogram(zoo_model("tiny-resnet", {.fold_bn = false}))["BatchNormalization"] == 6);
  CHECK(histogram(zoo_model("tiny-mobilenet", {.fold_bn = false}))["BatchNormalization"] == 10);
  CHECK(histogram(zoo_model("tiny-densenet", {.fold_bn = false}))["BatchNormalization"] == 11);
}

TEST_CASE("zoo: full networks have the published numbers of convolutions and parameters") {
  struct Expected {
    const char* name;
    int convolutions;
    double million_parameters;
  };
  for (const Expected& e : {Expected{"resnet18", 20, 11.7}, Expected{"resnext29-2x64d-cifar", 31, 9.1},
                            Expected{"densenet121", 120, 8.0}, Expected{"mobilenetv2", 52, 3.5},
                            Expected{"squeezenet11", 26, 1.24}}) {
    CAPTURE(e.name);
    std::string bytes = zoo_model(e.name);
    CHECK(histogram(bytes)["Conv"] == e.convolutions);
    CHECK(static_cast<double>(float_parameters(parsed(bytes))) / 1e6 == Approx(e.million_parameters).epsilon(0.01));
  }
}

TEST_CASE("zoo: models are opset 13 with weights as raw data") {
  onnx::ModelProto model = parsed(zoo_model("tiny-resnet"));
  CHECK(model.ir_version() <= 8);
  REQUIRE(model.opset_import_size() == 1);
  CHECK(model.opset_import(0).version() == 13);
  for (const auto& tensor : model.graph().initializer()) CHECK(tensor.has_raw_data());
}

TEST_CASE("zoo: an unknown name is a usage error with the nearest name") {
  CHECK_THROWS_WITH(zoo_model("resnet33"), Catch::Contains("did you mean 'resnet34'"));
}

TEST_CASE("zoo: a test can build its own small graph") {
  nasc::ZooBuilder b("small");
  nasc::ZooValue x = b.input("x", {1, 4, 9, 9});
  nasc::ZooValue y = b.max_pool(b.conv_bn_relu(x, {.channels = 6, .stride = 2}), {.kernel = 2, .stride = 2, .ceil = true});
  CHECK(y.shape == nasc::ZooShape{1, 6, 3, 3});
  b.output(y);
  CHECK(histogram(b.bytes()) == Histogram{{"Conv", 1}, {"Relu", 1}, {"MaxPool", 1}});
  CHECK_THROWS_AS(b.conv(y, {.channels = 4, .group = 4}), nasc::InternalError);
}
