#include <catch2/catch.hpp>

#include <chrono>

#include "polyhedral/transformation.h"
#include "programs.h"

using namespace nasc;

namespace {
Kernel textual(const Program& p) { return {p, textual_schedule(p)}; }
Kernel after(Kernel k, const std::vector<const char*>& steps) {
  for (const char* s : steps) {
    auto next = apply(k, parse_step(s));
    INFO(s << ": " << (next ? "" : next.error().text));
    REQUIRE(next);
    k = *next;
  }
  return k;
}
std::vector<std::string> names(const Kernel& k, const std::string& statement) {
  std::vector<std::string> out;
  for (const auto& l : loops_of(k.schedule, statement)) out.push_back(text(l.text));
  return out;
}
using Words = std::vector<std::string>;
bool same_order(const Kernel& a, const Kernel& b) {
  return lex_lt(order(a.schedule), order(a.schedule)).is_equal(lex_lt(order(b.schedule), order(b.schedule)));
}
}  // namespace

TEST_CASE("split: floor and mod loops replace the loop") {
  Kernel k = textual(test::matmul(4, 6, 12)), s = after(k, {"split(loop=k, by=4)"});
  CHECK(names(s, "mac") == Words{"i", "j", "k.t", "k.i"});
  CHECK(trip_count(s.schedule, *find_loop(s.schedule, "k.t")) == 3);
  CHECK(trip_count(s.schedule, *find_loop(s.schedule, "k.i")) == 4);
  CHECK(same_order(k, s));
}

TEST_CASE("split: full tiles are isolated when the size does not divide") {
  Kernel k = textual(test::matmul(4, 6, 49)), s = after(k, {"split(loop=k, by=10)"});
  CHECK(text(s.schedule).find("isolate[[") != std::string::npos);
  CHECK(same_order(k, s));
  CHECK(names(after(s, {"unroll(loop=k.i)"}), "mac").back() == "k.i unroll");
  Kernel g = after(k, {"split(loop=k, by=10, remainder=guard)"});
  CHECK(apply(g, parse_step("unroll(loop=k.i)")).error().code == "unknown-trip-count");
}

TEST_CASE("split: isolation follows its loop through an interchange") {
  Kernel s = after(textual(test::matmul(4, 6, 49)), {"split(loop=k, by=10)", "interchange(outer=mac.j, inner=k.t)",
                                                     "interchange(outer=mac.i, inner=k.t)", "unroll(loop=k.i)"});
  CHECK(names(s, "mac") == Words{"k.t", "i", "j", "k.i unroll"});
  CHECK(text(s.schedule).find("isolate[") != std::string::npos);
}

TEST_CASE("split: listed sizes give parts of constant trip counts under one name") {
  Kernel k = textual(test::matmul(4, 6, 29)), s = after(k, {"split(loop=k, sizes=[10, 10, 9])", "unroll(loop=k.i)"});
  CHECK(names(s, "mac") == Words{"i", "j", "k.t", "k.i unroll", "k.t", "k.i unroll"});
  CHECK(same_order(k, s));
}

TEST_CASE("split: a part that does not start at zero is tiled from its start") {
  Kernel k = textual(test::matmul(4, 6, 29)),
         s = after(k, {"partition(loop=k, at=5, names=[k.a, k.b])", "split(loop=k.b, by=8)"});
  CHECK(trip_count(s.schedule, *find_loop(s.schedule, "k.b.i")) == 8);
  CHECK(same_order(k, s));
}

TEST_CASE("reorder: loops take the given order") {
  Kernel s = after(textual(test::conv(4, 6)), {"reorder(order=[kw, ci, kh])"});
  CHECK(names(s, "mac") == Words{"n", "co", "h", "w", "kw", "ci", "kh"});
}

TEST_CASE("fuse_loops: adjacent nests share their outer loops") {
  Kernel s = after(textual(test::conv(4, 6)), {"fuse_loops(first=init.n, second=mac.n, levels=4)",
                                               "fuse_loops(first=mac.n, second=epi.n, levels=4)"});
  CHECK(find_loop(s.schedule, "w")->statements == Words{"epi", "init", "mac"});
  CHECK(loops(s.schedule).size() == 7);
}

TEST_CASE("vectorize: lanes start at zero") {
  Kernel s = after(textual(test::matmul(4, 6, 24)),
                   {"partition(loop=k, at=8, names=[k.a, k.b])", "vectorize(loop=k.b)"});
  CHECK(text(s.schedule).find("-8 + k") != std::string::npos);
}

TEST_CASE("transformations cost milliseconds") {
  Kernel k = after(textual(test::conv(64, 56)), {"fuse_loops(first=init.n, second=mac.n, levels=4)",
                                                 "fuse_loops(first=mac.n, second=epi.n, levels=4)"});
  const std::vector<const char*> steps = {"split(loop=w, by=14)", "split(loop=co, by=32)",
                                          "interchange(outer=h, inner=w.t)", "split(loop=ci, by=16)",
                                          "unroll(loop=w.i)", "parallel(loop=co.t)"};
  double total = 0;
  for (const char* s : steps) {
    auto start = std::chrono::steady_clock::now();
    k = after(k, {s});
    double ms = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
    total += ms;
    UNSCOPED_INFO(s << " " << ms << " ms");
  }
  CHECK(total < 200 * steps.size());  // far above what is measured: only a blow-up fails here
  if (std::getenv("NASC_PRINT_TIMES")) WARN("transformations: " << total / steps.size() << " ms each");
}
