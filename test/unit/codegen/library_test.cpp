// A linked library runs: tables, weights, arena and parameters, with kernels given as LLVM IR text.
#include <catch2/catch.hpp>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "codegen/cost_table.h"
#include "codegen/library.h"
#include "codegen/native.h"
#include "codegen/values.h"
#include "ir/text.h"
#include "runtime/model.h"

using namespace nasc;

namespace {
Tensor tensor(const char* name, Shape shape, Role role) {
  Tensor t;
  t.name = name;
  t.shape = std::move(shape);
  t.role = role;
  return t;
}

// Y[n, i] = X[n, i] * W[i], through an arena buffer: T = X * W, Y = T * W.
Network scale_twice() {
  Extent n = Extent::parameter("N");
  Program p;
  p.name = "scale";
  p.tensors = {tensor("X", {n, 4}, Role::input), tensor("W", {4}, Role::weight), tensor("Y", {n, 4}, Role::output)};
  isl::ctx c = isl_context();
  Statement s("S", {"n", "i"}, isl::set(c, "[N] -> { S[n, i] : 0 <= n < N and 0 <= i < 4 }"),
              {"Y", isl::multi_aff(c, "{ S[n, i] -> Y[n, i] }")});
  s.reads = {{"X", isl::multi_aff(c, "{ S[n, i] -> X[n, i] }")}, {"W", isl::multi_aff(c, "{ S[n, i] -> W[i] }")}};
  s.body = apply(Fn::mul, {read(0, DType::f32), read(1, DType::f32)});
  p.statements.push_back(s);
  Network net;
  net.name = "scale";
  auto buffer = [&](Tensor t, const char* name) {
    Buffer b;
    static_cast<Tensor&>(b) = std::move(t);
    b.name = b.original = name;
    net.buffers.push_back(b);
  };
  buffer(p.tensors[0], "x");
  buffer(p.tensors[1], "w");
  buffer(tensor("T", {n, 4}, Role::temp), "t");
  buffer(p.tensors[2], "y");
  net.buffers.edit(1).payload = payload_of(std::vector<float>{1, 2, 3, 4});
  net.inputs = {0};
  net.outputs = {3};
  net.programs = {std::make_shared<const Program>(p)};
  net.calls = {{0, {0, 1, 2}, "first"}, {0, {2, 1, 3}, "second"}};
  return net;
}

constexpr const char* kKernel = R"(
define void @scale(ptr %b, ptr %values, i32 %tid, i32 %nt) {
entry:
  %x = load ptr, ptr %b
  %bw = getelementptr ptr, ptr %b, i64 1
  %w = load ptr, ptr %bw
  %by = getelementptr ptr, ptr %b, i64 2
  %y = load ptr, ptr %by
  %n = load i64, ptr %values
  %m = mul i64 %n, 4
  br label %test
test:
  %i = phi i64 [ 0, %entry ], [ %j, %body ]
  %go = icmp slt i64 %i, %m
  br i1 %go, label %body, label %done
body:
  %k = and i64 %i, 3
  %px = getelementptr float, ptr %x, i64 %i
  %vx = load float, ptr %px
  %pw = getelementptr float, ptr %w, i64 %k
  %vw = load float, ptr %pw
  %v = fmul float %vx, %vw
  %py = getelementptr float, ptr %y, i64 %i
  store float %v, ptr %py
  %j = add i64 %i, 1
  br label %test
done:
  ret void
}
)";
}  // namespace

TEST_CASE("library: a model with a symbolic batch links, loads and runs") {
  Module module;
  module.network = scale_twice();
  verify(module.network);
  llvm::LLVMContext context;
  auto ir = parse_ir(context, kKernel);
  CompiledKernel kernel{"scale", object_code(*ir, module.target), false};

  std::string directory = (std::filesystem::temp_directory_path() / "nasc-library-XXXXXX").string();
  REQUIRE(mkdtemp(directory.data()));
  ValueTable values(module.network);
  LibraryOptions options{"scale", "scale", "test", "", 2, 0};
  bool side_file = GENERATE(false, true);
  if (side_file) options.side_file_threshold = 0;
  options.keep_denormals = GENERATE(false, true);
  LibraryFiles files = write_library(module, {kernel}, values, options, directory);
  CHECK(files.weights.empty() == !side_file);

  Runner runner(Model(files.library), {.threads = 2});
  for (int64_t n : {1, 3, 40000, 0}) {  // of one thread, of two
    HostTensor x = zeros(DType::f32, {n, 4});
    for (int64_t k = 0; k < 4 * n; ++k) x.as<float>()[k] = static_cast<float>(k);
    auto y = runner.run({x});
    REQUIRE(y.size() == 1);
    REQUIRE(y[0].shape == std::vector<int64_t>{n, 4});
    for (int64_t k = 0; k < 4 * n; ++k) {
      float w = static_cast<float>(k % 4 + 1);
      CHECK(y[0].as<float>()[k] == static_cast<float>(k) * w * w);
    }
  }
  // Below the normal numbers: on each thread, while kernels run.
  for (int64_t n : {1, 40000}) {
    volatile float small = 1e-40f;
    HostTensor x = zeros(DType::f32, {n, 4});
    std::fill_n(x.as<float>(), x.count(), small);
    auto y = runner.run({x});
    float least = y[0].as<float>()[0], most = least;
    for (int64_t k = 0; k < y[0].count(); ++k) least = std::min(least, y[0].as<float>()[k]), most = std::max(most, y[0].as<float>()[k]);
    if (options.keep_denormals) CHECK((least > 0 && most > 1.5e-39f));
    else CHECK((least == 0 && most == 0));
    CHECK(small * 2 > 0);  // the caller's numbers are as they were
  }
  CHECK(std::filesystem::exists(files.header));
  std::filesystem::remove_all(directory);
}

TEST_CASE("library: small kernels are not divided among threads, those of unknown size are") {
  auto scaled = [](const char* extent) {
    std::string x = std::string("f32[") + extent + ", 64]", at = std::string("0 <= i < ") + extent + " and 0 <= j < 64";
    return parse_program("program s { tensor x : " + x + " input tensor y : " + x + " output stmt s [N] -> { s[i, j] : " + at + " } y[i, j] = 2 * x[i, j] }");
  };
  Target t;
  CHECK_FALSE(worth_dividing(cost_of(scaled("4")), t));
  CHECK(worth_dividing(cost_of(scaled("4000")), t));
  CHECK(worth_dividing(cost_of(scaled("N")), t));
  Cost any = cost_of(scaled("N"));
  CHECK(any.flops.text() == "64*N");
  CHECK(any.bytes.text() == "512*N");
  // Whether they are worth it is known at a run: on the average of the steps.
  auto worth = [&](int64_t n, const std::vector<Cost>& steps) {
    auto out = worth_threads(steps, t);
    REQUIRE(out);
    return out->evaluate([&](const std::string&) { return n; }) > 0;
  };
  CHECK_FALSE(worth(4, {any}));
  CHECK(worth(4000, {any}));
  CHECK(worth(4, {any, cost_of(scaled("4000"))}));
  CHECK_FALSE(worth_threads({any, Cost{1, 1, false}}, t));
}

TEST_CASE("library: costs of a transposed convolution count the taps that its rows have") {
  std::string at = "0 <= q < 12 and 0 <= d < 5 and 0 <= k < 4 and (q + k) mod 2 = 0 and 0 <= q - k + 2 < 12";
  Program p = parse_program("program up { tensor x : f32[5, 6] input tensor w : f32[5, 4] weight tensor y : f32[12] output "
                            "stmt y0 { y0[q] : 0 <= q < 12 } y[q] = 0 stmt s { s[q, d, k] : " + at + " } box { s[q, d, k] : 0 <= q < 12 and 0 <= d < 5 and 0 <= k < 4 } "
                            "y[q] += x[d, floor((q - k + 2)/2)] * w[d, k] }");
  double taps = 0;
  for (int q = 0; q < 12; ++q)
    for (int k = 0; k < 4; ++k) taps += (q + k) % 2 == 0 && q - k + 2 >= 0 && q - k + 2 < 12;
  CHECK(cost_of(p).flops == 2 * 5 * taps);
}
