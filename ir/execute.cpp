// Buffers and calls of the executor.
#include "ir/execute.h"

#include <chrono>

#include "ir/execute_parts.h"
#include "ir/interpret.h"
#include "ir/scalar.h"

namespace nasc {
namespace {
HostTensor converted(const HostTensor& t, DType to) {
  HostTensor out = zeros(to, t.shape);
  int from = bytes(t.dtype), width = bytes(to);
  int64_t count = t.count();
  if (t.dtype == DType::f32 && to == DType::f64)
    std::copy(t.as<float>(), t.as<float>() + count, out.as<double>());
  else
    for (int64_t i = 0; i < count; ++i)
      store(to, out.bytes.data() + i * width, convert(t.dtype, to, load(t.dtype, t.bytes.data() + i * from)));
  return out;
}

bool has_halo(const Program& p) {
  for (const Tensor& t : p.tensors)
    for (auto [before, after] : layout_of(t).halo)
      if (before || after) return true;
  return false;
}

// The statements on bound tensors; local ones live here.
void run(const Program& p, ElementsByName tensors, const ParameterValues& values, const ExecuteOptions& options) {
  std::vector<HostTensor> local;
  local.reserve(p.tensors.size());
  for (const Tensor& t : p.tensors) {
    if (tensors.count(t.name)) continue;
    local.push_back(zeros(effective(t.dtype, options), evaluate(t.shape, values)));
    tensors[t.name] = {local.back().dtype, local.back().shape, local.back().bytes.data()};
  }
  for (const Statement& s : p.statements)
    if (!options.use_blas || !run_contraction(s, tensors, values)) run_rows(p, s, tensors, values, options);
}

void check_tensor(const std::string& where, const Tensor& t, const HostTensor& given) {
  if (given.dtype != t.dtype)
    throw UserError(code::bad_tensor, where, text("tensor ", t.name, " is ", name(t.dtype), ", given ", name(given.dtype)));
  if (static_cast<int64_t>(given.bytes.size()) != given.count() * bytes(t.dtype))
    throw UserError(code::bad_tensor, where, "tensor " + t.name + " has another number of bytes than its shape");
}
}  // namespace

void execute(const Program& p, Bindings& bindings, const ExecuteOptions& options) {
  if (has_halo(p)) return interpret(p, bindings, options.parameters);  // written and read outside the logical extents
  std::map<std::string, std::vector<int64_t>> shapes;
  for (const Tensor& t : p.tensors) {
    if (t.role != Role::input && t.role != Role::weight) continue;
    auto it = bindings.find(t.name);
    if (it == bindings.end() && t.payload && is_static(t.shape))
      it = bindings.emplace(t.name, host_tensor(t.dtype, constants(t.shape), t.payload)).first;
    if (it == bindings.end()) throw UserError(code::bad_tensor, p.name, "tensor " + t.name + " is not bound");
    check_tensor(p.name, t, it->second);
    shapes[t.name] = it->second.shape;
  }
  ParameterValues values = parameter_values(p, shapes, options.parameters);
  ElementsByName tensors;
  std::map<std::string, HostTensor> wide;
  for (const Tensor& t : p.tensors) {
    if (t.role == Role::temp) continue;
    DType type = effective(t.dtype, options);
    if (t.role == Role::output) bindings[t.name] = zeros(type, evaluate(t.shape, values));
    HostTensor* h = &bindings[t.name];
    if (h->dtype != type) h = &(wide[t.name] = converted(*h, type));
    tensors[t.name] = {type, h->shape, h->bytes.data()};
  }
  run(p, std::move(tensors), values, options);
}

namespace {
// Of a part, row-major in its root.
int64_t first_element(const Network& n, int buffer) {
  int64_t first = 0;
  for (int b = buffer; b >= 0; b = n.buffers[b].alias_of) {
    if (!n.buffers[b].part) continue;
    int64_t row = n.buffers[b].part->at;
    for (int d = n.buffers[b].part->dim + 1; d < n.buffers[b].rank(); ++d) row *= n.buffers[b].shape[d].constant();
    first += row;
  }
  return first;
}
}  // namespace

std::vector<HostTensor> execute(const Network& n, const std::vector<HostTensor>& inputs, const ExecuteOptions& options) {
  if (inputs.size() != n.inputs.size())
    throw UserError(code::bad_tensor, n.name, text(n.inputs.size(), " inputs wanted, ", inputs.size(), " given"));
  ParameterValues values = options.parameters;
  for (size_t k = 0; k < inputs.size(); ++k) {
    const Buffer& b = n.buffers[n.inputs[k]];
    check_tensor(n.name, b, inputs[k]);
    if (inputs[k].shape.size() != b.shape.size()) throw UserError(code::bad_shape, n.name, "rank of input " + b.name);
    for (int d = 0; d < b.rank(); ++d) {
      auto names = b.shape[d].parameters();
      if (names.size() == 1 && b.shape[d] == Extent::parameter(names[0])) values.emplace(names[0], inputs[k].shape[d]);
    }
  }
  std::map<int, HostTensor> memory;  // by root buffer
  std::vector<int> uses(n.buffers.size(), 0);
  for (const Call& c : n.calls)
    for (int a : c.args) ++uses[n.root(a)];
  for (int o : n.outputs) ++uses[n.root(o)];
  for (size_t k = 0; k < inputs.size(); ++k) {
    const Buffer& b = n.buffers[n.inputs[k]];
    if (evaluate(b.shape, values) != inputs[k].shape)
      throw UserError(code::bad_shape, n.name,
                      text("input ", b.name, " is ", text(b.shape), ", given ", text(shape_of(inputs[k].shape))));
    memory[n.inputs[k]] = converted(inputs[k], effective(b.dtype, options));
  }
  std::vector<Place> place = places(n);
  auto elements = [&](int buffer) -> Elements {
    int root = n.root(buffer);
    const Buffer& r = n.buffers[root];
    DType type = effective(r.dtype, options);
    std::vector<int64_t> shape = evaluate(n.buffers[buffer].shape, values);
    int64_t first = place[buffer].size ? first_element(n, buffer) : 0;
    if (r.payload && static_cast<int64_t>(r.payload.size) != element_count(shape) * bytes(r.dtype))
      throw UserError(code::bad_tensor, n.name, "weight " + r.name + " has another number of bytes than its shape");
    bool aligned = reinterpret_cast<uintptr_t>(r.payload.data) % bytes(r.dtype) == 0;
    if (r.payload && type == r.dtype && aligned)  // mapped weights are only read
      return {type, shape, const_cast<std::byte*>(r.payload.data)};
    auto it = memory.find(root);
    if (it == memory.end()) {
      std::vector<int64_t> whole = evaluate(r.shape, values);
      if (r.role == Role::weight && !r.payload)
        throw UserError(code::bad_tensor, n.name, "weight " + r.name + " has no payload");
      it = memory.emplace(root, r.payload ? converted(host_tensor(r.dtype, whole, r.payload), type) : zeros(type, whole)).first;
    }
    return {type, shape, it->second.bytes.data() + first * bytes(type)};
  };
  for (const Call& c : n.calls) {
    auto start = std::chrono::steady_clock::now();
    const Program& p = *n.programs[c.program];
    if (has_halo(p)) throw UserError(code::unsupported_shape, c.name, "the executor takes Networks before layouts with halos");
    ElementsByName tensors;
    std::map<std::string, std::vector<int64_t>> shapes;
    std::vector<int> bound = Network::bound(p);
    for (size_t k = 0; k < bound.size(); ++k) {
      const Tensor& t = p.tensors[bound[k]];
      shapes[t.name] = (tensors[t.name] = elements(c.args[k])).shape;
    }
    run(p, std::move(tensors), parameter_values(p, shapes, values), options);
    for (int a : c.args)
      if (--uses[n.root(a)] == 0) memory.erase(n.root(a));
    if (options.trace)
      options.trace(c, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
  std::vector<HostTensor> outputs;
  for (int o : n.outputs) {
    Elements e = elements(o);
    HostTensor t = zeros(e.dtype, e.shape);
    if (!t.bytes.empty()) std::memcpy(t.bytes.data(), e.data, t.bytes.size());
    outputs.push_back(std::move(t));
  }
  return outputs;
}

}  // namespace nasc
