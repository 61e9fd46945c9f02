// Textual IR: fixpoints, exact values, and errors with a place.
#include <catch2/catch.hpp>

#include <cmath>
#include <limits>
#include <random>

#include "ir/interpret.h"
#include "ir/text.h"
#include "test/support/lost_by_isl.h"
#include "test/unit/ir/programs.h"
#include "test/unit/ir/random_program.h"

using namespace nasc;
using namespace nasc::test;

namespace {
void check_fixpoint(const Program& p) {
  std::string first = print(p);
  INFO(first);
  Program back = parse_program(first);
  REQUIRE(print(back) == first);
  REQUIRE(canonical_text(back) == canonical_text(p));
}
std::string error_of(const std::string& source) {
  try {
    parse_program(source, "f.nir");
  } catch (const UserError& e) {
    return e.line();
  }
  return "no error";
}
std::string with_body(const std::string& body, const std::string& type = "f32") {
  return "program p {\n  tensor x : " + type + "[4] input\n  tensor y : " + type +
         "[4] output\n  stmt s { s[i] : 0 <= i < 4 }\n    y[i] = " + body + "\n}\n";
}
bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }
}  // namespace

TEST_CASE("text: a padded convolution prints as one reads it") {
  Program p = conv();
  check_fixpoint(p);
  std::string out = print(p);
  INFO(out);
  CHECK(contains(out, "  tensor x : f32[1, 3, 5, 5] input\n"));
  CHECK(contains(out, "y[n, co, h, w] += x[n, ci, h + kh - 1, w + kw - 1] * wt[co, ci, kh, kw]\n"));
  CHECK(contains(out, "    box { mac["));
}

TEST_CASE("text: precedence, associativity and constants keep the tree") {
  for (const char* body : {"x[i] - (x[0] - 1.5)", "x[i] - x[0] - 1.5", "-1.5 * (x[i] + 2) / 0.1", "neg(x[i]) - -0", "nan", "-inf",
                           "select(x[i] < 0.5 & !true == false, 1e-30, f32(i + extent(7)))", "f32(1:i64 << i)",
                           "f32(0.1:f64) + max(x[i], x[3 - i])", "x[2*floor(i/2)] + x[3 - floor((i + 3)/2)]"}) {
    std::string source = with_body(body);
    if (contains(source, "!true")) source.replace(source.find("!true"), 5, "not(true)");
    Program p = parse_program(source);
    check_fixpoint(p);
  }
  Program p = parse_program(with_body("x[i] - (x[0] - 1.5)"));
  CHECK(contains(print(p), "x[i] - (x[0] - 1.5)\n"));
  p = parse_program(with_body("0.1"));
  CHECK(p.statements[0].body->number == static_cast<double>(0.1f));
  CHECK(contains(print(p), "y[i] = 0.1\n"));
  p = parse_program(with_body("18446744073709551615", "u64"));
  CHECK(p.statements[0].body->integer == -1);
  check_fixpoint(p);
}

TEST_CASE("text: floats survive bit by bit") {
  std::mt19937_64 random(7);
  Program p = parse_program(with_body("1.5", "f64"));
  for (int k = 0; k < 2000; ++k) {
    double v = std::bit_cast<double>(random());
    if (std::isnan(v)) continue;
    p.statements[0].body = constant(DType::f64, v);
    REQUIRE(std::bit_cast<uint64_t>(parse_program(print(p)).statements[0].body->number) == std::bit_cast<uint64_t>(v));
  }
}

TEST_CASE("text: parameters, derived extents, empty domains, rank 0, ordered statements") {
  Extent n = Extent::parameter("N"), h = Extent::parameter("H"), q = floordiv(n * h, 2);
  Program p;
  p.name = "sym";
  p.origin = "A \"quoted\"\nname \x80";
  p.tensors = {tensor("x", {n, h}, Role::input), tensor("y", {q}, Role::output), tensor("z", {}, Role::temp, DType::i64)};
  p.tensors[1].original = "out/put:0";
  std::string d = isl_text(q);
  p.statements.push_back(statement("zero", {}, "{ zero[] }", access("z", "{ zero[] -> z[] }"), {}, extent(q * q)));
  p.statements.push_back(statement("s", {"i"}, "[" + d + "] -> { s[i] : 0 <= i < " + d + " }", access("y", "{ s[i] -> y[i] }"),
                                   {access("z", "{ s[i] -> z[] }")}, cast(DType::f32, read(0, DType::i64))));
  p.statements.push_back(statement("none", {"exists", "e0"}, "{ none[a, b] : false }", access("y", "{ none[a, b] -> y[a + b] }"), {}, constant(DType::f32, 0)));
  p.statements.back().reassociable = false;
  check_fixpoint(p);
  Program back = parse_program(print(p));
  CHECK(back.origin == p.origin);
  CHECK(back.tensors[1].original == "out/put:0");
  CHECK(!back.statements[2].reassociable);
  Bindings a{{"x", zeros(DType::f32, {3, 3})}}, b = a;
  interpret(p, a);
  interpret(back, b);
  CHECK(to_doubles(a["y"]) == to_doubles(b["y"]));
  CHECK(to_doubles(a["y"]) == std::vector<double>{16, 16, 16, 16});
}

TEST_CASE("text: payloads are never text, their hash is") {
  Program p = conv();
  p.tensors[1].role = Role::weight;
  p.tensors[1].payload = payload_of(std::vector<float>(108, 0.25f));
  Program back = parse_program(print(p));
  CHECK(!back.tensors[1].payload);
  CHECK(hash(back.tensors[1].payload) == hash(p.tensors[1].payload));
  check_fixpoint(p);
  std::string before = canonical_text(p);
  p.name = "other";
  p.tensors[0].original = "renamed";
  CHECK(canonical_text(p) == before);
  p.tensors[1].payload = payload_of(std::vector<float>(108, 0.5f));
  CHECK(canonical_text(p) != before);
}

TEST_CASE("text: [property] print, parse, print is a fixpoint and keeps the values") {
  for (unsigned seed = 0; seed < 300; ++seed) {
    Program p = random_program(seed);
    INFO("seed " << seed);
    check_fixpoint(p);
    Bindings a = random_bindings(p, seed), b = a;
    interpret(p, a);
    interpret(parse_program(print(p)), b);
    for (const Tensor& t : p.tensors)
      if (t.role == Role::output) REQUIRE(a[t.name].bytes == b[t.name].bytes);
  }
}

TEST_CASE("text: networks round-trip") {
  Network n;
  n.name = "tiny-net 2";
  n.model_hash = 0xfeed;
  auto p = std::make_shared<Program>(conv());
  n.programs = {p};
  auto buffer = [&](Tensor t, const std::string& name, Role role, int alias = -1) {
    t.name = name;
    t.role = role;
    Buffer b;
    static_cast<Tensor&>(b) = t;
    b.alias_of = alias;
    n.buffers.push_back(b);
  };
  buffer(p->tensors[0], "image", Role::input);
  buffer(p->tensors[1], "w0", Role::weight);
  n.buffers.edit(1).payload = payload_of(std::vector<float>(108, 2.f));
  buffer(p->tensors[2], "out", Role::output);
  buffer(tensor("", {100}, Role::temp), "flat", Role::temp, 2);
  n.inputs = {0};
  n.outputs = {2, 3};
  n.calls = {{0, {0, 1, 2}, "Conv/1 \"x\""}};
  verify(n);
  std::string first = print(n);
  INFO(first);
  Network back = parse_network(first);
  CHECK(print(back) == first);
  CHECK(back.calls[0].name == n.calls[0].name);
  CHECK(back.buffers[3].alias_of == 2);
  CHECK_THROWS_AS(parse_network(first.substr(0, first.size() / 2)), UserError);
  CHECK_THROWS_AS(parse_network("network n { buffer a : f32[1] temp alias b buffer b : f32[1] temp alias a inputs [] outputs [] }"), UserError);
  CHECK_NOTHROW(parse_network("network n { buffer a : f32[1] temp alias b buffer b : f32[1] input inputs [b] outputs [] }"));
}

TEST_CASE("text: errors name line and column") {
  CHECK(contains(error_of(with_body("x[j]")), "f.nir:5:14: error: unknown iterator or parameter 'j' [NASC0108 bad-text]"));
  CHECK(contains(error_of(with_body("z[i]")), "unknown tensor 'z'"));
  CHECK(contains(error_of(with_body("x[i, i]")), "rank"));
  CHECK(contains(error_of(with_body("x[i*i]")), "not quasi-affine"));
  CHECK(contains(error_of(with_body("x[i + 1]")), "leaves x"));
  CHECK(contains(error_of(with_body("x[i] + 1:i64")), "operands of add are f32 and i64"));
  CHECK(contains(error_of(with_body("foo(x[i])")), "unknown function 'foo'"));
  CHECK(contains(error_of(with_body("exp(x[i], x[i])")), "exp takes 1"));
  CHECK(contains(error_of(with_body("1:f99")), "unknown type 'f99'"));
  CHECK(contains(error_of("program p { stmt s { s[i] : } y[i] = 0 }"), "NASC0108"));
  CHECK(contains(error_of("program p { tensor x : f32[-1] input }"), "negative"));
  CHECK(contains(error_of("program p { tensor x : f32[2] input layout [5] }"), "layout"));
  CHECK(contains(error_of("program p { stmt s { s[i] : 0 <= i < }"), "f.nir:1:20"));
  CHECK(contains(error_of(with_body(std::string(100000, '('))), "[NASC0401 limit]"));
  CHECK(contains(error_of("program p { stmt s { s[i] : " + std::string(100000, '(')), "[NASC0401 limit]"));
  CHECK(contains(error_of("program p { stmt s { s[i] : i > " + std::string(50000, '-') + "1 }"), "NASC0108"));
  CHECK(contains(error_of(""), "expected 'program'"));
}

TEST_CASE("text: [property] damaged text ends in an error or a Program, never a crash") {
  std::string good = print(conv());
  std::mt19937 random(3);
  const std::string bytes = "[]{}()+-*/:;,=<>&|0123456789einf \n\"x\x01\xff";
  for (int k = 0; k < 400; ++k) {
    std::string bad = good;
    for (int edits = 1 + static_cast<int>(random() % 3); edits > 0; --edits) {
      size_t at = random() % bad.size();
      if (random() % 3 == 0) bad.erase(at, 1 + random() % 5);
      else bad[at] = bytes[random() % bytes.size()];
    }
    LostByIsl tokens;
    try {
      print(parse_program(bad));
    } catch (const UserError&) {
    }
  }
}

TEST_CASE("text: redundant bounds that isl drops while reading do not change the text again") {
  Program p = conv(1, 2, 3, 9);
  std::string tuple = "mac[n, co, h, w, ci, kh, kw]";
  p.statements[1].domain = isl::set(isl_context(), "{ " + tuple + " : n = 0 and 0 <= co < 2 and 0 <= h, w <= 3 and 0 <= ci < 3 and "
                                    "0 <= kh, kw < 3 and 0 <= 2h + kh - 1 < 9 and 0 <= 2w + kw - 1 < 9 }");
  check_fixpoint(p);
}
