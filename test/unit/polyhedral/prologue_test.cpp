// Pointwise Programs in the loops of a contraction that reads them: `fuse` with `keep`, and when
// the scheduler does so.
#include <catch2/catch.hpp>

#include "ir/execute.h"
#include "ir/text.h"
#include "legality/order.h"
#include "legality/storage.h"
#include "polyhedral/scheduler.h"
#include "polyhedral/transformation.h"
#include "programs.h"

using namespace nasc;

namespace {

// z = relu(1x1 convolution(max(x * s, 0))), with x an output, too.
Module normalized(int64_t in, int64_t out, int64_t side) {
  std::string image = text("f32[1, ", in, ", ", side, ", ", side, "]"),
              result = text("f32[1, ", out, ", ", side, ", ", side, "]"),
              weight = text("f32[", out, ", ", in, ", 1, 1]");
  std::string places = text(" and 0 <= p < ", side, " and 0 <= q < ", side),
              outs = text("n = 0 and 0 <= m < ", out, places);
  Network n = parse_network(
      "network net {\n buffer x : " + image + " input\n buffer s : f32[" + text(in) +
      "] input\n buffer w : " + weight + " input\n buffer a : " + image + " temp\n buffer z : " +
      result + " output\n program scale origin \"Mul\" {\n tensor X : " + image +
      " input\n tensor S : f32[" + text(in) + "] input\n tensor A : " + image +
      " output\n stmt S0 { S0[n, c, p, q] : n = 0 and 0 <= c < " + text(in) + places +
      " }\n A[n, c, p, q] = max(X[n, c, p, q] * S[c], 0)\n }\n program conv origin \"Conv\" {\n "
      "tensor X : " +
      image + " input\n tensor W : " + weight + " input\n tensor C : " + result +
      " temp\n tensor Z : " + result + " output\n stmt init { init[n, m, p, q] : " + outs +
      " }\n C[n, m, p, q] = 0\n stmt mac { mac[n, m, p, q, d, r, t] : " + outs +
      text(" and 0 <= d < ", in) +
      " and r = 0 and t = 0 }\n C[n, m, p, q] += X[n, d, p + r, q + t] * W[m, d, r, t]\n stmt out "
      "{ out[n, m, p, q] : " +
      outs +
      " }\n Z[n, m, p, q] = max(C[n, m, p, q], 0)\n }\n inputs [x, s, w]\n outputs [z]\n call 0 "
      "scale(x, s, a) \"scale\"\n"
      " call 1 conv(a, w, z) \"conv\"\n}\n");
  Target target;
  target.cpu = "x86-64-v3";
  return textual_module(std::move(n), target);
}

std::vector<float> values(const Network& n) {
  std::vector<HostTensor> inputs;
  uint32_t seed = 3;
  for (int b : n.inputs) {
    HostTensor t = zeros(DType::f32, constants(n.buffers[b].shape));
    for (int64_t k = 0; k < t.count(); ++k)
      t.as<float>()[k] = static_cast<float>((seed = seed * 1664525 + 1013904223) >> 20) / 2048 - 1;
    inputs.push_back(std::move(t));
  }
  HostTensor y = execute(n, inputs, {.in_double = true, .use_blas = false})[0];
  std::vector<float> out;
  for (int64_t k = 0; k < y.count(); ++k)
    out.push_back(y.dtype == DType::f64 ? static_cast<float>(y.as<double>()[k]) : y.as<float>()[k]);
  return out;
}
} // namespace

TEST_CASE("refuse: fuse/bad-keep") {
  Module m = normalized(16, 8, 6);
  for (const char* keep : {"[0, 0, 4, 0]", "[0, 0, 1]", "[0, 0, -1, 0]"}) {
    INFO(keep);
    auto out = apply(m, parse_step(std::string("fuse(first=0, second=1, keep=") + keep + ")"));
    REQUIRE(!out);
    CHECK(out.error().code == "bad-keep");
  }
  auto blocked = apply(
      m, parse_step(
             "layout(buffer=a, dims=[0, 1, 2, 3, 2], div=[1, 1, 2, 1, 1], mod=[0, 0, 0, 0, 2])"));
  REQUIRE(blocked);
  auto out = apply(*blocked, parse_step("fuse(first=0, second=1, keep=[0, 0, 2, 0])"));
  REQUIRE(!out);
  CHECK(out.error().code == "bad-keep");
}

TEST_CASE("fuse: with keep, rows share their places") {
  Module m = normalized(16, 8, 6);
  auto out = apply(m, parse_step("fuse(first=0, second=1, keep=[0, 0, 2, 0])"));
  REQUIRE(out);
  verify(out->network);
  REQUIRE(out->network.calls.size() == 1);
  const Program& p = *out->network.programs[out->network.calls[0].program];
  CHECK(folds(p.tensor("A")));
  CHECK(storage_elements(p.tensor("A")).is(16 * 2 * 6));
  CHECK(values(m.network) == values(out->network));
  // All of it before the convolution: the rows would overwrite each other.
  CHECK_FALSE(judge_order(kernel(*out, out->network.calls[0].program)).allowed());
}

// 128 channels of 28x28 are more than half of this second cache, two rows of them are not.
TEST_CASE("scheduler: a pointwise producer goes into the rows of its contraction") {
  Module before = normalized(128, 48, 28);
  before.target.l2_bytes = 256 << 10;
  Scheduled on = schedule_module(before, {});
  std::string plan = text(on.plan);
  INFO(plan);
  CHECK(plan.find("keep=[0, 0, 2, 0]") != std::string::npos);
  CHECK(plan.find("fuse_loops") != std::string::npos);
  REQUIRE(on.module.network.calls.size() == 1);
  verify(on.module.network);
  Kernel k = kernel(on.module, on.module.network.calls[0].program);
  CHECK(judge_order(k).allowed());
  CHECK(judge_order_by_isl(k).allowed());
  CHECK(judge_storage_by_isl(k).allowed());
  bool sure = false;
  for (const Tensor& t : k.program.tensors)
    if (folds(t))
      sure = surely_apart(k, t);
  CHECK(sure);
  test::check_replay(before, on);
  // Without the common loop of the rows they overwrite each other.
  Plan apart = on.plan;
  for (auto& [name, steps] : apart.kernels)
    std::erase_if(steps, [](const Step& s) { return s.transformation == "fuse_loops"; });
  auto split = replay(before, apart);
  REQUIRE(split);
  CHECK_FALSE(judge_order(kernel(*split, split->network.calls[0].program)).allowed());
}

TEST_CASE("scheduler: a pointwise producer stays apart where its rows do not help") {
  auto fused = [](Module m, int64_t cache, int cores) {
    m.target.l2_bytes = cache, m.target.cores = cores;
    return text(schedule_module(m, {}).plan).find("keep=") != std::string::npos;
  };
  CHECK(fused(normalized(128, 48, 28), 256 << 10, 1));
  CHECK_FALSE(fused(normalized(128, 48, 28), 1 << 20, 1));   // all of it stays in the cache
  CHECK_FALSE(fused(normalized(128, 48, 28), 16 << 10, 1));  // two rows do not
  CHECK_FALSE(fused(normalized(128, 48, 28), 256 << 10, 8)); // too few rows for the threads
}
