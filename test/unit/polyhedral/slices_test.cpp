// Which Programs are slices along a symbolic batch, and what a round of slices needs of a buffer.
#include <catch2/catch.hpp>

#include "ir/text.h"
#include "legality/order.h"
#include "polyhedral/module_edit.h"
#include "polyhedral/scheduler.h"
#include "polyhedral/slices.h"

using namespace nasc;

namespace {
// One statement over n and i in [0, 8) that writes y[N, 8] from x[N, 8].
bool slices(const std::string& domain, const std::string& statement,
            const std::string& tensors = "") {
  Program p = parse_program(
      "program p { tensor x : f32[N, 8] input\n tensor y : f32[N, 8] output\n" + tensors +
      "  stmt s [N] -> { s[n, i] : " + domain + " }\n    " + statement + " }");
  return slices_by(p, "N");
}
const std::string kAll = "0 <= n < N and 0 <= i < 8";
} // namespace

TEST_CASE("slices: images that do not mix are slices") {
  CHECK(slices(kAll, "y[n, i] = x[n, i] * 2.0"));
  CHECK(slices(kAll, "y[n, i] = x[n, 7 - i]"));
  CHECK(slices(kAll + " and (i + 1) mod 3 = 0", "y[n, i] = x[n, i]"));
  CHECK(slices(kAll, "y[n, i] = x[n, i] * w[i]", "  tensor w : f32[8] weight\n"));
}

TEST_CASE("slices: merged and split batches are slices of several rows") {
  Program merged = parse_program(R"(program p { tensor x : f32[N, 6, 8] input
    tensor y : f32[6*N, 8] output
    stmt s [N] -> { s[m, i] : 0 <= m < 6N and 0 <= i < 8 }
      y[m, i] = x[floor(m/6), m - 6*floor(m/6), i] })");
  CHECK(slices_by(merged, "N"));
}

TEST_CASE("slices: what mixes images, counts them or numbers them is not") {
  CHECK_FALSE(slices(kAll, "y[N - 1 - n, i] = x[n, i]"));
  CHECK_FALSE(slices("1 <= n < N and 0 <= i < 8", "y[n, i] = x[n - 1, i]"));
  CHECK_FALSE(slices(kAll, "y[n, i] = x[0, i]"));
  CHECK_FALSE(slices(kAll + " and i < n + 1", "y[n, i] = x[n, i]"));
  CHECK_FALSE(slices(kAll, "y[n, i] = f32(extent(N)) * x[n, i]"));
}

TEST_CASE("slices: one of them is a Program without the parameter; what is none stays") {
  auto program = [](const std::string& index) {
    return std::make_shared<const Program>(parse_program(
        "program p { tensor x : f32[2*N, 8, M] input\n tensor y : f32[2*N, 8, M] output\n"
        " stmt s [N, M] -> { s[n, i, j] : 0 <= n < 2N and 0 <= i < 8 and 0 <= j < M }\n y[n, i, j] = x[" + index + ", i, j] }"));
  };
  ProgramRef p = program("n"), one = one_slice(p);
  CHECK(one == one_slice(p));
  CHECK(text(one->tensor("x").shape) == "[2, 8, M]");  // columns are no images
  verify(*one);
  for (const char* index : {"2*N - 1 - n", "0"}) {
    ProgramRef mixed = program(index);
    CHECK(one_slice(mixed) == mixed);
  }
  ProgramRef rows = std::make_shared<const Program>(parse_program(
      "program p { tensor x : f32[N, 8] input\n tensor y : f32[N, 8] output\n stmt s [N] -> { s[n, i] : 0 <= n < N and 0 <= i < 8 }\n y[n, i] = x[n, i] }"));
  CHECK(slices_by(*rows, "N"));
  CHECK(one_slice(rows) == rows);
  ProgramRef none = std::make_shared<const Program>(parse_program(
      "program p { tensor x : f32[8] input\n tensor y : f32[8] output\n stmt s { s[i] : 0 <= i < 8 }\n y[i] = x[i] }"));
  CHECK(one_slice(none) == none);
}

TEST_CASE("slices: loops are those of one, in a loop over all, divided along with them") {
  auto scheduled = [](const std::string& images, int64_t columns) {
    std::string head = images == "N" ? "[N] -> " : "", at = "0 <= n < " + images + " and 0 <= m < 256 and 0 <= p < " + text(columns) + " and 0 <= q < 7 ";
    std::string source = text("network net {\n buffer x : f32[", images, ", 512, ", columns, ", 7] input\n buffer w : f32[256, 512] weight\n",
                              " buffer y : f32[", images, ", 256, ", columns, ", 7] output\n program conv {\n tensor X : f32[", images, ", 512, ", columns,
                              ", 7] input\n tensor W : f32[256, 512] weight\n tensor Y : f32[", images, ", 256, ", columns, ", 7] output\n stmt z ", head,
                              "{ z[n, m, p, q] : ", at, "}\n Y[n, m, p, q] = 0\n stmt s ", head, "{ s[n, m, p, q, d] : ", at,
                              "and 0 <= d < 512 }\n Y[n, m, p, q] += X[n, d, p, q] * W[m, d]\n }\n inputs [x]\n outputs [y]\n call 0 conv(x, w, y) \"conv\"\n}\n");
    Target target;
    target.cpu = "x86-64-v3";
    Module before = textual_module(parse_network(source), target);
    Scheduled out = schedule_module(before, {});
    verify(out.module.network);
    CHECK(judge_order(kernel(out.module, 0)).allowed());
    REQUIRE(out.plan.kernels.size() == 1);
    REQUIRE(out.plan.kernels[0].second.size() == 1);
    CHECK(out.module.network.buffers[find_buffer(out.module.network, "w")].layout.has_value());
    return std::pair(out.plan.kernels[0].second[0], text(*out.module.network.buffers[find_buffer(out.module.network, "w")].layout));
  };
  for (int64_t columns : {7, 56}) {
    auto [one, one_layout] = scheduled("1", columns);
    auto [any, any_layout] = scheduled("N", columns);
    INFO(text(one) << "\n" << text(any));
    CHECK(one_layout == any_layout);
    auto words = [](const Step& s, const char* key) { return std::get<std::vector<std::string>>(s.args.at(key)); };
    std::vector<std::string> loops = words(one, "loops");
    std::erase(loops, "n");
    loops.insert(loops.begin(), "n");
    CHECK(words(any, "loops") == loops);
    CHECK(std::get<std::string>(any.args.at("parallel")) == "n");
    CHECK(any.args.count("collapse") == 1);
    for (const char* key : {"parallel", "collapse", "loops", "sizes", "outer"})
      one.args.erase(key), any.args.erase(key);
    CHECK(text(one) == text(any));
    CHECK(one.args.count("reduce") == 1);
  }
}

TEST_CASE("slices: growth of an extent") {
  Extent n = Extent::parameter("N"), h = Extent::parameter("H");
  CHECK(growth(n * Extent(49), "N") == 49);
  CHECK(growth(h, "N") == 0);
  CHECK_FALSE(growth(n + Extent(1), "N"));
  CHECK_FALSE(growth(n * h, "N"));
  CHECK_FALSE(growth(floordiv(n, Extent(2)), "N"));
}
