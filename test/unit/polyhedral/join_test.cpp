// join: results are the same without the copies, parts are laid out with their whole, and each
// refusal.
#include <catch2/catch.hpp>

#include "ir/text.h"
#include "polyhedral/module_edit.h"
#include "polyhedral/scheduler.h"
#include "polyhedral/transformation.h"
#include "programs.h"

using namespace nasc;
using test::refusal;
using test::run;

namespace {

// y = relu(concat(relu(x), -x, x)) along `dim`; the last operand is memory of the caller.
Module three_parts(int dim, const char* whole_role = "temp", const char* extra = "") {
  int64_t n = dim == 0 ? 3 : 1, c = dim == 1 ? 24 : 8;
  auto shape = [](int64_t n, int64_t c) { return text("f32[", n, ", ", c, ", 4, 4]"); };
  auto pointwise = [&](const char* name, int64_t n, int64_t c, const char* body) {
    return text("program ", name, " origin \"\" {\n tensor X : ", shape(n, c),
                " input\n tensor Y : ", shape(n, c), " output\n stmt s { s[n, c, h, w] : 0 <= n < ",
                n, " and 0 <= c < ", c, " and 0 <= h < 4 and 0 <= w < 4 }\n Y[n, c, h, w] = ", body,
                "\n }\n");
  };
  std::string concat =
      text("program concat origin \"Concat\" {\n tensor A : ", shape(1, 8),
           " input\n tensor B : ", shape(1, 8), " input\n tensor C : ", shape(1, 8),
           " input\n tensor Y : ", shape(n, c), " output\n");
  for (int k = 0; k < 3; ++k) {
    std::string at = k ? text(" + ", dim == 0 ? k : 8 * k) : "";
    concat += text(" stmt s", k, " { s", k,
                   "[n, c, h, w] : n = 0 and 0 <= c < 8 and 0 <= h < 4 and 0 <= w < 4 }\n Y[n",
                   dim == 0 ? at : "", ", c", dim == 1 ? at : "", ", h, w] = ", "ABC"[k],
                   "[n, c, h, w]\n");
  }
  std::string source =
      text("network net {\n buffer x : ", shape(1, 8), " input\n buffer a : ", shape(1, 8),
           " temp\n buffer b : ", shape(1, 8), " temp\n buffer z : ", shape(n, c), " ", whole_role,
           "\n buffer y : ", shape(n, c), " output\n", extra,
           pointwise("relu", 1, 8, "max(X[n, c, h, w], 0)"),
           pointwise("neg", 1, 8, "-1 * X[n, c, h, w]"), concat, " }\n",
           pointwise("last", n, c, "max(X[n, c, h, w], 0.25)"), " inputs [x]\n outputs [",
           std::string(whole_role) == "output" ? "z, y" : "y",
           "]\n call 0 relu(x, a)\n call 1 neg(x, b)\n call 2 concat(a, b, x, z)\n call 3 last(z, "
           "y)\n}\n");
  return textual_module(parse_network(source), Target{});
}
} // namespace

TEST_CASE("join: producers write their part, what belongs to the caller is copied") {
  Module before = three_parts(1);
  auto after = apply(before, parse_step("join(call=2)"));
  REQUIRE(after);
  const Network& n = after->network;
  CHECK(n.calls.size() == 4); // the Concat went, a copy of x came
  CHECK(n.root(find_buffer(n, "a")) == find_buffer(n, "z"));
  CHECK(places(n)[find_buffer(n, "b")].at == 8 * 16);
  verify(n);
  CHECK(run(*after) == run(before));
  Network again = parse_network(print(n));
  CHECK(print(again) == print(n));
}

TEST_CASE("join: a layout of the whole is that of its parts") {
  auto joined = apply(three_parts(1), parse_step("join(call=2)"));
  REQUIRE(joined);
  auto blocked =
      apply(*joined, parse_step("layout(buffer=z, dims=[0, 1, 2, 3, 1], div=[1, 8, 1, 1, 1], "
                                "mod=[0, 0, 0, 0, 8], before=[0, 0, 1, 1], after=[0, 0, 1, 1])"));
  REQUIRE(blocked);
  const Network& n = blocked->network;
  verify(n);
  CHECK(places(n)[find_buffer(n, "b")].at == 8 * 6 * 6);
  CHECK(refusal(
            *joined,
            "layout(buffer=z, dims=[0, 1, 2, 3, 1], div=[1, 12, 1, 1, 1], mod=[0, 0, 0, 0, 12])") ==
        "view");
  CHECK(
      refusal(*joined, "layout(buffer=a, dims=[0, 1, 2, 3], div=[1, 1, 1, 1], mod=[0, 0, 0, 0])") ==
      "view");
}

TEST_CASE("join: operands that are all of another buffer stand there as that buffer") {
  Module m = textual_module(parse_network(R"(network net {
 buffer x : f32[1, 8] input
 buffer a : f32[1, 8] temp
 buffer b : f32[1, 8] temp
 buffer c : f32[1, 8] temp
 buffer z : f32[1, 16] temp
 buffer w : f32[1, 24] temp
 buffer y : f32[1, 24] output
 buffer v : f32[1, 16] output
 program add origin "" {
  tensor X : f32[1, 8] input
  tensor Y : f32[1, 8] output
  stmt s { s[n, c] : n = 0 and 0 <= c < 8 }
   Y[n, c] = X[n, c] + 0.5
 }
 program two origin "Concat" {
  tensor A : f32[1, 8] input
  tensor B : f32[1, 8] input
  tensor Y : f32[1, 16] output
  stmt s0 { s0[n, c] : n = 0 and 0 <= c < 8 }
   Y[n, c] = A[n, c]
  stmt s1 { s1[n, c] : n = 0 and 0 <= c < 8 }
   Y[n, c + 8] = B[n, c]
 }
 program three origin "Concat" {
  tensor A : f32[1, 8] input
  tensor B : f32[1, 8] input
  tensor C : f32[1, 8] input
  tensor Y : f32[1, 24] output
  stmt s0 { s0[n, c] : n = 0 and 0 <= c < 8 }
   Y[n, c] = A[n, c]
  stmt s1 { s1[n, c] : n = 0 and 0 <= c < 8 }
   Y[n, c + 8] = B[n, c]
  stmt s2 { s2[n, c] : n = 0 and 0 <= c < 8 }
   Y[n, c + 16] = C[n, c]
 }
 program twice origin "" {
  tensor X : f32[1, 24] input
  tensor Y : f32[1, 24] output
  stmt s { s[n, c] : n = 0 and 0 <= c < 24 }
   Y[n, c] = 2 * X[n, c]
 }
 program half origin "" {
  tensor X : f32[1, 16] input
  tensor Y : f32[1, 16] output
  stmt s { s[n, c] : n = 0 and 0 <= c < 16 }
   Y[n, c] = 0.5 * X[n, c]
 }
 inputs [x]
 outputs [y, v]
 call 0 add(x, a)
 call 0 add(a, b)
 call 1 two(a, b, z)
 call 0 add(b, c)
 call 2 three(a, b, c, w)
 call 3 twice(w, y)
 call 4 half(z, v)
})"),
                            Target{});
  auto once = apply(m, parse_step("join(call=2)"));
  REQUIRE(once);
  auto both = apply(*once, parse_step("join(call=3)"));
  REQUIRE(both);
  const Network& n = both->network;
  verify(n);
  CHECK(n.calls.size() == 5); // neither Concat, no copy
  CHECK(n.buffers[find_buffer(n, "z")].alias_of == find_buffer(n, "w"));
  CHECK(places(n)[find_buffer(n, "c")].at == 16);
  CHECK(run(*both) == run(m));
}

TEST_CASE("join: results of a Split are read where they lie") {
  Module m = textual_module(parse_network(R"(network net {
 buffer x : f32[1, 16] input
 buffer z : f32[1, 16] temp
 buffer a : f32[1, 8] temp
 buffer b : f32[1, 8] temp
 buffer y : f32[1, 8] output
 program twice origin "" {
  tensor X : f32[1, 16] input
  tensor Y : f32[1, 16] output
  stmt s { s[n, c] : n = 0 and 0 <= c < 16 }
   Y[n, c] = 2 * X[n, c]
 }
 program split origin "Split" {
  tensor X : f32[1, 16] input
  tensor A : f32[1, 8] output
  tensor B : f32[1, 8] output
  stmt s0 { s0[n, c] : n = 0 and 0 <= c < 8 }
   A[n, c] = X[n, c]
  stmt s1 { s1[n, c] : n = 0 and 0 <= c < 8 }
   B[n, c] = X[n, c + 8]
 }
 program add origin "" {
  tensor A : f32[1, 8] input
  tensor B : f32[1, 8] input
  tensor Y : f32[1, 8] output
  stmt s { s[n, c] : n = 0 and 0 <= c < 8 }
   Y[n, c] = A[n, c] - B[n, c]
 }
 inputs [x]
 outputs [y]
 call 0 twice(x, z)
 call 1 split(z, a, b)
 call 2 add(a, b, y)
})"),
                            Target{});
  auto joined = apply(m, parse_step("join(call=1)"));
  REQUIRE(joined);
  CHECK(joined->network.calls.size() == 2);
  verify(joined->network);
  CHECK(run(*joined) == run(m));
}

TEST_CASE("join: what overlaps is no Network") {
  auto joined = apply(three_parts(1), parse_step("join(call=2)"));
  REQUIRE(joined);
  Network n = joined->network;
  n.buffers.edit(static_cast<size_t>(find_buffer(n, "b"))).part->at = 0; // where a is
  CHECK_THROWS_AS(verify(n), InternalError);
  n.buffers.edit(static_cast<size_t>(find_buffer(n, "b"))).part->at = 20; // beyond the end
  CHECK_THROWS_AS(verify(n), InternalError);
  std::string printed = print(joined->network);
  size_t at = printed.find("part 1:8");
  REQUIRE(at != std::string::npos);
  CHECK_THROWS_AS(parse_network(printed.replace(at, 8, "part 1:20")), UserError);
}

TEST_CASE("join: the scheduler joins whole blocks of channels, and its plan replays") {
  Module before = three_parts(1);
  before.target.vector_bits = 256;
  Scheduled after = schedule_module(before, {});
  verify(after.module.network);
  CHECK(text(after.plan).find("join(") != std::string::npos);
  for (const Call& c : after.module.network.calls)
    CHECK(after.module.network.programs[c.program]->origin.find("Concat") == std::string::npos);
  test::check_replay(before, after);
  before.target.vector_bits = 512; // a part is half a block
  CHECK(text(schedule_module(before, {}).plan).find("join(") == std::string::npos);
}

TEST_CASE("refuse: join/no-such-call") {
  CHECK(refusal(three_parts(1), "join(call=9)") == "no-such-call");
}
TEST_CASE("refuse: join/not-a-copy") {
  CHECK(refusal(three_parts(1), "join(call=0)") == "not-a-copy");
  Module fill = textual_module(parse_network(R"(network net {
 buffer y : f32[8] output
 program fill origin "" {
  tensor Y : f32[8] output
  stmt s { s[i] : 0 <= i < 8 }
   Y[i] = 1
 }
 inputs []
 outputs [y]
 call 0 fill(y)
})"),
                               Target{});
  CHECK(refusal(fill, "join(call=0)") == "not-a-copy");
}
TEST_CASE("refuse: join/caller-memory") {
  CHECK(refusal(three_parts(1, "output"), "join(call=2)") == "caller-memory");
}
TEST_CASE("refuse: join/view") {
  CHECK(refusal(three_parts(1, "temp", " buffer v : f32[1, 384] temp alias z\n"), "join(call=2)") ==
        "view");
}
TEST_CASE("refuse: join/nothing-joined") {
  Module same = three_parts(1); // three times the caller's x
  same.network.calls[2].args[0] = same.network.calls[2].args[1] = same.network.calls[2].args[2];
  CHECK(refusal(same, "join(call=2)") == "nothing-joined");
}
TEST_CASE("refuse: join/not-in-one-piece") { // side by side along the last dimension: in rows
  Module columns = textual_module(parse_network(R"(network net {
 buffer x : f32[2, 4] input
 buffer a : f32[2, 4] temp
 buffer b : f32[2, 4] temp
 buffer z : f32[2, 8] temp
 buffer y : f32[2, 8] output
 program relu origin "" {
  tensor X : f32[2, 4] input
  tensor Y : f32[2, 4] output
  stmt s { s[i, j] : 0 <= i < 2 and 0 <= j < 4 }
   Y[i, j] = max(X[i, j], 0)
 }
 program concat origin "" {
  tensor A : f32[2, 4] input
  tensor B : f32[2, 4] input
  tensor Y : f32[2, 8] output
  stmt s0 { s0[i, j] : 0 <= i < 2 and 0 <= j < 4 }
   Y[i, j] = A[i, j]
  stmt s1 { s1[i, j] : 0 <= i < 2 and 0 <= j < 4 }
   Y[i, j + 4] = B[i, j]
 }
 program last origin "" {
  tensor X : f32[2, 8] input
  tensor Y : f32[2, 8] output
  stmt s { s[i, j] : 0 <= i < 2 and 0 <= j < 8 }
   Y[i, j] = max(X[i, j], 0)
 }
 inputs [x]
 outputs [y]
 call 0 relu(x, a)
 call 0 relu(x, b)
 call 1 concat(a, b, z)
 call 2 last(z, y)
})"),
                                  Target{});
  CHECK(refusal(columns, "join(call=2)") == "not-in-one-piece");
}
