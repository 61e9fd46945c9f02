// One row per refusal code of every neural transformation; a generic test checks that none is missing.
#include <catch2/catch.hpp>

#include <algorithm>

#include "ir/text.h"
#include "models.h"
#include "test/zoo/builder.h"

using namespace nasc;
using namespace nasc::test;

namespace {

enum Subject { conv, runtime_weights, symbolic, twice, residual, output, grouped_consumer, selected, mixed_view, summed };
struct Row {
  const char* code;
  Subject subject;
  std::vector<const char*> before;
  const char* step;  // with `layer=conv` left out
};

// Codes that every neural step has, by one step each.
const std::vector<Row> kCommon = {
    {"no-such-layer", conv, {}, "(layer=cnov$)"},
    {"ambiguous-layer", twice, {}, "(layer=conv$)"},
    {"not-convolution", residual, {}, "(layer=add$)"},
    {"symbolic-extent", symbolic, {}, "(layer=conv$)"},
    {"not-constant", runtime_weights, {}, "(layer=conv$)"},
    {"bad-recipe", conv, {}, "(layer=conv$, weights=guessed)"},
};
const std::vector<const char*> kCommonCodes = {"no-such-layer",   "ambiguous-layer", "not-convolution",
                                               "symbolic-extent", "not-constant",    "bad-recipe"};
// Arguments with which the step is well formed.
const std::map<std::string, const char*> kArguments = {
    {"group", ", by=2"},
    {"depthwise", ""},
    {"bottleneck", ", loop=ci, by=2"},
    {"spatial_bottleneck", ", by=2"},
    {"split_domain", ", loop=co, parts=2"},
    {"peel_domain", ", loop=co, count=2"},
    {"restrict_domain", ", loop=ci, first=2"},
    {"strip_domain", ", loop=co, parts=2"},
    {"interchange_domain", ", first=co, second=ci"},
    {"tie_domain", ", first=co, second=ci"},
};
const char* kSplit = "split_domain(layer=conv, loop=co, parts=2)";
const char* kStrip = "strip_domain(layer=conv, loop=co, parts=2)";
const char* kStripIn = "strip_domain(layer=conv, loop=ci, parts=2)";
const char* kSwap = "interchange_domain(layer=conv, first=co_o, second=co_i)";
const char* kStripRows = "strip_domain(layer=conv, loop=oh, parts=2)";

const std::vector<std::pair<const char*, Row>> kRows = {
    {"group", {"bad-size", conv, {}, "by=0"}},
    {"group", {"indivisible", conv, {}, "by=3"}},
    {"group", {"no-channels", conv, {"tie_domain(layer=conv, first=co, second=ci)"}, "by=2"}},
    {"group", {"interleaved", conv, {kStrip, kSwap}, "by=2"}},
    {"depthwise", {"indivisible", conv, {"bottleneck(layer=conv, loop=co, by=2)"}, ""}},
    {"depthwise", {"no-channels", conv, {"tie_domain(layer=conv, first=co, second=ci)"}, ""}},
    {"depthwise", {"interleaved", conv, {kStrip, kSwap, kStripIn}, ""}},
    {"bottleneck", {"no-such-loop", conv, {}, "loop=zz, by=2"}},
    {"bottleneck", {"bad-size", conv, {}, "loop=ci, by=0"}},
    {"bottleneck", {"indivisible", conv, {}, "loop=ci, by=3"}},
    {"bottleneck", {"not-innermost", conv, {kStripRows}, "loop=oh_o, by=2"}},
    {"bottleneck", {"pinned", output, {}, "loop=co, by=2"}},
    {"bottleneck", {"tied-channels", residual, {}, "loop=co, by=2"}},
    {"bottleneck", {"grouped-consumer", grouped_consumer, {}, "loop=co, by=4"}},
    {"bottleneck", {"coupled-channels", selected, {}, "loop=co, by=2"}},
    {"bottleneck", {"reshaped", mixed_view, {}, "loop=co, by=4"}},
    {"bottleneck", {"reduced", summed, {}, "loop=co, by=2"}},
    {"bottleneck", {"uncovered", conv, {"split_domain(layer=conv, loop=oh, parts=2)"}, "piece=0, loop=co, by=2"}},
    {"spatial_bottleneck", {"bad-size", conv, {}, "by=0"}},
    {"spatial_bottleneck", {"indivisible", conv, {}, "by=3"}},
    {"spatial_bottleneck", {"not-innermost", conv, {"peel_domain(layer=conv, loop=oh, count=1)"}, "piece=1, by=3"}},
    {"split_domain", {"no-such-loop", conv, {}, "loop=zz, parts=2"}},
    {"split_domain", {"bad-size", conv, {}, "loop=co, parts=0"}},
    {"split_domain", {"indivisible", conv, {}, "loop=co, parts=3"}},
    {"split_domain", {"not-written", conv, {}, "loop=ci, parts=2"}},
    {"split_domain", {"not-outermost", conv, {kStrip}, "loop=co_i, parts=2"}},
    {"peel_domain", {"no-such-loop", conv, {}, "loop=zz, count=2"}},
    {"peel_domain", {"bad-size", conv, {}, "loop=co, count=8"}},
    {"peel_domain", {"not-written", conv, {}, "loop=ci, count=2"}},
    {"peel_domain", {"not-outermost", conv, {kStrip}, "loop=co_i, count=2"}},
    {"restrict_domain", {"no-such-loop", conv, {}, "loop=zz, first=2"}},
    {"restrict_domain", {"bad-size", conv, {}, "loop=ci, first=8"}},
    {"restrict_domain", {"not-summed", conv, {}, "loop=oh, first=2"}},
    {"restrict_domain", {"pinned", output, {}, "loop=co, first=2"}},
    {"restrict_domain", {"tied-channels", residual, {}, "loop=co, first=2"}},
    {"restrict_domain", {"grouped-consumer", grouped_consumer, {}, "loop=co, first=2"}},
    {"restrict_domain", {"coupled-channels", selected, {}, "loop=co, first=2"}},
    {"restrict_domain", {"reshaped", mixed_view, {}, "loop=co, count=3"}},
    {"restrict_domain", {"reduced", summed, {}, "loop=co, first=2"}},
    {"restrict_domain", {"uncovered", conv, {"split_domain(layer=conv, loop=oh, parts=2)"}, "piece=0, loop=co, first=2"}},
    {"strip_domain", {"no-such-loop", conv, {}, "loop=zz, parts=2"}},
    {"strip_domain", {"bad-size", conv, {}, "loop=co, parts=0"}},
    {"strip_domain", {"indivisible", conv, {}, "loop=co, parts=3"}},
    {"strip_domain", {"name-taken", conv, {}, "loop=co, parts=2, names=[ci, x]"}},
    {"interchange_domain", {"no-such-loop", conv, {}, "first=co, second=zz"}},
    {"tie_domain", {"no-such-loop", conv, {}, "first=zz, second=ci"}},
    {"tie_domain", {"different-extents", conv, {kStrip}, "first=co_o, second=ci"}},
    {"tie_domain", {"not-tied", conv, {}, "first=oh, second=ow"}},
    {"tie_domain", {"interleaved", conv, {kStrip, kStripIn}, "first=co_i, second=ci_i"}},
};

// "image" -> "conv" of 8 channels -> something, all on 4x4.
Module subject(Subject s) {
  ZooBuilder b("refusals", 3);
  ZooValue x = b.input("image", {1, 8, 4, 4});
  ZooValue w = s == runtime_weights ? b.input("weights", {8, 8, 3, 3}) : b.normal("w", {8, 8, 3, 3}, 0.1);
  ZooValue y = b.node("Conv", {x, w}, {1, 8, 4, 4}, {{"pads", ZooShape{1, 1, 1, 1}}});
  ZooValue last = y;
  if (s == conv || s == twice || s == grouped_consumer) {
    int64_t groups = s == grouped_consumer ? 4 : 1;
    last = b.node("Conv", {y, b.normal("w2", {8, 8 / groups, 1, 1}, 0.1)}, {1, 8, 4, 4}, {{"group", groups}});
  }
  if (s == residual) last = b.add(y, b.node("Conv", {x, b.normal("w2", {8, 8, 1, 1}, 0.1)}, {1, 8, 4, 4}));
  if (s == residual) last = b.node("Conv", {last, b.normal("w3", {8, 8, 1, 1}, 0.1)}, {1, 8, 4, 4});
  if (s == selected) last = b.node("Slice", {y, b.constant("from", {1}, std::vector<int64_t>{1}), b.constant("to", {1}, std::vector<int64_t>{8}), b.constant("axis", {1}, std::vector<int64_t>{1}), b.constant("by", {1}, std::vector<int64_t>{2})}, {1, 4, 4, 4});
  if (s == mixed_view) last = b.relu(b.reshape(y, {1, 2, 64, 1}));
  if (s == summed) last = b.node("ReduceMax", {y}, {1, 1, 4, 4}, {{"axes", ZooShape{1}}});
  b.output(last);
  Module m = module_of(graph_of(b.bytes()));
  bool first = true;
  for (Call& c : m.network.calls) {
    const std::string& origin = m.network.programs[static_cast<size_t>(c.program)]->origin;
    c.name = origin == "Add" ? "add" : first || s == twice ? "conv" : "other";
    first = false;
  }
  if (s != symbolic) return m;
  std::string text = print(m.network);
  auto all = [&](const std::string& from, const std::string& to) {
    for (size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size()) text.replace(at, from.size(), to);
  };
  all("{ y", "[H] -> { y");
  all("[1, 8, 4, 4]", "[1, 8, H, 4]");
  all("o0 <= 3", "o0 < H");
  all("k0 <= 4 - o0", "k0 <= H - o0");
  return textual_module(parse_network(text), Target{});
}

std::string code_of(const std::string& name, const Row& row, const std::string& step) {
  Module m = subject(row.subject);
  for (const char* s : row.before) {
    auto next = apply(m, parse_step(s));
    if (!next) return "before: " + next.error().code + ": " + next.error().text;
    m = std::move(*next);
  }
  auto out = apply(m, parse_step(name + step));
  return out ? "accepted" : out.error().code;
}

std::string filled(std::string text, const std::string& arguments) {
  return text.replace(text.find('$'), 1, arguments);
}
}  // namespace

TEST_CASE("refuse: every row of the table of neural steps is refused with its code") {
  for (const auto& [name, row] : kRows) {
    std::string rest = *row.step ? std::string(", ") + row.step : "";
    DYNAMIC_SECTION("refuse: " << name << "/" << row.code) {
      CHECK(code_of(name, row, "(layer=conv" + rest + ")") == row.code);
    }
  }
}

TEST_CASE("refuse: codes that all neural steps have") {
  for (const auto& [name, arguments] : kArguments) {
    for (const Row& row : kCommon)
      DYNAMIC_SECTION("refuse: " << name << "/" << row.code) {
        CHECK(code_of(name, row, filled(row.step, arguments)) == row.code);
      }
    DYNAMIC_SECTION("refuse: " << name << "/no-such-piece") {
      CHECK(code_of(name, {"", conv, {kSplit}, ""}, std::string("(layer=conv, piece=2") + arguments + ")") == "no-such-piece");
    }
    DYNAMIC_SECTION("refuse: " << name << "/ambiguous-piece") {
      CHECK(code_of(name, {"", conv, {kSplit}, ""}, std::string("(layer=conv") + arguments + ")") == "ambiguous-piece");
    }
  }
}

TEST_CASE("refuse: separate") {
  auto refused = [](Subject s, const char* before, const char* step) {
    return code_of("separate", {"", s, before ? std::vector<const char*>{before} : std::vector<const char*>{}, ""}, step);
  };
  CHECK(refused(conv, nullptr, "(layer=cnov)") == "no-such-layer");
  CHECK(refused(twice, nullptr, "(layer=conv)") == "ambiguous-layer");
  CHECK(refused(residual, nullptr, "(layer=add)") == "not-convolution");
  CHECK(refused(symbolic, nullptr, "(layer=conv)") == "symbolic-extent");
  CHECK(refused(conv, nullptr, "(layer=conv)") == "plain");
}

TEST_CASE("refuse: separate/not-constant") {
  auto m = apply(subject(conv), parse_step("group(layer=conv, by=2)"));
  REQUIRE(m);
  Network& n = m->network;
  const Call& call = n.calls[0];
  const Program& p = *n.programs[static_cast<size_t>(call.program)];
  std::vector<int> bound = Network::bound(p);
  for (size_t k = 0; k < bound.size(); ++k)
    if (p.tensors[static_cast<size_t>(bound[k])].role == Role::weight)
      n.buffers.edit(static_cast<size_t>(n.root(call.args[k]))).role = Role::input;
  auto out = apply(*m, parse_step("separate(layer=conv)"));
  CHECK((out ? "accepted" : out.error().code) == "not-constant");
}

TEST_CASE("refuse: separate/too-many-pieces") {
  ZooBuilder b("wide", 3);
  b.output(b.node("Conv", {b.input("image", {1, 2, 1, 1}), b.normal("w", {257, 2, 1, 1}, 0.1)}, {1, 257, 1, 1}));
  Module m = module_of(graph_of(b.bytes()));
  m.network.calls[0].name = "conv";
  auto split = apply(m, parse_step("split_domain(layer=conv, loop=co, parts=257)"));
  INFO((split ? "" : split.error().text));
  REQUIRE(split);
  auto out = apply(*split, parse_step("separate(layer=conv)"));
  CHECK((out ? "accepted" : out.error().code) == "too-many-pieces");
}

TEST_CASE("refuse: every registered refusal of a neural step has a row") {
  for (const Transformation* t : all_registered<Transformation>()) {
    if (t->kind != Kind::neural) continue;
    CHECK(kArguments.count(t->name) == 1);
    for (std::string code : t->refusals) {
      bool common = std::count(kCommonCodes.begin(), kCommonCodes.end(), code) > 0 || code == "no-such-piece" || code == "ambiguous-piece";
      INFO(t->name << "/" << code);
      CHECK(std::count_if(kRows.begin(), kRows.end(), [&](const auto& r) { return r.first == std::string(t->name) && r.second.code == code; }) == (common ? 0 : 1));
    }
  }
}
