// Facts about isl that the project relies on, and the traps it goes around.
#include <catch2/catch.hpp>

#include <algorithm>
#include <cmath>

#include "ir/isl_box.h"

using namespace nasc;

TEST_CASE("isl: the library is 0.25 with GMP, not the one inside libLLVM") {
  std::string version = isl_version_text();
  CHECK(version.find("isl-0.25") != std::string::npos);
  CHECK(version.find("IMath") == std::string::npos);
}

TEST_CASE("isl: make_id keeps dots, digits and spaces") {
  for (const char* name : {"co.p", "3x", "co.t parallel, unroll(4)"}) CHECK(make_id(name).name() == name);
}

TEST_CASE("isl: marks with any text survive a round trip through block text") {
  isl::schedule s = isl::schedule::from_domain(isl::union_set(isl_context(), "{ s[i, j] : 0 <= i, j < 8 }"));
  isl::schedule_node node = s.root().child(0);
  node = node.insert_partial_schedule(isl::multi_union_pw_aff(isl_context(), "[{ s[i, j] -> [(i)] }]"));
  node = insert_mark(node, "i.t parallel, 3x");
  std::string out = block_text(node.schedule());
  CHECK(out.find("\"i.t parallel, 3x\"") != std::string::npos);
  CHECK(block_text(parse_schedule(out)) == out);
  CHECK(mark_name(node.parent().as<isl::schedule_node_mark>()) == "i.t parallel, 3x");
}

TEST_CASE("isl: node_domain has bounds, delete_node removes one node") {
  isl::schedule s = isl::schedule::from_domain(isl::union_set(isl_context(), "{ s[i] : 0 <= i < 8 }"));
  isl::schedule_node node = s.root().child(0).insert_partial_schedule(
      isl::multi_union_pw_aff(isl_context(), "[{ s[i] -> [(i)] }]"));
  CHECK(node_domain(node).is_equal(s.domain()));
  CHECK(schedule_depth(node.child(0)) == 1);
  CHECK(schedule_depth(delete_node(node)) == 0);
}

TEST_CASE("isl: what it prints, it reads back, and it rewrites what it reads") {
  isl::set s(isl_context(), "{ s[n, i] : 0 <= n < 1 and 0 <= i < 64 }");
  CHECK(text(s) == "{ s[n = 0, i] : 0 <= i <= 63 }");
  CHECK(text(isl::set(isl_context(), text(s))) == text(s));
  CHECK(dim_names(s) == std::vector<std::string>{"n", "i"});
}

TEST_CASE("isl: an operation quota gives a refusal, and the context works on") {
  unsigned long before = isl_quota();
  set_isl_quota(1);
  auto r = with_quota(IslEntry::order, []() -> Expected<bool> {
    return isl::set(isl_context(), "{ [i, j] : exists a : i = 3a + j and 0 <= i, j < 50 }").is_equal(isl::set(isl_context(), "{ [i, i] }"));
  });
  set_isl_quota(before);
  REQUIRE(!r);
  CHECK(r.error().code == "isl-quota");
  CHECK(isl::set(isl_context(), "{ [i] : i > 0 }").is_empty() == false);
}

TEST_CASE("isl: an error that follows from a used up quota is that refusal, another is not") {
  unsigned long before = isl_quota();
  auto failing = [](unsigned long quota, auto fail) {
    set_isl_quota(quota);
    return with_quota(IslEntry::order, [&]() -> Expected<bool> {
      try {
        isl::set(isl_context(), "{ [i, j] : exists a : i = 3a + j and 0 <= i, j < 50 }").is_equal(isl::set(isl_context(), "{ [i, i] }"));
      } catch (const isl::exception_quota&) {
      }
      return fail();
    });
  };
  auto isl_error = [] { return isl::set().is_empty(); };
  auto check_error = []() -> bool { throw InternalError("x"); };
  auto no_error = [] { return true; };
  CHECK(failing(1, isl_error).error().code == "isl-quota");
  CHECK(failing(1, check_error).error().code == "isl-quota");
  CHECK(failing(1, no_error).error().code == "isl-quota");
  CHECK_THROWS_AS(failing(1'000'000, isl_error), isl::exception);
  CHECK_THROWS_AS(failing(1'000'000, check_error), InternalError);
  CHECK(failing(1'000'000, no_error));
  set_isl_quota(1);
  CHECK(with_quota(IslEntry::order, [&]() -> Expected<bool> {
          return with_quota(IslEntry::order, [&]() -> Expected<bool> { return isl_error(); });
        }).error().code == "isl-quota");
  set_isl_quota(before);
}

TEST_CASE("isl: quasi gives the numbers of floor and mod") {
  isl::multi_aff m(isl_context(), "[N] -> { s[i, j] -> [(2i + N) - 3*(j mod 4) + floor((i + 5)/6)] }");
  QuasiAff q = quasi(m.at(0));
  auto value = [](const QuasiAff& f, long i, long j, long n, auto&& self) -> double {
    double v = static_cast<double>(f.linear.constant + f.linear.coefficients[0] * i + f.linear.coefficients[1] * j);
    for (auto& [name, c] : f.linear.parameters) v += static_cast<double>(c * n);
    for (auto& [c, inner] : f.floors) v += static_cast<double>(c) * std::floor(self(inner, i, j, n, self));
    return v / static_cast<double>(f.linear.denominator);
  };
  for (long i = -7; i < 8; ++i)
    for (long j = 0; j < 8; ++j)
      CHECK(value(q, i, j, 10, value) == 2 * i + 10 - 3 * (j % 4) + std::floor((static_cast<double>(i) + 5) / 6));
}

TEST_CASE("isl: parameters are put in, existentials lifted, ranges found") {
  isl::set s(isl_context(), "[N] -> { s[i] : 0 <= i < N and i mod 2 = 0 }");
  isl::set fixed = with_parameters(s, {{"N", 9}, {"unused", 1}});
  auto parts = basic_sets(fixed);
  REQUIRE(parts.size() == 1);
  CHECK(constraints(lifted(parts[0])).divs == 0);
  CHECK(dim_range(parts[0], 0) == std::pair(0L, 8L));
  CHECK(!dim_range(basic_sets(isl::set(isl_context(), "{ [i] : i > 0 }"))[0], 0));
  CHECK(count(fixed) == 5);
}

TEST_CASE("isl: a plain box is read off, and nothing else is taken for one") {
  auto box = [](const char* text) { return plain_box(isl::set(isl_context(), text)); };
  using Box = std::vector<std::pair<int64_t, int64_t>>;
  CHECK(box("{ s[i, j, k] : 0 <= i < 8 and -3 <= j <= 5 and k = 7 }") == Box{{0, 7}, {-3, 5}, {7, 7}});
  for (const char* other : {"{ s[i, j] : 0 <= i < 8 and i <= j < 9 }", "{ s[i] : 0 <= i }", "[N] -> { s[i] : 0 <= i < N }",
                            "{ s[i] : 0 <= i < 4 or 6 <= i < 8 }", "{ s[i] : i mod 3 = 0 and 0 <= i < 9 }", "{ s[i] : false }"})
    CHECK(!box(other));
  CHECK(box("{ s[i] : 0 <= 3i <= 10 }") == Box{{0, 3}});  // isl has rounded
  unsigned long before = isl_quota();
  set_isl_quota(1);
  auto spent = with_quota(IslEntry::order, [&]() -> Expected<bool> { return box("{ s[i] : 0 <= i < 8 }").has_value(); });
  CHECK(!spent);
  set_isl_quota(before);
}

TEST_CASE("isl: plain ranges hold every point, and leave out what no constraint says alone") {
  using Ranges = std::vector<std::optional<std::pair<int64_t, int64_t>>>;
  auto ranges = [](const char* text) { return plain_ranges(isl::set(isl_context(), text)); };
  CHECK(ranges("{ s[i, j, k] : 0 <= i < 8 and -3 <= j <= 5 and k = 7 }") ==
        Ranges{{{0, 7}}, {{-3, 5}}, {{7, 7}}});
  CHECK(ranges("{ s[t, i] : 0 <= t and 0 <= i < 2 and 2t + i < 7 }") == Ranges{{{0, 3}}, {{0, 1}}});
  CHECK(ranges("{ s[i, j, k] : i >= 0 and j >= i and k >= 2j and 3k <= 20 }") == Ranges{{{0, 3}}, {{0, 3}}, {{0, 6}}});
  CHECK(ranges("{ s[i, j] : i >= 0 and j >= i }") == Ranges{std::nullopt, std::nullopt});
  CHECK(ranges("[N] -> { s[i, j] : 0 <= i < N and 0 <= j < 4 }") == Ranges{std::nullopt, {{0, 3}}});
  CHECK(ranges("{ s[i, j] : i mod 3 = 0 and 0 <= i < 9 and 0 <= j < 2 }") == Ranges{{{0, 8}}, {{0, 1}}});
  CHECK(ranges("{ s[i] : 0 <= i < 4 or 6 <= i < 8 }") == Ranges{std::nullopt});
}

TEST_CASE("isl: the constraints of a set as inequalities, or none of them") {
  auto rows = [](const char* text) { return plain_inequalities(isl::set(isl_context(), text)); };
  auto some = rows("{ s[i, j] : i = j and 2i + 3j < 8 }");
  REQUIRE(some);
  auto holds = [&](int64_t i, int64_t j) {
    return std::all_of(some->begin(), some->end(), [&](const Inequality& r) {
      return r.coefficients[0] * i + r.coefficients[1] * j + r.constant >= 0;
    });
  };
  for (int64_t i = -3; i < 4; ++i)
    for (int64_t j = -3; j < 4; ++j) CHECK(holds(i, j) == (i == j && 2 * i + 3 * j < 8));
  for (const char* other : {"[N] -> { s[i] : 0 <= i < N }", "{ s[i] : i < 4 or i > 6 }", "{ s[i] : i mod 3 = 0 }", "{ s[i] : false }"})
    CHECK(!rows(other));
}

TEST_CASE("isl: same is equality, of boxes however they are written") {
  isl::ctx c = isl_context();
  isl::set a(c, "{ s[i, j] : 0 <= i < 8 and j = 0 }"), b(c, "{ s[i, j] : i >= 0 and i <= 7 and 0 <= j <= 0 }");
  CHECK(same(a, b));
  CHECK(!same(a, isl::set(c, "{ s[i, j] : 0 <= i < 8 and j = 1 }")));
  CHECK(!same(a, isl::set(c, "{ t[i, j] : 0 <= i < 8 and j = 0 }")));
  CHECK(same(isl::set(c, "{ s[i] : exists k : i = 2k and 0 <= i < 8 }"), isl::set(c, "{ s[i] : i mod 2 = 0 and 0 <= i < 7 }")));
  isl::union_set u(c, "{ s[i] : 0 <= i < 8; t[i] : 0 <= i < 4 }");
  CHECK(same(u, isl::union_set(c, "{ t[i] : 0 <= i <= 3; s[i] : 0 <= i < 8 }")));
  CHECK(!same(u, isl::union_set(c, "{ s[i] : 0 <= i < 8 }")));
}

TEST_CASE("read_set: products of intervals are what isl reads, however they are written") {
  uint32_t seed = 7;
  auto draw = [&](int n) { return static_cast<int>((seed = seed * 1664525u + 1013904223u) >> 8) % n; };
  for (int k = 0; k < 200; ++k) {
    std::string dims, bounds;
    for (int d = 0, n = 1 + draw(7); d < n; ++d) {
      std::string i = text("i", d);
      int low = draw(3) - 1, size = draw(3) ? draw(100) : 0;
      bool fixed = draw(5) == 0;
      dims += text(d ? ", " : "", i, fixed ? text(" = ", low) : "");
      if (fixed) continue;
      std::string high = draw(2) ? text("< ", low + size + 1) : text("<= ", low - 3, " + ", size + 3);
      if (high.find("<= -") != std::string::npos) high = text("<= ", low + size);
      bounds += text(bounds.empty() ? " : " : " and ", low, " <= ", i, " ", high);
    }
    std::string source = text(draw(2) ? "" : "[] -> ", "{ S", draw(9), "[", dims, "]", bounds, " }");
    isl::set read = read_set(source), asked(isl_context(), source);
    INFO(source);
    CHECK(text(read) == text(asked));
    CHECK(read.is_equal(asked));
    CHECK(text(read_set(text(read))) == text(isl::set(isl_context(), text(asked))));
  }
  for (const char* other : {"{ S[i, j] : 0 <= i < 8 and 0 <= j < i }", "[N] -> { S[i] : 0 <= i < N }", "{ S[i] : 0 <= i < 0 }",
                            "{ S[i, j] : 0 <= i < 8 }", "{ S[i, i] : 0 <= i < 8 }", "{ S[i] : 0 <= i < 8 and 2 <= i < 9 }", "{ S[] }"})
    CHECK(text(read_set(other)) == text(isl::set(isl_context(), other)));
  CHECK_THROWS(read_set("{ S[mod] : 0 <= mod < 8 }"));
}
