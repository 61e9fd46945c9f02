// Scheduled kernels against the interpreter: tiles in registers, lanes, unrolling, remainders, threads, refusals.
#include <catch2/catch.hpp>

#include "codegen/nest.h"
#include "ir/isl_box.h"
#include "ir/text.h"
#include "polyhedral/transformation.h"
#include "test/unit/codegen/jit.h"
#include "test/unit/codegen/kernels.h"

using namespace nasc;
using namespace nasc::test;

namespace {
std::string refusal(const Kernel& k) {
  auto made = emit_kernel(k, host_target(), "k", {});
  return made ? "none" : made.error().code;
}
Kernel marked(const std::string& source, const std::string& tree) {
  Program p = parse_program(source);
  return {p, Schedule{parse_schedule(tree)}};
}
}  // namespace

TEST_CASE("emit: register tiles of a haloed convolution, dividing and not, on several threads") {
  for (int64_t pixels : {4, 6, 7})
    for (int nt : {1, 3}) {
      INFO(pixels << " pixels, " << nt << " threads");
      Kernel k = tiled(conv(8, 32, 14, 8), text("tile(loops=[n, co, h, w], sizes=[1, 16, 1, ", pixels,
                                                "], vector=co, lanes=8, reduce=[ci, kh, kw], chunks=[4, 0, 0], step=2, unroll=[kw], parallel=co)"));
      CHECK(check_kernel(k, {}, nt) <= 1e-5);
    }
}

TEST_CASE("emit: the rest of whole vectors has lanes without an iteration, which touch nothing") {
  for (int64_t out : {17, 20, 22, 28})  // of 16 or 24 channels a tile
    for (const char* order : {"[0, 1/8, 2, 3, 1%8]", "[0, 2, 3, 1]", "[0, 1, 2, 3]"})
      for (int64_t size : {16, 24, 32}) {
        std::string source = conv(8, out, 7, 8);
        for (const char* tensor : {"tensor r", "tensor y"}) {
          size_t at = source.find("[0, 1/8, 2, 3, 1%8]", source.find(tensor));
          source.replace(at, 19, order);
        }
        std::string step = text("tile(loops=[h, n, co, w], sizes=[1, 1, ", size, ", 3], vector=co, lanes=8, reduce=[ci, kh, kw], chunks=[4, 0, 0], step=2, parallel=h)");
        INFO(out << " channels, y " << order << ", " << step);
        Kernel k = tiled(source, step);
        CHECK(check_kernel(k, {}, 2) <= 1e-5);
        EmitOptions options;
        options.llvm_ir = true;
        auto object = emit_kernel(k, host_target(), "k", options);
        REQUIRE(object);
        CHECK(object->notes.empty());
        CHECK(object->parallel);
        bool beside = (out - 1) % size >= 8;  // in one tile with whole vectors; fewer lanes alone are vectors of their own
        if (beside && std::string(order) != "[0, 1, 2, 3]") CHECK(object->llvm_ir.find("llvm.masked.store.v8f32") != std::string::npos);
      }
}

TEST_CASE("emit: a partial tile of the divided loop is one thread's share like any other") {
  for (int64_t size : {16, 24, 32})
    for (int nt : {1, 2, 3, 5}) {
      Kernel k = tiled(conv(8, 40, 7, 8), text("tile(loops=[co, n, h, w], sizes=[", size, ", 1, 1, 4], vector=co, lanes=8, parallel=co)"));
      INFO(size << " channels a tile, " << nt << " threads");
      CHECK(check_kernel(k, {}, nt) <= 1e-5);
      auto nest = nest_from_schedule(k);
      REQUIRE(nest);
      std::string loops = text(*nest);
      CHECK(loops.find("parallel") == loops.rfind("parallel"));
      CHECK(loops.find(text("if ((c0 < ", 40 / size, "))")) != std::string::npos);
    }
}

TEST_CASE("emit: sums in blocks of the reduction, the next block of weights fetched meanwhile") {
  for (const char* more : {"block=4", "prefetch=k", "block=4, prefetch=k", "block=8, prefetch=k"})
    for (int64_t pixels : {4, 7})
      for (int nt : {1, 3}) {
        std::string source = conv(16, 32, 14, 8), block = "[0/8, 1, 2, 3, 0%8]";  // the weights' columns are the tile's
        source.replace(source.find(block), block.size(), "[0/16, 1, 2, 3, 0%16]");
        INFO(more << ", " << pixels << " pixels, " << nt << " threads");
        Kernel k = tiled(source, text("tile(loops=[n, co, h, w], sizes=[1, 16, 1, ", pixels,
                                                   "], vector=co, lanes=8, reduce=[ci, kh, kw], chunks=[4, 0, 0], "
                                                   "step=2, parallel=co, ", more, ")"));
        CHECK(check_kernel(k, {}, nt) <= 1e-5);
        EmitOptions options;
        options.llvm_ir = true;
        auto object = emit_kernel(k, target_for("x86-64-v3", "x86_64-unknown-linux-gnu"), "k", options);
        REQUIRE(object);
        bool fetches = object->llvm_ir.find("call void @llvm.prefetch") != std::string::npos;
        CHECK(fetches == (std::string(more).find("prefetch") != std::string::npos));
        CHECK(parse_program(print(k.program)).statements.size() == k.program.statements.size());
        CHECK(nest_of_digits(k).has_value());
      }
}

TEST_CASE("emit: all of the next block of weights is fetched, at steps or at chunks") {
  struct Case {
    int64_t columns, size, lines, rows, step;  // of the matrix; of the image, and of its tiles
    const char* more;
  };
  // At each four steps, at each chunk, with steps too short for that; a line at each value in passes as many as lines, several
  // at each four steps in others.
  for (const Case& c : {Case{32, 14, 7, 14, 4, ""}, {32, 14, 7, 2, 4, ""}, {32, 14, 7, 14, 2, ""}, {32, 14, 7, 2, 4, ", sum=16"},
                        {32, 14, 7, 14, 4, ", sum=32"}, {32, 14, 14, 7, 4, ""}, {64, 6, 6, 2, 4, ""}, {64, 4, 4, 1, 4, ""}}) {
    std::string source = conv(64, c.columns, c.size, 16), block = "[0/16, 1, 2, 3, 0%16]";
    source.replace(source.find(block), block.size(), text("[0/", c.columns, ", 1, 2, 3, 0%", c.columns, "]"));
    Kernel k = tiled(source, text("tile(loops=[co, n, h, w], sizes=[", c.columns, ", 1, ", c.lines, ", ", c.rows, "], vector=co, lanes=16, ",
                                  "reduce=[ci, kh, kw], chunks=[16, 0, 0], step=", c.step, ", prefetch=k", c.more, ")"));
    auto found = std::find_if(k.program.statements.begin(), k.program.statements.end(), [](const Statement& s) { return s.name.starts_with("ahead"); });
    REQUIRE(found != k.program.statements.end());
    const Statement& ahead = *found;
    // { k[co, ci, kh, kw] }: the last reduction counts rows beyond its own end.
    isl::set named = ahead.reads[0].map.as_map().intersect_domain(ahead.domain).range();
    isl::set next = read_set(text("{ k[co, ci, kh, kw] : 0 <= co < ", c.columns, " and co mod 16 = 0 and ci = 64 and kh = 0 and 0 <= kw < 576 }"));
    INFO(c.columns << " columns, " << c.rows << " rows, step " << c.step << c.more);
    CHECK(next.is_subset(named));
    CHECK(check_kernel(k, {}, 1) <= 1e-4);
  }
}

TEST_CASE("emit: a copy of a tile too large for the stack is memory of each thread's own") {
  Kernel k = tiled(conv(16, 32, 48, 8), "tile(loops=[n, co, h, w], sizes=[1, 16, 1, 4], vector=co, lanes=8, "
                                        "reduce=[ci, kh, kw], chunks=[4, 0, 0], step=2, parallel=co, block=4)");
  EmitOptions options;
  options.scratch = true;
  auto object = emit_kernel(k, host_target(), "k", options);
  REQUIRE(object);
  REQUIRE(object->scratch.size() == 1);
  CHECK(object->scratch[0].shape[0].is(2));  // iterations that a thread may begin with
  CHECK(storage_bytes(object->scratch[0]).is(2 * 48 * 48 * 16 * 4));
  for (int nt : {1, 2, 3}) CHECK(check_kernel(k, {}, nt) <= 2e-5);  // of 74,000 outputs
}

TEST_CASE("emit: tiles of two rows with partial tiles in both dimensions") {
  Kernel k = tiled(conv(3, 16, 7, 8), "tile(loops=[n, h, w, co], sizes=[1, 2, 3, 16], vector=co, lanes=8, parallel=h)");
  CHECK(check_kernel(k, {}, 2) <= 1e-5);
}

TEST_CASE("emit: a nest fetches what its next iteration reads and writes") {
  Kernel k = tiled("program relu { tensor x : f32[6, 5, 16] input tensor y : f32[6, 5, 16] output "
                   "stmt s { s[i, j, c] : 0 <= i < 6 and 0 <= j < 5 and 0 <= c < 16 } y[i, j, c] = max(x[i, j, c], 0) }",
                   "nest(loops=[i, j, c], vector=c, lanes=8, parallel=i, prefetch=[x, y])");
  for (int nt : {1, 3}) CHECK(check_kernel(k, {}, nt) == 0);
  EmitOptions options;
  options.llvm_ir = true;
  auto object = emit_kernel(k, target_for("x86-64-v3", "x86_64-unknown-linux-gnu"), "k", options);
  REQUIRE(object);
  CHECK(object->llvm_ir.find("i32 0, i32 2, i32 1)") != std::string::npos);            // to read
  CHECK(object->llvm_ir.find("i32 1, i32 2, i32 1)") != std::string::npos);            // to write
}

TEST_CASE("emit: two loops are divided among threads as one") {
  for (const char* step : {"tile(loops=[h, n, co, w], sizes=[1, 1, 8, 7], vector=co, lanes=8, parallel=h, collapse=co)",
                           "tile(loops=[h, n, co, w], sizes=[2, 1, 16, 4], vector=co, lanes=8, parallel=h, collapse=co)",
                           "tile(loops=[co, n, h, w], sizes=[16, 1, 1, 4], vector=co, lanes=8, parallel=co, collapse=h)"})
    for (int nt : {1, 2, 3, 5, 16, 64}) {
      INFO(step << ", " << nt << " threads");
      Kernel k = tiled(conv(3, 32, 7, 8), step);
      CHECK(check_kernel(k, {}, nt) <= 1e-5);
      auto object = emit_kernel(k, host_target(), "k", {});
      REQUIRE(object);
      CHECK(object->notes.empty());
    }
}

TEST_CASE("emit: a loop with a partial tile is not divided along with the one around it") {
  Kernel k = tiled(conv(3, 32, 7, 8), "tile(loops=[co, n, h, w], sizes=[16, 1, 2, 7], vector=co, lanes=8, parallel=co, collapse=h)");
  for (int nt : {1, 3}) CHECK(check_kernel(k, {}, nt) <= 1e-5);
}

TEST_CASE("emit: the rest of the divided loop is divided with the one inside like the others") {
  std::string relu = "program relu { tensor x : f32[6, 5, $c] input tensor y : f32[6, 5, $c] output "
                     "stmt s { s[i, j, c] : 0 <= i < 6 and 0 <= j < 5 and 0 <= c < $c } y[i, j, c] = max(x[i, j, c], 0) }";
  std::vector<std::pair<std::string, std::string>> cases;
  for (const char* c : {"12", "20", "30"})
    for (const char* more : {"", ", prefetch=[x, y]"}) {
      std::string source = relu;
      for (size_t at; (at = source.find("$c")) != std::string::npos;) source.replace(at, 2, c);
      cases.push_back({source, text("nest(loops=[c, i, j], vector=c, lanes=8, parallel=c, collapse=i", more, ")")});
    }
  for (const char* sizes : {"[16, 1, 1, 4]", "[24, 1, 1, 7]", "[32, 1, 2, 7]"})  // of 40 channels; the last has a rest of both
    cases.push_back({conv(3, 40, 7, 8), text("tile(loops=[co, n, h, w], sizes=", sizes, ", vector=co, lanes=8, parallel=co, collapse=h)")});
  for (const auto& [source, step] : cases) {
    INFO(source << step);
    Kernel k = tiled(source, step);
    for (int nt : {1, 2, 3, 5, 40}) CHECK(check_kernel(k, {}, nt) <= 1e-5);
    auto object = emit_kernel(k, host_target(), "k", {});
    REQUIRE(object);
    CHECK(object->notes.empty());
    CHECK(object->parallel);
    auto nest = nest_from_schedule(k);
    REQUIRE(nest);
    std::string loops = text(*nest);
    CHECK(loops.find("if (") > loops.find("parallel", loops.find("parallel") + 1));  // inside of both
  }
}

TEST_CASE("emit: rows of accumulators need not be whole vectors, but vectors must not share some lanes") {
  for (int64_t columns : {20, 36})
    for (int64_t size : {8, 16, 24}) {
      std::string at = text("0 <= i < 6 and 0 <= j < ", columns);
      Kernel k = tiled(text("program mm { tensor a : f32[6, 8] input tensor b : f32[8, ", columns, "] input tensor c : f32[6, ", columns,
                            "] output stmt init { init[i, j] : ", at, " } c[i, j] = 0 stmt mac { mac[i, j, k] : ", at,
                            " and 0 <= k < 8 } c[i, j] += a[i, k] * b[k, j] }"),
                       text("tile(loops=[j, i], sizes=[", size, ", 3], vector=j, lanes=8, reduce=[k], chunks=[4], step=2)"));
      INFO(columns << " columns, tiles of " << size);
      CHECK(check_kernel(k) <= 1e-5);
      EmitOptions options;
      options.llvm_ir = true;
      auto object = emit_kernel(k, host_target(), "k", options);
      REQUIRE(object);
      CHECK(object->llvm_ir.find("phi <8 x float>") != std::string::npos);
    }
  // t[0..7], then t[4..11].
  const char* pairs = R"(program pairs { tensor x : f32[16] input
    tensor y : f32[8] output
    tensor t : f32[16] temp
    stmt s { s[k, i] : 0 <= k < 2 and 0 <= i < 8 }
      t[4*k + i] = x[k + i]
    stmt u { u[i] : 0 <= i < 8 }
      y[i] = t[i] })";
  std::string tree = R"({ domain: "{ s[k, i] : 0 <= k < 2 and 0 <= i < 8; u[i] : 0 <= i < 8 }", child: { mark: "stage t", child: { sequence: [
      { filter: "{ s[k, i] }", child: { mark: "k unroll", child: { schedule: "[{ s[k, i] -> [(k)] }]", child: {
        mark: "i vectorize", child: { schedule: "[{ s[k, i] -> [(i)] }]" } } } } },
      { filter: "{ u[i] }", child: { mark: "i vectorize", child: { schedule: "[{ u[i] -> [(i)] }]" } } } ] } } })";
  CHECK(refusal(marked(pairs, tree)) == "stage-lanes");
}

TEST_CASE("emit: the inner loop keeps its accumulators in registers") {
  Kernel k = tiled(conv(16, 16, 12, 8), "tile(loops=[n, co, h, w], sizes=[1, 16, 1, 6], vector=co, lanes=8, reduce=[ci, kh, kw], chunks=[8, 0, 0], step=2)");
  EmitOptions options;
  options.llvm_ir = true;
  options.assembly = true;
  auto object = emit_kernel(k, target_for("x86-64-v3", "x86_64-unknown-linux-gnu"), "k", options);
  REQUIRE(object);
  CHECK(object->notes.empty());
  CHECK(object->llvm_ir.find("phi <8 x float>") != std::string::npos);
  CHECK(object->llvm_ir.find("alloca") == std::string::npos);
  CHECK(object->assembly.find("vfmadd231ps") != std::string::npos);
}

TEST_CASE("emit: lanes over a reduction meet one after the other") {
  Kernel k = marked(R"(program sum { tensor x : f32[4, 8] input
    tensor y : f32[4] output
    stmt init { init[i] : 0 <= i < 4 }
      y[i] = 0
    stmt acc { acc[i, j] : 0 <= i < 4 and 0 <= j < 8 }
      y[i] += x[i, j] })", R"({ domain: "{ init[i] : 0 <= i < 4; acc[i, j] : 0 <= i < 4 and 0 <= j < 8 }", child: {
      sequence: [ { filter: "{ init[i] }", child: { mark: "a vectorize", child: { schedule: "[{ init[i] -> [(i)] }]" } } },
        { filter: "{ acc[i, j] }", child: { mark: "i", child: { schedule: "[{ acc[i, j] -> [(i)] }]", child: {
          mark: "j vectorize", child: { schedule: "[{ acc[i, j] -> [(j)] }]" } } } } } ] } })");
  CHECK(check_kernel(k) <= 1e-6);
}

TEST_CASE("emit: strided, reversed and gathered lanes") {
  Kernel k = marked(R"(program lanes { tensor x : f32[64] input
    tensor y : f32[8] output
    stmt s { s[i] : 0 <= i < 8 }
      y[7 - i] = x[2*i + 1] + x[floor((3*i)/2)] + x[63 - i] })",
                    R"({ domain: "{ s[i] : 0 <= i < 8 }", child: { mark: "i vectorize", child: { schedule: "[{ s[i] -> [(i)] }]" } } })");
  CHECK(check_kernel(k) <= 1e-6);
}

TEST_CASE("emit: refusals name what does not fit") {
  const char* two = R"(program two { tensor x : f32[64] input
    tensor y : f32[64] output
    tensor z : f32[64] output
    stmt s { s[i] : 0 <= i < 64 }
      y[i] = x[i]
    stmt t { t[i] : 0 <= i < 64 }
      z[63 - i] = y[i] })";
  const char* domain = R"({ domain: "{ s[i] : 0 <= i < 64; t[i] : 0 <= i < 64 }", child: { sequence: [)";
  auto nest = [&](const std::string& a, const std::string& b) {
    return marked(two, std::string(domain) + R"( { filter: "{ s[i] }", child: { mark: ")" + a +
                           R"(", child: { schedule: "[{ s[i] -> [(i)] }]" } } }, { filter: "{ t[i] }", child: { mark: ")" + b +
                           R"(", child: { schedule: "[{ t[i] -> [(i)] }]" } } } ] } })");
  };
  CHECK(refusal(nest("i parallel", "j parallel")) == "parallel-not-outermost");
  CHECK(refusal(nest("i parallel", "j")) == "parallel-not-outermost");
  CHECK(refusal(nest("i", "j")) == "none");
  Program p = parse_program(two);
  p.tensors[1].role = Role::temp;
  p.tensors[1].shape = {Extent(1 << 20)};
  CHECK(refusal({p, textual_schedule(p)}) == "temp-too-large");
}

TEST_CASE("emit: rows with lanes that meet in one element, also with a rest and on two threads") {
  for (int64_t width : {24, 20, 5}) {
    std::string row = text("0 <= i < 6 and 0 <= k < ", width), one = "0 <= i < 6";
    Program p = parse_program(text("program softmax { tensor x : f32[1, 6, ", width, "] input\n tensor y : f32[1, 6, ", width,
        "] output\n tensor m : f32[1, 6] temp\n tensor e : f32[1, 6, ", width, "] temp\n tensor s : f32[1, 6] temp\n",
        " stmt m0 { m0[n = 0, i] : ", one, " }\n m[n, i] = -inf\n stmt m1 { m1[n = 0, i, k] : ", row,
        " }\n m[n, i] max= x[n, i, k]\n stmt e0 { e0[n = 0, i, k] : ", row, " }\n e[n, i, k] = exp(x[n, i, k] - m[n, i])\n",
        " stmt s0 { s0[n = 0, i] : ", one, " }\n s[n, i] = 0\n stmt s1 { s1[n = 0, i, k] : ", row,
        " }\n s[n, i] += e[n, i, k]\n stmt y0 { y0[n = 0, i, k] : ", row, " }\n y[n, i, k] = e[n, i, k] / s[n, i]\n }"));
    auto rows = apply(Kernel{p, textual_schedule(p)}, parse_step("rows(loops=[i, n], parallel=i, lanes=8)"));
    REQUIRE(rows);
    CHECK(check_kernel(*rows) <= 1e-5);
    CHECK(check_kernel(*rows, {}, 2) <= 1e-5);
  }
}

TEST_CASE("emit: isl's quota is a refusal and the plain nest still compiles") {
  Program p = parse_program(conv(4, 8, 6, 8));
  unsigned long before = isl_quota();
  Schedule schedule = textual_schedule(p);
  set_isl_quota(1);
  auto nest = nest_from_schedule({p, schedule});
  set_isl_quota(before);
  REQUIRE(!nest);
  CHECK(nest.error().code == "isl-quota");
}

TEST_CASE("emit: a tile of 28 accumulators stays in registers on every processor with 32 of them") {
  std::string at = "0 <= m < 256 and 0 <= h, w < 14", image = " layout [0/16, 1, 2, 0%16]";
  Kernel k = tiled("program conv { tensor x : f32[1024, 14, 14] input" + image +
                       " tensor k : f32[256, 1024] weight layout [0/32, 1, 0%32]\n tensor b : f32[256] weight tensor r : f32[256, 14, 14] input" + image + " tensor acc : f32[256, 14, 14] temp\n "
                       "tensor y : f32[256, 14, 14] output" + image + "\n stmt init { init[m, h, w] : " + at +
                       " }\n acc[m, h, w] = 0\n stmt mac { mac[m, h, w, d] : " + at +
                       " and 0 <= d < 1024 }\n acc[m, h, w] += x[d, h, w] * k[m, d]\n stmt out { out[m, h, w] : " + at +
                       " }\n y[m, h, w] = max(acc[m, h, w] + b[m] + r[m, h, w], 0)\n }",
                   "tile(loops=[h, m, w], sizes=[1, 32, 14], vector=m, lanes=16, reduce=[d], chunks=[8], step=4, parallel=h, collapse=m)");
  EmitOptions options;
  options.assembly = true;
  for (const char* cpu : {"skylake-avx512", "icelake-server", "rocketlake", "sapphirerapids", "znver4"}) {
    auto object = emit_kernel(k, target_for(cpu, "x86_64-unknown-linux-gnu"), "k", options);
    REQUIRE(object);
    INFO(cpu);
    size_t stores = 0;
    std::istringstream lines(object->assembly);
    for (std::string line; std::getline(lines, line);)
      stores += line.find("%zmm") != std::string::npos && line.find("(%rsp)") != std::string::npos;
    CHECK(object->assembly.find("vfmadd231ps") != std::string::npos);
    CHECK(stores == 0);
  }
}

TEST_CASE("targets: registers come from the processor, unknown ones are errors") {
  CHECK(target_for("haswell", "x86_64-unknown-linux-gnu").vector_bits == 256);
  CHECK(target_for("skylake-avx512", "x86_64-unknown-linux-gnu").vector_registers == 32);
  CHECK(target_for("generic", "aarch64-unknown-linux-gnu").vector_bits == 128);
  Target server = target_for("sapphirerapids", "x86_64-unknown-linux-gnu");
  CHECK(server.memory_rate < Target().memory_rate);  // far away
  server.l2_bytes = 2 << 20;
  CHECK(server.read_rate(1e6) == server.l2_rate);
  CHECK(server.read_rate(2e6) == server.l3_rate);
  CHECK(server.read_rate(1e9) == server.memory_rate);
  CHECK_THROWS_AS(target_for("pentium9", "x86_64-unknown-linux-gnu"), UserError);
  CHECK_THROWS_AS(target_for("x", "vax-dec-vms"), UserError);
  auto features = required_features(target_for("x86-64-v3", "x86_64-unknown-linux-gnu"));
  CHECK(std::find(features.begin(), features.end(), "avx2") != features.end());
}

TEST_CASE("emit: other targets compile, with and without half precision and fused operations") {
  Program p = parse_program("program p { tensor x : f16[64] input\n tensor y : f16[64] output\n stmt s { s[i] : 0 <= i < 64 }\n y[i] = exp(x[i]) * x[i]\n }");
  for (auto [cpu, triple] : {std::pair{"x86-64", "x86_64-unknown-linux-gnu"}, {"znver4", "x86_64-unknown-linux-gnu"}, {"generic", "aarch64-unknown-linux-gnu"}}) {
    EmitOptions options;
    options.assembly = true;
    auto object = emit_kernel({p, textual_schedule(p)}, target_for(cpu, triple), "k", options);
    REQUIRE(object);
    CHECK(object->assembly.find("extendhfsf2") == std::string::npos);
  }
}
