// winograd: every refusal by name, values and errors against sums in f64, and the schedule of its
// Programs.
#include <catch2/catch.hpp>

#include <algorithm>
#include <cmath>

#include "ir/execute.h"
#include "ir/text.h"
#include "legality/order.h"
#include "polyhedral/scheduler.h"
#include "polyhedral/transformation.h"
#include "polyhedral/transforms/winograd_programs.h"
#include "programs.h"

using namespace nasc;

namespace {

struct Conv {
  int64_t images = 1, channels = 16, outputs = 16, rows = 8, columns = 8, before = 1, after = 1;
  int64_t kernel = 3, stride = 1, groups = 1;
  int64_t first = 0, beyond = 0; // channels of the image before and after those that are read
  int64_t spare = 0;             // channels of the filter that are not
  std::string pointwise = "max(C[n, m, p, q], 0)", type = "f32", role = "weight";
  const char* any = nullptr; // of the parameter N, in place of `images`
};

// A convolution with bias, its own input added before a ReLU where the shapes allow.
std::string source(const Conv& c) {
  int64_t rows = (c.rows + c.before + c.after - c.kernel) / c.stride + 1,
          columns = (c.columns + c.before + c.after - c.kernel) / c.stride + 1;
  std::string images = c.any ? c.any : text(c.images), given = c.any ? "[N] -> " : "";
  std::string x = text("[", images, ", ", c.first + c.channels + c.beyond, ", ", c.rows, ", ", c.columns, "]"),
              y = text("[", images, ", ", c.outputs, ", ", rows, ", ", columns, "]");
  std::string w = text("[", c.outputs, ", ", c.channels / c.groups + c.spare, ", ", c.kernel, ", ", c.kernel, "]");
  std::string places = text("0 <= n < ", images, " and 0 <= m < ", c.outputs, " and 0 <= p < ",
                            rows, " and 0 <= q < ", columns);
  std::string taps =
      text(" and 0 <= d < ", c.channels / c.groups, " and 0 <= r < ", c.kernel, " and 0 <= s < ", c.kernel);
  std::string d = "d";
  if (c.groups > 1)
    d += text(" + ", c.channels / c.groups, "*floor(m/", c.outputs / c.groups, ")");
  if (c.first)
    d += text(" + ", c.first);
  std::string h = text(c.stride, "*p + r - ", c.before), v = text(c.stride, "*q + s - ", c.before),
              f = " : " + c.type;
  return "network net {\n buffer x" + f + x + " input\n buffer w" + f + w + " " + c.role +
         "\n buffer b" + f + text("[", c.outputs, "]") + " weight\n buffer y" + f + y +
         " output\n program conv origin \"Conv\" {\n tensor X" + f + x + " input\n tensor W" + f +
         w + (c.role == "weight" ? " weight" : " input") + "\n tensor B" + f +
         text("[", c.outputs, "]") + " weight\n tensor C" + f + y + " temp\n tensor Y" + f + y +
         " output\n stmt init " + given + "{ init[n, m, p, q] : " + places + " }\n C[n, m, p, q] = B[m]\n" +
         " stmt mac " + given + "{ mac[n, m, p, q, d, r, s] : " + places + taps +
         text(" and 0 <= ", h, " < ", c.rows, " and 0 <= ", v, " < ", c.columns) +
         " }\n box " + given + "{ mac[n, m, p, q, d, r, s] : " + places + taps +
         " }\n C[n, m, p, q] += X[n, " + d + ", " + h + ", " + v + "] * W[m, d, r, s]\n" +
         " stmt epi " + given + "{ epi[n, m, p, q] : " + places + " }\n Y[n, m, p, q] = " + c.pointwise +
         "\n }\n inputs [x" + (c.role == "input" ? ", w" : "") +
         "]\n outputs [y]\n call 0 conv(x, w, b, y) \"conv\"\n}\n";
}

// What is not known is 3.
HostTensor random(const Tensor& t, uint32_t seed, double scale) {
  std::vector<int64_t> extents;
  for (const Extent& e : t.shape)
    extents.push_back(e.evaluate([](const std::string&) { return 3; }));
  HostTensor out = zeros(t.dtype, extents);
  for (int64_t k = 0; k < out.count(); ++k) {
    double sum = 0; // near a normal distribution
    for (int i = 0; i < 4; ++i)
      sum += static_cast<double>((seed = seed * 1664525 + 1013904223) >> 8) / (1 << 23) - 1;
    out.as<float>()[k] = static_cast<float>(sum * scale);
  }
  return out;
}

Module module_of(const Conv& c) {
  Network n = parse_network(source(c));
  uint32_t seed = 5;
  for (size_t k = 0; k < n.buffers.size(); ++k)
    if (const Buffer& b = n.buffers[k]; b.role == Role::weight && b.dtype == DType::f32)
      n.buffers.edit(k).payload = payload_from(
          random(b, ++seed, 1 / std::sqrt(9.0 * static_cast<double>(c.channels))).bytes);
  Target target;
  target.cpu = "x86-64-v3";
  return textual_module(std::move(n), target);
}

std::vector<double> values(const Network& n, bool in_double) {
  std::vector<HostTensor> outputs = execute(n, {random(n.buffers[n.inputs[0]], 3, 1)},
                                            {.in_double = in_double, .use_blas = false, .parameters = {{"N", 3}}});
  std::vector<double> out;
  for (int64_t k = 0; k < outputs[0].count(); ++k)
    out.push_back(outputs[0].dtype == DType::f64 ? outputs[0].as<double>()[k]
                                                 : static_cast<double>(outputs[0].as<float>()[k]));
  return out;
}

double relative_rms(const std::vector<double>& a, const std::vector<double>& reference) {
  double error = 0, norm = 0;
  for (size_t k = 0; k < a.size(); ++k)
    error += (a[k] - reference[k]) * (a[k] - reference[k]), norm += reference[k] * reference[k];
  return std::sqrt(error / norm);
}

void refused(const Module& m, const char* step, const char* code) {
  auto out = apply(m, parse_step(step));
  REQUIRE(!out);
  CHECK(out.error().code == code);
}
constexpr const char* kF4 = "winograd(call=0, m=4)";

// Every Program has loops of its own, which are legal, and the plan replays.
void check_planned(const Module& before, const Scheduled& on) {
  verify(on.module.network);
  for (size_t k = 0; k < on.module.schedules.size(); ++k) {
    INFO(on.module.network.programs[k]->name);
    CHECK(text(on.module.schedules[k]) != text(textual_schedule(*on.module.network.programs[k])));
    CHECK(judge_order(kernel(on.module, static_cast<int>(k))).allowed());
  }
  test::check_replay(before, on);
}
} // namespace

TEST_CASE("refuse: winograd/no-such-call") {
  refused(module_of({}), "winograd(call=1, m=4)", "no-such-call");
}
TEST_CASE("refuse: winograd/bad-size") {
  refused(module_of({}), "winograd(call=0, m=5)", "bad-size");
}
TEST_CASE("refuse: winograd/bad-block") {
  for (const char* step : {"winograd(call=0, m=4, block=3)", "winograd(call=0, m=4, block=-1)",
                           "winograd(call=0, m=4, block=1, pads=[0, 0, 0])", "winograd(call=0, m=4, pads=[0, 0, 0, 0])",
                           "winograd(call=0, m=4, block=1, pads=[0, 0, 0, -8])", "winograd(call=0, m=4, block=1, lanes=-4)", "winograd(call=0, m=4, block=1, lanes=17)",
                           "winograd(call=0, m=4, lanes=4)"}) {
    INFO(step);
    refused(module_of({}), step, "bad-block");
  }
}
TEST_CASE("refuse: winograd/not-3x3") { refused(module_of({.kernel = 5}), kF4, "not-3x3"); }
TEST_CASE("refuse: winograd/strided") { refused(module_of({.stride = 2}), kF4, "strided"); }
TEST_CASE("refuse: winograd/not-f32") { refused(module_of({.type = "f64"}), kF4, "not-f32"); }
TEST_CASE("refuse: winograd/not-constant") {
  refused(module_of({.role = "input"}), kF4, "not-constant");
}
TEST_CASE("refuse: winograd/not-pointwise") {
  refused(module_of({.pointwise = "C[n, m, p, q] * f32(p)"}), kF4, "not-pointwise");
}
TEST_CASE("refuse: winograd/not-convolution") {
  Module m = textual_module(
      parse_network(
          "network net {\n buffer x : f32[4] input\n buffer y : f32[4] output\n program copy {\n"
          " tensor X : f32[4] input\n tensor Y : f32[4] output\n stmt S { S[i] : 0 <= i < 4 }\n"
          " Y[i] = X[i]\n }\n inputs [x]\n outputs [y]\n call 0 copy(x, y) \"copy\"\n}\n"),
      Target{});
  refused(m, kF4, "not-convolution");
  refused(module_of({.spare = 8}), kF4, "not-convolution");
}
TEST_CASE("refuse: winograd/symbolic-extent") {
  std::string s = source({.rows = 77});
  for (auto [from, to] : {std::pair{"16, 77, 8]", "16, H, 8]"}, {"0 <= p < 77", "0 <= p < H"}, {"r - 1 < 77", "r - 1 < H"}, {"{ init", "[H] -> { init"}, {"{ mac", "[H] -> { mac"}, {"{ epi", "[H] -> { epi"}})
    for (size_t at = 0; (at = s.find(from, at)) != std::string::npos; at += std::string(to).size())
      s.replace(at, std::string(from).size(), to);
  refused(textual_module(parse_network(s), Target{}), kF4, "symbolic-extent");
}

TEST_CASE("winograd: every shape gives the sums of the convolution") {
  const std::vector<Conv> shapes = {{},
                                    {.rows = 7, .columns = 9},
                                    {.images = 2, .before = 0, .after = 0},
                                    {.rows = 7, .any = "N"},
                                    {.channels = 16, .outputs = 32, .groups = 2, .any = "2*N"},
                                    {.channels = 3, .outputs = 5, .rows = 3, .columns = 1},
                                    {.rows = 6, .before = 2, .after = 1},
                                    {.channels = 16, .outputs = 32, .groups = 2},
                                    {.channels = 8, .first = 8},
                                    {.channels = 8, .outputs = 8, .groups = 2, .first = 3, .beyond = 5},
                                    {.pointwise = "max(C[n, m, p, q] + X[n, m, p, q], 0)"}};
  for (const Conv& c : shapes)
    for (int64_t m : kWinogradTiles) {
      Module before = module_of(c);
      INFO(source(c) << "m = " << m);
      auto after = apply(before, Step{"winograd", {{"call", int64_t{0}}, {"m", m}}});
      if (!after)
        FAIL(after.error().code << ": " << after.error().text);
      verify(after->network);
      CHECK(after->network.calls.size() == 4);
      CHECK(after->network.programs[after->network.calls[0].program]->phase == Phase::create);
      CHECK(relative_rms(values(after->network, true), values(before.network, true)) < 1e-6);
    }
}

TEST_CASE("winograd: blocks of tiles give the sums of the convolution") {
  const std::vector<Conv> shapes = {{},
                                    {.rows = 7, .columns = 9},
                                    {.rows = 6, .before = 2, .after = 1},
                                    {.images = 2, .rows = 9},
                                    {.any = "N"},
                                    {.channels = 16, .outputs = 32, .rows = 16, .groups = 2},
                                    {.channels = 8, .outputs = 8, .groups = 2, .first = 3, .beyond = 5},
                                    {.channels = 6, .outputs = 11}, // of vectors of 4
                                    {.pointwise = "max(C[n, m, p, q] + X[n, m, p, q], 0)"}};
  for (const Conv& c : shapes)
    for (int64_t m : kWinogradTiles)
      for (int64_t block : {1, 2}) {
        Module before = module_of(c);
        INFO(source(c) << "m = " << m << ", block = " << block);
        Step step{"winograd", {{"call", int64_t{0}}, {"m", m}, {"block", block}, {"pads", std::vector<int64_t>{0, 3, 1, 0}}}};
        if (block == 1)
          step.args["lanes"] = int64_t{4};
        auto after = apply(before, step);
        if (!after && after.error().code == "bad-block")
          continue; // an odd number of rows
        if (!after)
          FAIL(after.error().code << ": " << after.error().text);
        verify(after->network);
        CHECK(after->network.calls.size() == 2);
        CHECK(relative_rms(values(after->network, true), values(before.network, true)) < 1e-6);
      }
}

TEST_CASE("winograd: the error against f64 is within its bound") {
  for (int64_t channels : {64, 128}) {
    Module before = module_of({.channels = channels, .rows = 16, .columns = 16});
    std::vector<double> exact = values(before.network, true);
    double direct = relative_rms(values(before.network, false), exact);
    for (auto [m, bound] : std::vector<std::pair<int64_t, double>>{{2, 1.1}, {3, 2}, {4, 2.5}}) {
      auto after = apply(before, Step{"winograd", {{"call", int64_t{0}}, {"m", m}}});
      REQUIRE(after);
      double error = relative_rms(values(after->network, false), exact);
      INFO("channels " << channels << ", m = " << m << ": " << error << " against " << direct);
      CHECK(error < bound * direct);
    }
  }
}

TEST_CASE("winograd: planned Programs are legal, and their plan replays") {
  int64_t groups = GENERATE(1, 2);
  const char* any = GENERATE(static_cast<const char*>(nullptr), "N");
  Module before = module_of(
      {.channels = 64 * groups, .outputs = 64 * groups, .rows = 14, .columns = 14, .groups = groups, .any = any});
  Scheduled off = schedule_module(before, {.winograd = Winograd::off}),
            on = schedule_module(before, {.winograd = Winograd::f4});
  CHECK(off.module.network.calls.size() < on.module.network.calls.size());
  check_planned(before, on);
}

TEST_CASE("winograd: channels that fill no whole vectors are planned as others are") {
  struct Case {
    int64_t channels, outputs, size;
    bool blocks;
  };
  for (const Case& c : {Case{20, 36, 14, false}, {36, 20, 56, true}, {72, 104, 29, false}}) {
    Module before = module_of({.channels = c.channels, .outputs = c.outputs, .rows = c.size, .columns = c.size});
    before.target.l2_bytes = c.blocks ? 1 << 20 : 1 << 26;
    Scheduled on = schedule_module(before, {});
    std::string plan = text(on.plan);
    INFO(plan);
    CHECK(plan.find("winograd(") != std::string::npos);
    CHECK(c.blocks == (plan.find("kernel winograd_blocks") != std::string::npos));
    check_planned(before, on);
  }
  // Fewer than a vector, or groups that begin within one, are left.
  for (const Conv& c : {Conv{.channels = 6, .outputs = 64, .rows = 28, .columns = 28}, {.channels = 64, .outputs = 6, .rows = 28, .columns = 28},
                        {.channels = 40, .outputs = 40, .rows = 28, .columns = 28, .groups = 2}})
    CHECK(text(schedule_module(module_of(c), {}).plan).find("winograd(") == std::string::npos);
}

TEST_CASE("winograd: tiles of 3 where they cover the outputs best") {
  auto tile = [](int64_t size, Winograd choice) {
    Module before = module_of({.channels = 128, .outputs = 128, .rows = size, .columns = size});
    std::string plan = text(schedule_module(before, {.winograd = choice}).plan);
    size_t at = plan.find("m=", plan.find("winograd("));
    return at == std::string::npos ? 0 : std::stoi(plan.substr(at + 2));
  };
  CHECK(tile(9, Winograd::automatic) == 3);
  CHECK(tile(8, Winograd::automatic) == 2);
  CHECK(tile(16, Winograd::automatic) == 4);
  CHECK(tile(16, Winograd::f3) == 3);
}

// V and P of all tiles are larger than that cache, the filters are not.
TEST_CASE("winograd: what is planned in blocks is legal, keeps the sums, and its plan replays") {
  const char* any = GENERATE(static_cast<const char*>(nullptr), "N");
  Module before = module_of({.channels = 64, .outputs = 64, .rows = 56, .columns = 56, .any = any});
  before.target.l2_bytes = 1 << 20;
  Scheduled on = schedule_module(before, {.winograd = Winograd::f4});
  std::string plan = text(on.plan);
  INFO(plan);
  CHECK(plan.find("block=1") != std::string::npos);
  CHECK(plan.find("fuse_loops") != std::string::npos);
  CHECK(plan.find("sum=") != std::string::npos);
  verify(on.module.network);
  auto blocks_of = [](const Module& m) {
    size_t k = 0;
    while (k < m.network.programs.size() && m.network.programs[k]->name != "winograd_blocks")
      ++k;
    REQUIRE(k < m.network.programs.size());
    return kernel(m, static_cast<int>(k));
  };
  Kernel blocks = blocks_of(on.module);
  CHECK(text(blocks.schedule).find("block parallel") != std::string::npos);
  CHECK(judge_order(blocks).allowed());
  test::check_replay(before, on);
  // One place for two blocks is not enough once the parts have loops of their own.
  Plan apart = on.plan;
  for (auto& [name, steps] : apart.kernels)
    std::erase_if(steps, [](const Step& s) { return s.transformation == "fuse_loops"; });
  auto split = replay(before, apart);
  REQUIRE(split);
  CHECK_FALSE(judge_order(blocks_of(*split)).allowed());
}

// Channels in blocks of a vector, as those of images: a product then adds up lines that follow each other.
TEST_CASE("winograd: V and P lie as images do, and transforms walk through them in that order") {
  Module before = module_of({.channels = 64, .outputs = 64, .rows = 56, .columns = 56});
  int64_t lanes = before.target.lanes(4);
  for (bool blocks : {true, false}) {
    before.target.l2_bytes = blocks ? 1 << 20 : 1 << 26;
    Scheduled on = schedule_module(before, {.winograd = Winograd::f4});
    std::string plan = text(on.plan);
    INFO(plan);
    CHECK(blocks == (plan.find("kernel winograd_blocks") != std::string::npos));
    CHECK(plan.find(blocks ? "loops=[block, d, n, y, x]" : "loops=[d, n, y, x], parallel=d") != std::string::npos);
    CHECK(plan.find(blocks ? "loops=[block, m, n, y, x]" : "loops=[m, n, y, x], parallel=m") != std::string::npos);
    CHECK(plan.find("convert(buffer=y, written=1)") != std::string::npos); // whose channels are planes
    int found = 0;
    auto count = [&](const Tensor& t, bool of_product) {
      if (of_product)
        found += t.layout && t.layout->dims.back().mod == lanes && t.layout->dims.back().dim == t.rank() - 1;
    };
    for (const auto& p : on.module.network.programs)
      for (const Tensor& t : p->tensors) count(t, blocks && (t.name == kTransformed || t.name == kProducts));
    for (const Buffer& b : on.module.network.buffers) count(b, b.name.ends_with("_wx") || b.name.ends_with("_wp"));
    CHECK(found == 2);
  }
}

TEST_CASE("winograd: what is written by rows of pixels needs no copy") {
  Module before = module_of({.channels = 64, .outputs = 64, .rows = 56, .columns = 56});
  CHECK(text(schedule_module(before, {.winograd = Winograd::off}).plan).find("written=1") == std::string::npos);
}

TEST_CASE("winograd: without isl's patience the convolution stays") {
  Module before = module_of({.channels = 64, .outputs = 64, .rows = 14, .columns = 14});
  unsigned long quota = isl_quota();
  for (unsigned long operations : {1, 100, 1000, 10000}) {
    set_isl_quota(operations);
    Scheduled planned = schedule_module(before, {.winograd = Winograd::f4});
    set_isl_quota(quota);
    verify(planned.module.network);
  }
}

// Sums of all channels at once have twice the error, which the output transform amplifies.
TEST_CASE("winograd: products make long sums of short ones") {
  for (auto [channels, size] : std::vector<std::pair<int64_t, int64_t>>{{64, 64}, {256, 14}, {512, 14}}) {
    Module before = module_of({.channels = channels, .outputs = 32, .rows = size, .columns = size});
    std::string plan = text(schedule_module(before, {.winograd = Winograd::f4}).plan);
    size_t at = std::min(plan.find("kernel winograd_product"), plan.find("kernel winograd_blocks"));
    REQUIRE(at != std::string::npos);
    std::string product = plan.substr(at, plan.find('}', at) - at);
    INFO(product);
    size_t sum = product.find("sum="), block = product.find("block=");
    REQUIRE((sum != std::string::npos || block != std::string::npos));
    CHECK(std::stoi(product.substr(sum != std::string::npos ? sum + 4 : block + 6)) <= 64);
  }
}

TEST_CASE("winograd: transforms fetch ahead what lies beyond the second cache") {
  auto ahead = [](int64_t size, const char* kernel) {
    Module before = module_of({.channels = 64, .outputs = 64, .rows = size, .columns = size});
    std::string plan = text(schedule_module(before, {.winograd = Winograd::f4}).plan);
    size_t at = plan.find(std::string("kernel winograd_") + kernel);
    REQUIRE(at != std::string::npos);
    std::string step = plan.substr(at, plan.find('}', at) - at);
    size_t from = step.find("prefetch=");
    return from == std::string::npos ? "" : step.substr(from, step.find(']', from) + 1 - from);
  };
  CHECK(ahead(56, "input") == "prefetch=[X, V]");
  CHECK(ahead(56, "output") == "prefetch=[winograd_p, Y]");
  CHECK(ahead(28, "input") == "prefetch=[V]");  // 196 KB of an image in 512
  CHECK(ahead(28, "output") == "prefetch=[winograd_p]");
  CHECK(ahead(14, "input") == "");
  CHECK(ahead(14, "output") == "");
}
