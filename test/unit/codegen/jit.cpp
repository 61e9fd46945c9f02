// Running emitted kernels on row-major tensors, and comparing them with the interpreter.
#include "test/unit/codegen/jit.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstring>
#include <random>
#include <thread>

#include "ir/interpret.h"

namespace nasc::test {

namespace {
template <class F>
void each_element(const Tensor& t, const std::vector<int64_t>& shape, F&& f) {
  Tensor fixed = t;
  fixed.shape = shape_of(shape);
  Layout layout = layout_of(fixed);
  std::vector<int64_t> strides = constants(physical_strides(fixed)), index(shape.size(), 0);
  int64_t count = nasc::element_count(shape);
  for (int64_t n = 0; n < count; ++n) {
    f(n, offset_of(layout, strides, index.data()));
    for (size_t d = shape.size(); d-- > 0 && ++index[d] == shape[d];) index[d] = 0;
  }
}
}  // namespace

std::vector<std::byte> to_storage(const Tensor& t, const HostTensor& value) {
  Tensor fixed = t;
  fixed.shape = shape_of(value.shape);
  size_t width = bytes(t.dtype);
  std::vector<std::byte> out(storage_bytes(fixed).constant());
  each_element(t, value.shape, [&](int64_t n, int64_t at) {
    std::memcpy(out.data() + at * width, value.bytes.data() + n * width, width);
  });
  return out;
}
HostTensor from_storage(const Tensor& t, const std::vector<int64_t>& shape, const std::byte* from) {
  size_t width = bytes(t.dtype);
  HostTensor out = zeros(t.dtype, shape);
  each_element(t, shape, [&](int64_t n, int64_t at) { std::memcpy(out.bytes.data() + n * width, from + at * width, width); });
  return out;
}

KernelObject run_kernel(const Kernel& kernel, Bindings& bindings, const ParameterValues& given, int nt,
                        std::optional<NestRef> nest) {
  const Program& p = kernel.program;
  std::map<std::string, std::vector<int64_t>> shapes;
  for (const auto& [name, value] : bindings) shapes[name] = value.shape;
  ParameterValues parameters = parameter_values(p, shapes, given);
  EmitOptions options;
  options.nest = nest;
  options.scratch = true;
  std::vector<int64_t> values;
  for (const auto& [name, v] : parameters) {
    options.values[name] = static_cast<int>(values.size());
    values.push_back(v);
  }
  auto object = emit_kernel(kernel, host_target(), "kernel_" + p.name, options);
  if (!object) FAIL(object.error().code << ": " << object.error().text);
  std::vector<std::vector<std::byte>> storage;
  for (const Tensor& t : p.tensors) {
    if (t.role == Role::temp) continue;
    if (t.role == Role::output) {
      Tensor fixed = t;
      fixed.shape = shape_of(evaluate(t.shape, parameters));
      storage.emplace_back(storage_bytes(fixed).constant());
    } else if (t.payload && !bindings.count(t.name)) {
      Payload packed_payload = packed(t);
      storage.emplace_back(packed_payload.data, packed_payload.data + packed_payload.size);
    } else {
      storage.push_back(to_storage(t, bindings.at(t.name)));
    }
  }
  for (Tensor t : object->scratch) {
    t.shape = shape_of(evaluate(t.shape, parameters));
    storage.emplace_back(storage_bytes(t).constant());
  }
  constexpr size_t kGuard = 256;  // bytes behind each buffer that nothing may write
  constexpr std::byte kUntouched{0x5a};
  std::vector<void*> buffers;
  for (auto& s : storage) {
    s.resize(s.size() + kGuard, kUntouched);
    buffers.push_back(s.data());
  }
  Jit jit(*object);
  int threads = object->parallel ? nt : 1;
  std::vector<std::jthread> team;  // at once: what they share by mistake shows
  for (int tid = 1; tid < threads; ++tid)
    team.emplace_back([&, tid] { jit.fn()(buffers.data(), values.data(), tid, threads); });
  jit.fn()(buffers.data(), values.data(), 0, threads);
  team.clear();
  for (const auto& s : storage)
    CHECK(std::all_of(s.end() - kGuard, s.end(), [](std::byte b) { return b == kUntouched; }));
  size_t k = 0;
  for (const Tensor& t : p.tensors) {
    if (t.role == Role::temp) continue;
    if (t.role == Role::output) bindings[t.name] = from_storage(t, evaluate(t.shape, parameters), storage[k].data());
    ++k;
  }
  return *object;
}

Bindings random_bindings(const Program& p, uint64_t seed, const ParameterValues& given) {
  std::mt19937_64 random(seed);
  Bindings out;
  for (const Tensor& t : p.tensors) {
    if (t.role != Role::input && (t.role != Role::weight || t.payload)) continue;
    HostTensor value = zeros(t.dtype, evaluate(t.shape, given));
    for (int64_t i = 0; i < value.count(); ++i) {
      double v = std::uniform_real_distribution<>(-2, 2)(random);
      if (t.dtype == DType::boolean) v = v > 0;
      else if (!is_float(t.dtype)) v = std::floor(info(t.dtype).is_signed ? v * 20 : std::abs(v) * 20);
      set(value, i, v);
    }
    out[t.name] = value;
  }
  return out;
}

double difference(const HostTensor& a, const HostTensor& b) {
  REQUIRE(a.shape == b.shape);
  double worst = 0;
  for (int64_t i = 0; i < a.count(); ++i) {
    double x = get(a, i), y = get(b, i);
    if ((std::isnan(x) && std::isnan(y)) || x == y) continue;
    double d = std::abs(x - y) / std::max(1.0, std::abs(y));
    worst = std::isnan(d) ? INFINITY : std::max(worst, d);
  }
  return worst;
}

double check_kernel(const Kernel& kernel, const ParameterValues& given, int nt, std::optional<NestRef> nest) {
  Bindings expected = random_bindings(kernel.program, 1, given), actual = expected;
  interpret(kernel.program, expected, given);
  run_kernel(kernel, actual, given, nt, nest);
  double worst = 0;
  for (const Tensor& t : kernel.program.tensors)
    if (t.role == Role::output) worst = std::max(worst, difference(actual.at(t.name), expected.at(t.name)));
  return worst;
}

}  // namespace nasc::test
