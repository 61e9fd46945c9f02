// All short plans over one convolution: distinct operators, and that each computes and exports what its steps mean.
#include <catch2/catch.hpp>

#include <chrono>
#include <set>

#include "frontend/export.h"
#include "frontend/lower.h"
#include "frontend/patch.h"
#include "models.h"
#include "oracle.h"
#include "polyhedral/neural/canonical.h"
#include "polyhedral/neural/edit.h"
#include "polyhedral/neural/options.h"
#include "polyhedral/neural/patch.h"

using namespace nasc;
using namespace nasc::test;

namespace {

struct Found {
  std::vector<Step> steps;
  ConvForm form;
};
struct Enumeration {
  size_t plans = 0;
  std::map<uint64_t, Found> distinct;  // the first plan of each operator
};

void extend(Enumeration& e, const Found& at, const OptionLimits& limits, int left) {
  if (!left) return;
  for (const Step& s : local_options(at.form, "conv", limits)) {
    auto form = apply_to_form(at.form, s);
    if (!form) continue;  // names that are taken
    ++e.plans;
    Found next{at.steps, std::move(*form)};
    next.steps.push_back(s);
    e.distinct.emplace(canonical_hash(next.form), next);
    extend(e, next, limits, left - 1);
  }
}

Enumeration enumerated(const OneConv& conv, const OptionLimits& limits, int length) {
  Enumeration e;
  Found start{{}, form_of(one_conv(conv))};
  e.distinct.emplace(canonical_hash(start.form), start);
  extend(e, start, limits, length);
  return e;
}

// Values of the Program, of its separate Programs, and of the exported model, against the meaning of the steps.
void check(const OneConv& conv, const Graph& graph, const Module& before, const Found& f) {
  std::string plan;
  for (const Step& s : f.steps) plan += text(s) + " ";
  INFO(plan);
  Module m = before;
  for (const Step& s : f.steps) {
    auto next = apply(m, s);
    if (!next) FAIL(next.error().code << ": " << next.error().text);
    m = std::move(*next);
  }
  std::vector<double> expected = expected_values(conv, f.steps);
  CHECK(distance(run(m.network), expected) < 1e-12);
  auto separated = apply(m, parse_step("separate(layer=conv)"));
  if (!f.steps.empty()) {
    REQUIRE(separated);
    CHECK(distance(run(separated->network), expected) < 1e-12);
  }
  auto patch = graph_patch(before.network, m.network);
  REQUIRE(patch);
  CHECK(distance(run(lower(graph_of(export_onnx(patched(graph, *patch))))), expected) < 1e-12);
}

void enumerate_and_check(const OneConv& conv, const OptionLimits& limits, int length, size_t most) {
  auto begin = std::chrono::steady_clock::now();
  auto seconds = [&] { return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count(); };
  Enumeration e = enumerated(conv, limits, length);
  std::printf("%lld -> %lld channels, at most %d steps: %zu plans, %zu distinct operators, %.1f s\n",
              static_cast<long long>(conv.channels), static_cast<long long>(conv.outputs), length, e.plans,
              e.distinct.size(), seconds());
  Graph graph = graph_of(one_conv_model(conv));
  Module before = one_conv(conv);
  size_t every = std::max<size_t>(1, e.distinct.size() / most), k = 0, checked = 0;
  for (const auto& [unused, found] : e.distinct)
    if (k++ % every == 0) check(conv, graph, before, found), ++checked;
  std::printf("%zu of them computed, separated, exported and read back, %.1f s\n", checked, seconds());
}
}  // namespace

TEST_CASE("enumerate: short plans over a small convolution compute what their steps mean") {
  enumerate_and_check({.channels = 8, .outputs = 8}, {.factors = {2, 4}, .loops = true}, 2, 60);
}

TEST_CASE("enumerate: all plans of at most three steps over a 64 -> 64 convolution", "[.enumerate]") {
  const char* most = std::getenv("NASC_ENUMERATE_MOST");
  enumerate_and_check({.rows = 8, .columns = 8}, {}, 3, most ? std::stoul(most) : 1'000'000);
}
