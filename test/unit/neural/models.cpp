#include "models.h"

#include <catch2/catch.hpp>
#include <cmath>

#include "frontend/import.h"
#include "frontend/lower.h"
#include "ir/execute.h"
#include "polyhedral/neural/edit.h"
#include "test/zoo/builder.h"
#include "test/zoo/zoo.h"

namespace nasc::test {

std::string one_conv_model(const OneConv& c) {
  ZooBuilder b("one_conv", 7);
  ZooValue x = b.input("image", {c.images, c.channels, c.rows, c.columns});
  ZooValue w = b.normal("w", {c.outputs, c.channels / c.groups, c.kernel, c.kernel}, 0.1);
  std::vector<ZooValue> in = {x, w};
  if (c.bias) in.push_back(b.normal("b", {c.outputs}, 1));
  int64_t rows = (c.rows + 2 * c.pad - c.kernel) / c.stride + 1, columns = (c.columns + 2 * c.pad - c.kernel) / c.stride + 1;
  ZooValue y = b.node("Conv", in, {c.images, c.outputs, rows, columns},
                      {{"pads", ZooShape{c.pad, c.pad, c.pad, c.pad}},
                       {"strides", ZooShape{c.stride, c.stride}},
                       {"group", c.groups}});
  b.output(y);
  return b.bytes();
}

Graph graph_of(const std::string& bytes) {
  Instances instances;
  return import_graph(read_onnx(file_bytes(bytes), "test.onnx"), instances, {});
}

Module module_of(const Graph& graph) {
  Target target;
  target.cpu = "x86-64-v3";
  return textual_module(lower(graph), target);
}

Module one_conv(const OneConv& c) {
  Module m = module_of(graph_of(one_conv_model(c)));
  for (Call& call : m.network.calls) call.name = "conv";
  return m;
}

Module zoo_module(const std::string& name) { return module_of(graph_of(zoo_model(name))); }

Expected<Module> with_steps(Module m, const std::vector<std::string>& steps) {
  for (const std::string& step : steps) {
    auto next = apply(m, parse_step(step));
    if (!next) return next;
    m = std::move(*next);
    verify(m.network);
  }
  return m;
}

Module after(Module m, const std::vector<std::string>& steps) {
  auto out = with_steps(std::move(m), steps);
  if (!out) FAIL(out.error().code << ": " << out.error().text);
  return std::move(*out);
}

Expected<ConvForm> form_after(ConvForm form, const std::vector<std::string>& steps) {
  for (const std::string& step : steps) {
    auto next = apply_to_form(form, parse_step(step));
    if (!next) return next;
    form = std::move(*next);
  }
  return form;
}

ConvForm form_of(const Module& m, const std::string& layer) {
  auto call = find_layer(m.network, layer);
  REQUIRE(call);
  auto form = conv_form(*m.network.programs[static_cast<size_t>(m.network.calls[static_cast<size_t>(*call)].program)]);
  if (!form) FAIL(form.error().code << ": " << form.error().text);
  return *form;
}

HostTensor noise(const std::vector<int64_t>& shape, uint64_t seed) {
  HostTensor out = zeros(DType::f32, shape);
  uint32_t state = static_cast<uint32_t>(seed) * 2654435761u + 1;
  for (int64_t k = 0; k < out.count(); ++k)
    out.as<float>()[k] = static_cast<float>((state = state * 1664525 + 1013904223) >> 8) / (1 << 23) - 1;
  return out;
}

std::vector<double> run(const Network& n, uint64_t seed) {
  std::vector<HostTensor> inputs;
  for (int b : n.inputs) inputs.push_back(noise(constants(n.buffers[static_cast<size_t>(b)].shape), seed));
  return to_doubles(execute(n, inputs, {.in_double = true, .use_blas = false})[0]);
}

double distance(const std::vector<double>& a, const std::vector<double>& b) {
  if (a.size() != b.size()) return INFINITY;
  double most = 0, scale = 0;
  for (size_t k = 0; k < a.size(); ++k) most = std::max(most, std::fabs(a[k] - b[k])), scale = std::max(scale, std::fabs(b[k]));
  return most / scale;
}

}  // namespace nasc::test
