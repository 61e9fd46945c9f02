// Small Programs.
#include "programs.h"

#include <algorithm>
#include <catch2/catch.hpp>

#include "ir/execute.h"
#include "ir/interpret.h"
#include "ir/text.h"
#include "polyhedral/transformation.h"

namespace nasc::test {
namespace {
Access access(const std::string& text) {
  isl::multi_aff map(isl_context(), text);
  return {range_name(map.as_map()), map};
}
}  // namespace

Tensor tensor(const std::string& name, const std::vector<int64_t>& shape, Role role) {
  Tensor t;
  t.name = name;
  t.shape = shape_of(shape);
  t.role = role;
  return t;
}

Statement statement(const std::string& domain, const std::string& write, Combine combine,
                    const std::vector<std::string>& reads) {
  isl::set set(isl_context(), domain);
  Statement s(tuple_name(set), dim_names(set), set, access(write));
  s.combine = combine;
  for (const auto& r : reads) {
    s.reads.push_back(access(r));
    ExprRef value = read(static_cast<int>(s.reads.size()) - 1, DType::f32);
    s.body = s.body ? apply(Fn::mul, {s.body, value}) : value;
  }
  if (!s.body) s.body = constant(DType::f32, 0);
  return s;
}

Program conv(int64_t channels, int64_t extent, bool epilogue) {
  Program p;
  p.name = "conv";
  int64_t c = channels, e = extent;
  p.tensors = {tensor("X", {1, c, e, e}, Role::input), tensor("W", {c, c, 3, 3}, Role::weight),
               tensor("Y", {1, c, e, e}, epilogue ? Role::temp : Role::output)};
  std::string box = text("0 <= n < 1 and 0 <= co < ", c, " and 0 <= h < ", e, " and 0 <= w < ", e);
  p.statements = {
      statement("{ init[n, co, h, w] : " + box + " }", "{ init[n, co, h, w] -> Y[n, co, h, w] }",
                Combine::assign, {}),
      statement(text("{ mac[n, co, h, w, ci, kh, kw] : ", box, " and 0 <= ci < ", c,
                     " and 0 <= kh < 3 and 0 <= kw < 3 and 0 <= h + kh - 1 < ", e, " and 0 <= w + kw - 1 < ", e,
                     " }"),
                "{ mac[n, co, h, w, ci, kh, kw] -> Y[n, co, h, w] }", Combine::add,
                {"{ mac[n, co, h, w, ci, kh, kw] -> X[n, ci, h + kh - 1, w + kw - 1] }",
                 "{ mac[n, co, h, w, ci, kh, kw] -> W[co, ci, kh, kw] }"})};
  p.statements[1].box = isl::set(isl_context(), text("{ mac[n, co, h, w, ci, kh, kw] : ", box, " and 0 <= ci < ", c,
                                                     " and 0 <= kh < 3 and 0 <= kw < 3 }"));
  if (epilogue) {
    p.tensors.push_back(tensor("R", {1, c, e, e}, Role::input));
    p.tensors.push_back(tensor("Z", {1, c, e, e}, Role::output));
    p.statements.push_back(statement("{ epi[n, co, h, w] : " + box + " }", "{ epi[n, co, h, w] -> Z[n, co, h, w] }",
                                     Combine::assign,
                                     {"{ epi[n, co, h, w] -> Y[n, co, h, w] }", "{ epi[n, co, h, w] -> R[n, co, h, w] }"}));
  }
  verify(p);
  return p;
}

Program matmul(int64_t m, int64_t n, int64_t k) {
  Program p;
  p.name = "matmul";
  p.tensors = {tensor("A", {m, k}, Role::input), tensor("B", {k, n}, Role::weight), tensor("C", {m, n}, Role::output)};
  std::string box = text("0 <= i < ", m, " and 0 <= j < ", n);
  p.statements = {statement("{ init[i, j] : " + box + " }", "{ init[i, j] -> C[i, j] }", Combine::assign, {}),
                  statement(text("{ mac[i, j, k] : ", box, " and 0 <= k < ", k, " }"), "{ mac[i, j, k] -> C[i, j] }",
                            Combine::add, {"{ mac[i, j, k] -> A[i, k] }", "{ mac[i, j, k] -> B[k, j] }"})};
  verify(p);
  return p;
}

Program elementwise(int64_t rows, int64_t columns) {
  Program p;
  p.name = "elementwise";
  p.tensors = {tensor("A", {rows, columns}, Role::input), tensor("B", {rows, columns}, Role::temp),
               tensor("C", {rows, columns}, Role::output)};
  std::string box = text("0 <= i < ", rows, " and 0 <= j < ", columns);
  p.statements = {statement("{ first[i, j] : " + box + " }", "{ first[i, j] -> B[i, j] }", Combine::assign,
                            {"{ first[i, j] -> A[i, j] }"}),
                  statement("{ second[i, j] : " + box + " }", "{ second[i, j] -> C[i, j] }", Combine::assign,
                            {"{ second[i, j] -> B[i, j] }", "{ second[i, j] -> A[i, j] }"})};
  verify(p);
  return p;
}

bool same_results(const Program& a, const Program& b) {
  Bindings left;
  unsigned seed = 1;
  for (const Tensor& t : a.tensors) {
    if (t.role != Role::input && t.role != Role::weight) continue;
    HostTensor value{t.dtype, constants(t.shape), {}};
    value.bytes.resize(static_cast<size_t>(element_count(t).constant()) * bytes(t.dtype));
    for (int64_t i = 0; i < element_count(t).constant(); ++i)
      value.as<float>()[i] = static_cast<float>((seed = seed * 1103515245 + 12345) >> 16 & 7) - 3;
    left.emplace(t.name, std::move(value));
  }
  Bindings right = left;
  interpret(a, left);
  interpret(b, right);
  for (const Tensor& t : a.tensors)
    if (t.role == Role::output && left.at(t.name).bytes != right.at(t.name).bytes) return false;
  return true;
}

Program in_schedule_order(const Kernel& kernel) {
  struct Instance {
    std::vector<long> time, point;
    const Statement* statement;
  };
  std::vector<Instance> instances;
  for (const auto& map : maps(order(kernel.schedule))) {
    const Statement& s = kernel.program.statement(domain_name(map));
    map.wrap().foreach_point([&](isl::point p) {
      isl::multi_val values = p.multi_val();
      Instance instance{{}, {}, &s};
      for (unsigned k = 0; k < values.size(); ++k)
        (k < s.iterators.size() ? instance.point : instance.time).push_back(values.at(static_cast<int>(k)).num_si());
      instances.push_back(std::move(instance));
    });
  }
  std::sort(instances.begin(), instances.end(), [](const auto& a, const auto& b) { return a.time < b.time; });
  Program out = kernel.program;
  out.statements.clear();
  for (const auto& instance : instances) {
    Statement s = *instance.statement;
    s.name = text(instance.statement->name, "_", out.statements.size());
    std::string point;
    for (long v : instance.point) point += text(point.empty() ? "" : ", ", v);
    s.domain = s.box = isl::set(isl_context(), "{ " + s.name + "[" + point + "] }");
    s.write.map = renamed(s.write.map, s.name, "");
    for (Access& r : s.reads) r.map = renamed(r.map, s.name, "");
    out.statements.push_back(std::move(s));
  }
  return out;
}

std::vector<float> run(const Module& m) {
  std::vector<int64_t> shape;
  for (const Extent& e : m.network.buffers[m.network.inputs[0]].shape)
    shape.push_back(e.constant());
  HostTensor x = zeros(DType::f32, shape);
  for (int64_t k = 0; k < x.count(); ++k)
    x.as<float>()[k] = static_cast<float>(k % 13) - 6;
  std::vector<float> out;
  for (HostTensor& y : execute(m.network, {x}, {}))
    out.insert(out.end(), y.as<float>(), y.as<float>() + y.count());
  return out;
}

std::vector<float> interpreted(const Module& m, const char* output) {
  Bindings buffers;
  const Network& n = m.network;
  uint32_t state = 7;
  for (const Buffer& b : n.buffers) {
    HostTensor t = zeros(b.dtype, constants(b.shape));
    if (b.role == Role::weight && b.payload)
      t = host_tensor(b.dtype, constants(b.shape), b.payload);
    else if (b.role == Role::input || b.role == Role::weight)
      for (int64_t k = 0; k < t.count(); ++k) t.as<float>()[k] = static_cast<float>((state = state * 1664525 + 1013904223) >> 20) / 2048 - 1;
    buffers[b.name] = t;
  }
  for (const Call& call : n.calls) {
    const Program& p = *n.programs[call.program];
    std::vector<int> bound = Network::bound(p);
    Bindings local;
    for (size_t k = 0; k < bound.size(); ++k) local[p.tensors[bound[k]].name] = buffers[n.buffers[n.root(call.args[k])].name];
    interpret(p, local);
    for (size_t k = 0; k < bound.size(); ++k)
      if (p.tensors[bound[k]].role == Role::output) buffers[n.buffers[n.root(call.args[k])].name] = local[p.tensors[bound[k]].name];
  }
  HostTensor& y = buffers[output];
  return {y.as<float>(), y.as<float>() + y.count()};
}

Module check_replay(const Module& before, const Scheduled& scheduled) {
  auto replayed = replay(before, parse_plan(text(scheduled.plan), "plan"));
  if (!replayed)
    FAIL(replayed.error().code << ": " << replayed.error().text);
  CHECK(print(replayed->network) == print(scheduled.module.network));
  return *replayed;
}

std::string refusal(const Module& m, const char* step) {
  auto out = apply(m, parse_step(step));
  REQUIRE(!out);
  return out.error().code;
}

}  // namespace nasc::test
