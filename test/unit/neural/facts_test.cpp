// Facts that a neural step must show: sizes, ratios, values.
#include <catch2/catch.hpp>

#include "ir/interpret.h"
#include "models.h"
#include "oracle.h"
#include "polyhedral/neural/canonical.h"
#include "polyhedral/neural/counts.h"
#include "polyhedral/neural/edit.h"
#include "polyhedral/neural/options.h"
#include "polyhedral/scheduler.h"

using namespace nasc;
using namespace nasc::test;

namespace {

struct Named {
  const char* name;
  std::vector<std::string> steps;
  double macs, parameters;  // ratio to the convolution's
};
// On 64 -> 64 channels, 3x3.
const std::vector<Named> kOperators = {
    {"group 2", {"group(layer=conv, by=2)"}, 0.5, 0.5},
    {"group 2 of group 4", {"group(layer=conv, by=4)", "group(layer=conv, by=2)"}, 0.125, 0.125},
    {"depthwise", {"depthwise(layer=conv)"}, 1.0 / 64, 1.0 / 64},
    {"input bottleneck", {"interchange_domain(layer=conv, first=co, second=ci)", "bottleneck(layer=conv, by=2)"}, 0.5, 0.5},
    {"Seq.1 [2, 4]",
     {"split_domain(layer=conv, loop=co, parts=2)", "group(layer=conv, piece=0, by=2)", "group(layer=conv, piece=1, by=4)"},
     0.375,
     0.375},
    {"Seq.2 (16, 2)",
     {"peel_domain(layer=conv, loop=co, count=16)", "restrict_domain(layer=conv, piece=1, loop=ci, first=16)",
      "group(layer=conv, piece=1, by=2)"},
     0.53125,
     0.53125},
    {"Seq.3 of the repository (2)", {"split_domain(layer=conv, loop=oh, parts=2)"}, 1, 2},
    {"spatial bottleneck", {"spatial_bottleneck(layer=conv, by=2)"}, 0.25, 1},
    {"spatial bottleneck of loops",
     {"interchange_domain(layer=conv, first=co, second=oh)", "bottleneck(layer=conv, by=2)",
      "interchange_domain(layer=conv, first=oh, second=ow)", "bottleneck(layer=conv, by=2)",
      "interchange_domain(layer=conv, first=ow, second=co)"},
     0.25,
     1},
    {"1x1 of its middle taps", {"bottleneck(layer=conv, loop=kh, by=3)", "bottleneck(layer=conv, loop=kw, by=3)"}, 1.0 / 9, 1.0 / 9},
    {"stripes of rows that read their own inputs",
     {"strip_domain(layer=conv, loop=oh, parts=4)", "strip_domain(layer=conv, loop=ci, parts=4)",
      "tie_domain(layer=conv, first=oh_o, second=ci_o)"},
     0.25,
     1},
    {"groups of strided inputs",
     {"strip_domain(layer=conv, loop=ci, parts=4)", "interchange_domain(layer=conv, first=ci_o, second=ci_i)",
      "group(layer=conv, by=4)"},
     0.25,
     0.25},
};

int64_t weights_of(const ConvForm& f) { return f.parameters() - (f.bias ? f.out[0] : 0); }
}  // namespace

TEST_CASE("neural: named operators come out of primitives, with their sizes and values") {
  OneConv conv{.rows = 8, .columns = 8};
  Module before = one_conv(conv);
  ConvForm old = form_of(before);
  for (const Named& op : kOperators) {
    DYNAMIC_SECTION(op.name) {
      Module m = after(before, op.steps);
      ConvForm form = form_of(m);
      CHECK(static_cast<double>(form.macs()) == op.macs * static_cast<double>(old.macs()));
      CHECK(static_cast<double>(weights_of(form)) == op.parameters * static_cast<double>(weights_of(old)));
      CHECK(count_network(m.network).macs == form.macs());
      CHECK(count_network(m.network).parameters == form.parameters());
      CHECK(m.network.buffers[static_cast<size_t>(m.network.outputs[0])].shape ==
            before.network.buffers[static_cast<size_t>(before.network.outputs[0])].shape);
      std::vector<Step> steps;
      for (const auto& s : op.steps) steps.push_back(parse_step(s));
      std::vector<double> expected = expected_values(conv, steps);
      CHECK(distance(run(m.network), expected) < 1e-12);
      auto separated = with_steps(m, {"separate(layer=conv)"});
      REQUIRE(separated);
      CHECK(distance(run(separated->network), expected) < 1e-12);
      CHECK(count_network(separated->network).macs == form.macs());
    }
  }
}

TEST_CASE("neural: group 2 is two half convolutions side by side, its weights 64x32x3x3") {
  OneConv conv;
  Module m = after(one_conv(conv), {"group(layer=conv, by=2)"});
  ConvForm form = form_of(m);
  CHECK(form.pieces[0].weights == std::array<int64_t, 4>{64, 32, 3, 3});
  const Buffer* w = nullptr;
  for (const Buffer& b : m.network.buffers)
    if (b.rank() == 4 && b.role == Role::weight) w = &b;
  REQUIRE(w);
  CHECK(constants(w->shape) == std::vector<int64_t>{64, 32, 3, 3});
  Module halves = after(one_conv(conv), {"split_domain(layer=conv, loop=co, parts=2)",
                                         "restrict_domain(layer=conv, piece=0, loop=ci, count=32)",
                                         "restrict_domain(layer=conv, piece=1, loop=ci, first=32)"});
  CHECK(form_of(halves).pieces.size() == 2);
  CHECK(distance(run(halves.network), run(m.network)) < 1e-12);
  CHECK(canonical_text(form_of(halves)) == canonical_text(form));
}

TEST_CASE("neural: strides, batches, grouped and unpadded convolutions, and those without bias") {
  for (const OneConv& conv : std::vector<OneConv>{{.images = 2, .channels = 8, .outputs = 16, .rows = 7, .columns = 9, .stride = 2},
                                                  {.channels = 8, .outputs = 8, .rows = 6, .columns = 6, .pad = 0, .bias = false},
                                                  {.channels = 8, .outputs = 8, .rows = 6, .columns = 6, .kernel = 5, .pad = 2},
                                                  {.channels = 8, .outputs = 8, .kernel = 1, .pad = 0}}) {
    for (std::vector<std::string> steps : std::vector<std::vector<std::string>>{
             {"group(layer=conv, by=4)"},
             {"split_domain(layer=conv, loop=oh, parts=2)", "group(layer=conv, piece=1, by=2)"},
             {"spatial_bottleneck(layer=conv, by=2)"}}) {
      auto m = with_steps(one_conv(conv), steps);
      if (!m) {
        CHECK(m.error().code == "indivisible");
        continue;
      }
      std::vector<Step> parsed;
      for (const auto& s : steps) parsed.push_back(parse_step(s));
      std::vector<double> expected = expected_values(conv, parsed);
      CHECK(distance(run(m->network), expected) < 1e-12);
      CHECK(distance(run(after(*m, {"separate(layer=conv)"}).network), expected) < 1e-12);
    }
  }
  Module grouped = one_conv({.channels = 8, .outputs = 8, .groups = 2});
  CHECK(canonical_text(form_of(grouped)) == canonical_text(form_of(after(one_conv({.channels = 8, .outputs = 8}), {"group(layer=conv, by=2)"}))));
  CHECK(canonical_text(form_of(after(grouped, {"group(layer=conv, by=2)"}))) ==
        canonical_text(form_of(after(one_conv({.channels = 8, .outputs = 8}), {"group(layer=conv, by=4)"}))));
}

TEST_CASE("neural: the interpreter and the executor agree on a rewritten Program") {
  Module m = after(one_conv({.channels = 8, .outputs = 8}), {"peel_domain(layer=conv, loop=co, count=2)", "spatial_bottleneck(layer=conv, piece=1, by=2)"});
  const Program& p = *m.network.programs[0];
  Bindings bindings;
  std::vector<int> bound = Network::bound(p);
  for (size_t k = 0; k < bound.size(); ++k) {
    const Buffer& b = m.network.buffers[static_cast<size_t>(m.network.calls[0].args[k])];
    const std::string& name = p.tensors[static_cast<size_t>(bound[k])].name;
    if (b.role == Role::weight) bindings[name] = host_tensor(b.dtype, constants(b.shape), b.payload);
    if (b.role == Role::input) bindings[name] = noise(constants(b.shape), 1);
  }
  interpret(p, bindings);
  CHECK(distance(to_doubles(bindings.at("Y")), run(m.network)) < 1e-5);
}

TEST_CASE("neural: drawn weights are the same each time, and not the given ones") {
  Module a = after(one_conv({}), {"group(layer=conv, by=2, weights=init)"}), b = after(one_conv({}), {"group(layer=conv, by=2, weights=init)"}),
         c = after(one_conv({}), {"group(layer=conv, by=2)"});
  CHECK(run(a.network) == run(b.network));
  CHECK(distance(run(a.network), run(c.network)) > 0.01);
}

TEST_CASE("neural: a scheduled plan of neural steps replays") {
  Module m = after(one_conv({}), {"split_domain(layer=conv, loop=co, parts=2)", "group(layer=conv, piece=0, by=2)"});
  ScheduleOptions options;
  options.level = 1;  // the executor takes no layouts with halos
  Scheduled s = schedule_module(m, options);
  verify(s.module.network);
  CHECK(s.plan.network[0].transformation == "separate");
  CHECK(distance(run(s.module.network), run(m.network)) < 1e-12);
  auto again = replay(m, parse_plan(text(s.plan), "plan"));
  REQUIRE(again);
  CHECK(again->network.calls.size() == s.module.network.calls.size());
}

TEST_CASE("neural: every generated option applies") {
  for (const char* model : {"tiny-resnet", "tiny-densenet", "tiny-mobilenet"}) {
    Module m = zoo_module(model);
    auto layers = neural_layers(m.network);
    CHECK(layers.size() >= 6);
    for (const NeuralLayer& l : layers)
      for (const Step& s : legal_options(m.network, l.name, {.most_groups = 4, .most_parts = 2, .factors = {2, 4}, .loops = true})) {
        if (s.transformation == "interchange_domain") continue;
        INFO(model << ": " << text(s));
        auto out = with_steps(m, {text(s)});
        CHECK(out.has_value());
      }
  }
}
