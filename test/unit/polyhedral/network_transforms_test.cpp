// fuse, layout, convert: refusals by name, sharing of equal Programs, and equal values before and after.
#include <catch2/catch.hpp>

#include <algorithm>

#include "ir/text.h"
#include "polyhedral/scheduler.h"
#include "polyhedral/transformation.h"
#include "programs.h"

using namespace nasc;

namespace {

// Two equal padded 3x3 convolutions, each with a ReLU, then a sum with the first one's result; y is a view of v.
constexpr const char* kNetwork = R"(
program conv origin "Conv" {
  tensor X : f32[1, 8, 6, 6] input
  tensor W : f32[8, 8, 3, 3] weight
  tensor B : f32[8] weight
  tensor Y : f32[1, 8, 6, 6] output
  stmt init { init[n, m, p, q] : n = 0 and 0 <= m < 8 and 0 <= p < 6 and 0 <= q < 6 }
    Y[n, m, p, q] = B[m]
  stmt mac { mac[n, m, p, q, d, r, s] : n = 0 and 0 <= m < 8 and 0 <= p < 6 and 0 <= q < 6 and 0 <= d < 8 and 0 <= r < 3 and 0 <= s < 3 and 0 <= p + r - 1 < 6 and 0 <= q + s - 1 < 6 }
    box { mac[n, m, p, q, d, r, s] : n = 0 and 0 <= m < 8 and 0 <= p < 6 and 0 <= q < 6 and 0 <= d < 8 and 0 <= r < 3 and 0 <= s < 3 }
    Y[n, m, p, q] += X[n, d, p + r - 1, q + s - 1] * W[m, d, r, s]
}
program relu origin "Relu" {
  tensor X : f32[1, 8, 6, 6] input
  tensor Y : f32[1, 8, 6, 6] output
  stmt S { S[n, c, h, w] : n = 0 and 0 <= c < 8 and 0 <= h < 6 and 0 <= w < 6 }
    Y[n, c, h, w] = max(X[n, c, h, w], 0)
}
program add origin "Add" {
  tensor A : f32[1, 8, 6, 6] input
  tensor B : f32[1, 8, 6, 6] input
  tensor C : f32[1, 8, 6, 6] output
  stmt S { S[n, c, h, w] : n = 0 and 0 <= c < 8 and 0 <= h < 6 and 0 <= w < 6 }
    C[n, c, h, w] = A[n, c, h, w] + B[n, c, h, w]
}
program sum origin "ReduceSum" {
  tensor X : f32[1, 8, 6, 6] input
  tensor Y : f32[1] output
  stmt zero { zero[i] : i = 0 }
    Y[i] = 0
  stmt acc { acc[i, c, h, w] : i = 0 and 0 <= c < 8 and 0 <= h < 6 and 0 <= w < 6 }
    Y[i] += X[i, c, h, w]
}
)";
constexpr const char* kBuffers = R"(
  buffer x : f32[1, 8, 6, 6] input
  buffer w1 : f32[8, 8, 3, 3] weight
  buffer w2 : f32[8, 8, 3, 3] weight
  buffer b : f32[8] weight
  buffer c1 : f32[1, 8, 6, 6] temp
  buffer r1 : f32[1, 8, 6, 6] temp
  buffer c2 : f32[1, 8, 6, 6] temp
  buffer r2 : f32[1, 8, 6, 6] temp
  buffer r3 : f32[1, 8, 6, 6] temp
  buffer y : f32[1, 8, 6, 6] output
  buffer v : f32[8, 36] temp alias r2
  buffer z : f32[1] output
)";
constexpr const char* kCalls = R"(
  inputs [x]
  outputs [y, z]
  call 0 conv(x, w1, b, c1) "conv1"
  call 1 relu(c1, r1) "relu1"
  call 0 conv(r1, w2, b, c2) "conv2"
  call 1 relu(c2, r2) "relu2"
  call 2 add(r2, r1, y) "add"
  call 1 relu(x, r3) "relu3"
  call 3 sum(r3, z) "sum"
)";

Module two_convolutions() {
  std::string source = std::string("network net {\n") + kBuffers + kNetwork + kCalls + "}\n";
  return textual_module(parse_network(source), Target{});
}

struct Row {
  const char* name;
  const char* step;
};
const std::vector<Row> kRefusals = {
    {"fuse/no-such-call", "fuse(first=0, second=99)"},
    {"fuse/not-producer", "fuse(first=0, second=3)"},
    {"fuse/used-elsewhere", "fuse(first=1, second=2)"},
    {"fuse/different-index-spaces", "fuse(first=5, second=6)"},
    {"layout/no-such-buffer", "layout(buffer=nope, dims=[0], div=[1], mod=[0])"},
    {"layout/caller-memory", "layout(buffer=x, dims=[0, 1, 2, 3], div=[1, 1, 1, 1], mod=[0, 0, 0, 0])"},
    {"layout/view", "layout(buffer=r2, dims=[0, 1, 2, 3], div=[1, 1, 1, 1], mod=[0, 0, 0, 0])"},
    {"layout/bad-layout", "layout(buffer=c1, dims=[0, 1, 2, 9], div=[1, 1, 1, 1], mod=[0, 0, 0, 0])"},
    {"layout/not-injective", "layout(buffer=c1, dims=[0, 1, 2, 3], div=[1, 8, 1, 1], mod=[0, 0, 0, 0])"},
    {"convert/no-such-buffer", "convert(buffer=nope)"},
    {"convert/never-read", "convert(buffer=y)"},
    {"convert/not-one-writer", "convert(buffer=x, written=1)"},
};
}  // namespace

TEST_CASE("network transformations: every refusal") {
  Module m = two_convolutions();
  for (const Row& row : kRefusals) {
    DYNAMIC_SECTION("refuse: " << row.name) {
      auto out = apply(m, parse_step(row.step));
      REQUIRE(!out);
      CHECK(out.error().code == std::string(row.name).substr(std::string(row.name).find('/') + 1));
    }
  }
}

TEST_CASE("network transformations: a quota that ends anywhere is a refusal, and changes no result") {
  Module m = two_convolutions();
  std::vector<std::string> steps = {
      "fuse(first=0, second=1)", "convert(buffer=x)", "winograd(call=0, m=4)",
      "layout(buffer=r1, dims=[0, 1, 2, 3, 1], div=[1, 8, 1, 1, 1], mod=[0, 0, 0, 0, 8], before=[0, 0, 1, 1], "
      "after=[0, 0, 1, 1])"};
  for (const Row& row : kRefusals) steps.emplace_back(row.step);
  auto outcome = [&](const std::string& step) {
    auto out = apply(m, parse_step(step));
    return out ? print(out->network) : out.error().code;
  };
  const unsigned long quota = isl_quota(IslEntry::transformation);
  size_t gave_up = 0;
  for (const std::string& step : steps) {
    INFO(step);
    std::string wanted = outcome(step);
    for (unsigned long operations : {1, 7, 50, 300, 2000, 10'000, 50'000}) {
      INFO(operations << " operations");
      set_isl_quota(IslEntry::transformation, operations);
      std::string got;
      CHECK_NOTHROW(got = outcome(step));
      set_isl_quota(IslEntry::transformation, quota);
      gave_up += got == "isl-quota";
      CHECK((got == wanted || got == "isl-quota"));
      CHECK(outcome(step) == wanted);  // nothing of it was kept
    }
  }
  CHECK(gave_up > steps.size());
}

TEST_CASE("refuse: fuse/too-many-statements") {
  Module m = two_convolutions();
  Program big = *m.network.programs[1];
  Statement s = big.statements[0];
  for (int k = 0; k < 16; ++k) {
    Statement more = s;
    more.name = "S" + std::to_string(k);
    more.domain = renamed(s.domain, more.name);
    more.box = more.domain;
    more.write.map = renamed_domain(s.write.map, more.name);
    more.reads[0].map = renamed_domain(s.reads[0].map, more.name);
    big.statements.push_back(more);
  }
  m.network.programs[1] = std::make_shared<const Program>(big);
  m.schedules[1] = textual_schedule(big);
  auto out = apply(m, parse_step("fuse(first=0, second=1)"));
  REQUIRE(!out);
  CHECK(out.error().code == "too-many-statements");
}

TEST_CASE("refuse: fuse/phase-differs") {
  Module m = two_convolutions();
  Program early = *m.network.programs[0];
  early.phase = Phase::create;
  m.network.programs.push_back(std::make_shared<const Program>(early));
  m.schedules.push_back(m.schedules[0]);
  m.network.calls[0].program = 4;
  auto out = apply(m, parse_step("fuse(first=0, second=1)"));
  REQUIRE(!out);
  CHECK(out.error().code == "phase-differs");
}

TEST_CASE("layout: a zero border brings padded products back to their box") {
  Module m = two_convolutions();
  auto out = apply(m, parse_step("layout(buffer=r1, dims=[0, 1, 2, 3, 1], div=[1, 8, 1, 1, 1], mod=[0, 0, 0, 0, 8], "
                                 "before=[0, 0, 1, 1], after=[0, 0, 1, 1])"));
  REQUIRE(out);
  const Network& n = out->network;
  const Statement& first = n.programs[n.calls[0].program]->statement("mac");
  const Statement& second = n.programs[n.calls[2].program]->statement("mac");
  CHECK(!first.domain.is_equal(first.box));
  CHECK(second.domain.is_equal(second.box));
  CHECK(n.programs.size() == 6); // conv and relu each in two forms; add; sum
}

TEST_CASE("convert: what is written goes through a copy of another layout") {
  Module m = two_convolutions();
  auto converted = apply(m, parse_step("convert(buffer=y, written=1)"));
  REQUIRE(converted);
  CHECK(converted->network.calls.size() == m.network.calls.size() + 1);
  auto out = apply(*converted, parse_step("layout(buffer=y_copy, dims=[0, 1, 2, 3, 1], div=[1, 4, 1, 1, 1], mod=[0, 0, 0, 0, 4])"));
  REQUIRE(out);
  verify(out->network);
  CHECK(test::interpreted(*converted, "y") == test::interpreted(m, "y"));
  auto again = apply(*out, parse_step("convert(buffer=y_copy, written=1)"));  // what it is copied to keeps its layout
  REQUIRE(again);
  verify(again->network);
}

TEST_CASE("scheduler: the planned module computes the same and its plan replays to the same text") {
  Module before = two_convolutions();
  for (Winograd winograd : {Winograd::off, Winograd::automatic}) {
    ScheduleOptions options;
    options.winograd = winograd;
    Scheduled after = schedule_module(before, options);
    verify(after.module.network);
    Module replayed = test::check_replay(before, after);
    for (size_t k = 0; k < after.module.schedules.size(); ++k)
      CHECK(text(replayed.schedules[k]) == text(after.module.schedules[k]));
    if (winograd == Winograd::off)
      CHECK(after.module.network.calls.size() < before.network.calls.size());
    INFO(text(after.plan));
    for (const char* output : {"y", "z"}) {
      std::vector<float> a = test::interpreted(before, output), b = test::interpreted(after.module, output);
      REQUIRE(a.size() == b.size());
      for (size_t k = 0; k < a.size(); ++k)
        CHECK(b[k] == Approx(a[k]).epsilon(1e-4).margin(1e-4));
    }
  }
}
