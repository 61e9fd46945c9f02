// Which buffers have their channels in blocks of a vector.
#include <catch2/catch.hpp>

#include "ir/text.h"
#include "polyhedral/scheduler.h"

using namespace nasc;

namespace {
bool blocked(const Module& m, const std::string& buffer) {
  for (const Buffer& b : schedule_module(m, {}).module.network.buffers)
    if (b.name == buffer)
      return b.layout && b.layout->dims.back().mod > 1;
  FAIL("no buffer " << buffer);
  return false;
}

Target wide() {
  Target t;
  t.vector_bits = 512, t.vector_registers = 32;
  return t;
}

// y = sums of z over pixels, z = a 1x1 convolution of x; or of u, its channels last, doubled.
Module convolution(int64_t channels, bool turned = false) {
  std::string x = "f32[1, 32, 9, 9]", y = text("f32[1, ", channels, ", 9, 9]"), at = text("0 <= m < ", channels, " and 0 <= p, q < 9");
  std::string last = text("f32[1, 9, 9, ", channels, "]"), turned_at = text("[n = 0, p, q, m] : ", at, " }\n   Y[n, p, q, m] = ");
  std::string more = !turned ? "" : text(" program turn origin \"Transpose\" {\n  tensor X : ", y, " input\n  tensor Y : ", last, " output\n  stmt t { t", turned_at,
                                         "X[n, m, p, q]\n }\n program double origin \"\" {\n  tensor X : ", last, " input\n  tensor Y : ", last, " output\n  stmt u { u",
                                         turned_at, "2 * X[n, p, q, m]\n }\n");
  Network n = parse_network(text("network net {\n buffer x : ", x, " input\n buffer w : f32[", channels, ", 32] weight\n buffer z : ", y,
                                 " temp\n", turned ? text(" buffer t : ", last, " temp\n buffer u : ", last, " temp\n") : "", " buffer y : f32[", channels, "] output\n program conv origin \"Conv\" {\n  tensor X : ", x,
                                 " input\n  tensor W : f32[", channels, ", 32] weight\n  tensor Y : ", y, " output\n  stmt y0 { y0[n = 0, m, p, q] : ", at,
                                 " }\n   Y[n, m, p, q] = 0\n  stmt y1 { y1[n = 0, m, p, q, d] : ", at,
                                 " and 0 <= d < 32 }\n   Y[n, m, p, q] += X[n, d, p, q] * W[m, d]\n }\n program sum origin \"\" {\n  tensor X : ", turned ? last : y,
                                 " input\n  tensor Y : f32[", channels, "] output\n  stmt s0 { s0[m] : 0 <= m < ", channels,
                                 " }\n   Y[m] = 0\n  stmt s1 { s1[m, p, q] : ", at, " }\n   Y[m] += X[0, ", turned ? "p, q, m" : "m, p, q", "]\n }\n", more,
                                 " inputs [x]\n outputs [y]\n call 0 conv(x, w, z) \"a\"\n", turned ? " call 2 turn(z, t) \"b\"\n call 3 double(t, u) \"c\"\n" : "",
                                 " call 1 sum(", turned ? "u" : "z", ", y) \"d\"\n}"));
  n.buffers.edit(1).payload = payload_of(std::vector<float>(static_cast<size_t>(channels * 32), 0.5F));
  return textual_module(std::move(n), wide());
}

// Scores of 16 heads times values, the results turned: [1, rows, heads, columns] as an image has its factor, with rows as channels.
Module attention() {
  std::string a = "f32[1, 16, 24, 24]", b = "f32[1, 24, 16, 32]", at = "0 <= h < 16 and 0 <= i < 24 and 0 <= j < 32";
  return textual_module(parse_network(text("network net {\n buffer x : ", a, " input\n buffer s : ", a, " temp\n buffer v : ", b, " input\n buffer y : ", b,
                                           " output\n program double origin \"\" {\n  tensor X : ", a, " input\n  tensor Y : ", a,
                                           " output\n  stmt t { t[n = 0, h, i, k] : 0 <= h < 16 and 0 <= i, k < 24 }\n   Y[n, h, i, k] = 2 * X[n, h, i, k]\n }\n",
                                           " program matmul origin \"MatMul\" {\n  tensor A : ", a, " input\n  tensor B : ", b, " input\n  tensor Y : ", b,
                                           " output\n  stmt y0 { y0[n = 0, h, i, j] : ", at, " }\n   Y[n, i, h, j] = 0\n  stmt y1 { y1[n = 0, h, i, j, k] : ", at,
                                           " and 0 <= k < 24 }\n   Y[n, i, h, j] += A[n, h, i, k] * B[n, k, h, j]\n }\n",
                                           " inputs [x, v]\n outputs [y]\n call 0 double(x, s) \"a\"\n call 1 matmul(s, v, y) \"b\"\n}")),
                        wide());
}
} // namespace

TEST_CASE("activations: channels lie in blocks where they fill more than half of a vector") {
  CHECK(blocked(convolution(32), "z"));
  CHECK(blocked(convolution(20), "z"));
  CHECK(blocked(convolution(12), "z"));
  CHECK_FALSE(blocked(convolution(8), "z"));
}

TEST_CASE("activations: behind a transpose that puts channels last, rows are no channels") {
  CHECK(blocked(convolution(32, true), "z"));
  CHECK_FALSE(blocked(convolution(32, true), "u"));
}

TEST_CASE("activations: what is multiplied with an image is none") { CHECK_FALSE(blocked(attention(), "s")); }
