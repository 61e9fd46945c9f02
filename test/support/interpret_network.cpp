// One call after another, each on copies of its tensors.
#include "test/support/interpret_network.h"

#include <cmath>

namespace nasc {
namespace {
int64_t value_of(const Extent& e, const ParameterValues& values) {
  return e.evaluate([&](const std::string& name) {
    auto it = values.find(name);
    if (it == values.end()) throw UserError(code::bad_shape, "", "no input gives the extent " + name);
    return it->second;
  });
}
std::vector<int64_t> shape_of(const Shape& shape, const ParameterValues& values) {
  std::vector<int64_t> out;
  for (const Extent& e : shape) out.push_back(value_of(e, values));
  return out;
}
}  // namespace

ParameterValues parameters_of(const Network& net, const std::vector<HostTensor>& inputs) {
  ParameterValues values;
  if (inputs.size() != net.inputs.size())
    throw UserError(code::bad_tensor, "", text(inputs.size(), " inputs for a network of ", net.inputs.size()));
  for (int pass = 0; pass < 2; ++pass)
    for (size_t k = 0; k < inputs.size(); ++k) {
      const Buffer& b = net.buffers[static_cast<size_t>(net.inputs[k])];
      bool fits = b.dtype == inputs[k].dtype && b.shape.size() == inputs[k].shape.size();
      for (size_t i = 0; i < b.shape.size() && fits; ++i) {
        if (pass == 0 && b.shape[i].parameters() == std::vector<std::string>{b.shape[i].text()}) values.emplace(b.shape[i].text(), inputs[k].shape[i]);
        if (pass == 1) fits = value_of(b.shape[i], values) == inputs[k].shape[i];
      }
      if (!fits) throw UserError(code::bad_shape, "", text("input ", escaped(b.original), " wants ", name(b.dtype), text(b.shape)));
    }
  return values;
}

std::vector<HostTensor> interpret_network(const Network& net, const std::vector<HostTensor>& inputs) {
  ParameterValues values = parameters_of(net, inputs);
  std::vector<HostTensor> buffers(net.buffers.size());
  for (size_t b = 0; b < net.buffers.size(); ++b) {
    const Buffer& buffer = net.buffers[b];
    if (buffer.role == Role::weight) buffers[b] = host_tensor(buffer.dtype, shape_of(buffer.shape, values), buffer.payload);
  }
  for (size_t k = 0; k < inputs.size(); ++k) buffers[static_cast<size_t>(net.inputs[k])] = inputs[k];
  for (const Call& call : net.calls) {
    const Program& p = *net.programs[static_cast<size_t>(call.program)];
    ParameterValues all = values;
    for (const auto& [name, extent] : p.parameters()) all.emplace(name, value_of(extent, values));
    Bindings bindings;
    std::vector<int> bound = Network::bound(p);
    for (size_t k = 0; k < bound.size(); ++k) {
      const Tensor& t = p.tensors[static_cast<size_t>(bound[k])];
      if (t.role == Role::output) continue;
      HostTensor v = buffers[static_cast<size_t>(net.root(call.args[k]))];
      v.shape = shape_of(t.shape, values);
      bindings[t.name] = std::move(v);
    }
    interpret(p, bindings, all);
    for (size_t k = 0; k < bound.size(); ++k) {
      const Tensor& t = p.tensors[static_cast<size_t>(bound[k])];
      if (t.role == Role::output) buffers[static_cast<size_t>(net.root(call.args[k]))] = std::move(bindings[t.name]);
    }
  }
  std::vector<HostTensor> outputs;
  for (int o : net.outputs) {
    outputs.push_back(buffers[static_cast<size_t>(net.root(o))]);
    outputs.back().shape = shape_of(net.buffers[static_cast<size_t>(o)].shape, values);
  }
  return outputs;
}

std::string difference(const HostTensor& y, const HostTensor& r, double rtol, double atol) {
  if (y.dtype != r.dtype) return text("type ", name(y.dtype), " instead of ", name(r.dtype));
  if (y.shape != r.shape) return "another shape";
  bool exact = !is_float(y.dtype);
  for (int64_t i = 0; i < y.count(); ++i) {
    double a = get(y, i), b = get(r, i);
    if (a == b || (std::isnan(a) && std::isnan(b))) continue;
    if (exact || !(std::fabs(a - b) <= rtol * std::fabs(b) + atol)) return text("element ", i, " of ", y.count(), ": ", a, " instead of ", b);
  }
  return "";
}

}  // namespace nasc
