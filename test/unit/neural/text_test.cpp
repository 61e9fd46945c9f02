// Programs before and after each neural step, as text.
#include <catch2/catch.hpp>

#include "ir/text.h"
#include "models.h"

using namespace nasc;
using namespace nasc::test;

namespace {
const OneConv kSmall{.channels = 4, .outputs = 4};

// The accesses of the Program, a line per statement, with the shapes of its weights in front.
std::string accesses(const std::vector<std::string>& steps) {
  Module m = after(one_conv(kSmall), steps);
  const Program& p = *m.network.programs[0];
  CHECK(print(parse_program(print(p))) == print(p));
  std::string out, all = print(p);
  for (const Tensor& t : p.tensors)
    if (t.role == Role::weight && t.rank() == 4) out += t.name + text(t.shape) + "\n";
  for (const Tensor& t : p.tensors)
    if (t.role == Role::temp) out += t.name + text(t.shape) + "\n";
  for (size_t at = 0; at < all.size();) {
    size_t end = all.find('\n', at);
    std::string line = all.substr(at, end - at);
    bool access = line.find(" += ") != std::string::npos || (line.find(" = ") != std::string::npos && line.find('{') == std::string::npos);
    if (access) out += line.substr(line.find_first_not_of(' ')) + "\n";
    at = end + 1;
  }
  return out;
}
}  // namespace

TEST_CASE("text: the convolution before any step") {
  CHECK(accesses({}) ==
        "W[4, 4, 3, 3]\n"
        "Y[n, m, o0, o1] = B[m]\n"
        "Y[n, m, o0, o1] += X[n, d, o0 + k0 - 1, o1 + k1 - 1] * W[m, d, k0, k1]\n");
}
TEST_CASE("text: group") {
  CHECK(accesses({"group(layer=conv, by=2)"}) ==
        "W[4, 2, 3, 3]\n"
        "Y[n, co, oh, ow] = B[co]\n"
        "Y[n, 2*g + co, oh, ow] += X[n, 2*g + ci, oh + kh - 1, ow + kw - 1] * W[2*g + co, ci, kh, kw]\n");
}
TEST_CASE("text: depthwise") {
  CHECK(accesses({"depthwise(layer=conv)"}) ==
        "W[4, 1, 3, 3]\n"
        "Y[n, co, oh, ow] = B[co]\n"
        "Y[n, g + co, oh, ow] += X[n, g + ci, oh + kh - 1, ow + kw - 1] * W[g + 4*co, ci, kh, kw]\n");
}
TEST_CASE("text: bottleneck of inputs") {
  CHECK(accesses({"bottleneck(layer=conv, loop=ci, by=2)"}) ==
        "W[4, 2, 3, 3]\n"
        "Y[n, co, oh, ow] = B[co]\n"
        "Y[n, co, oh, ow] += X[n, ci, oh + kh - 1, ow + kw - 1] * W[co, ci, kh, kw]\n");
}
TEST_CASE("text: spatial_bottleneck") {
  CHECK(accesses({"spatial_bottleneck(layer=conv, by=2)"}) ==
        "W[4, 4, 3, 3]\n"
        "T0[1, 4, 2, 2]\n"
        "T0[n, co, oh, ow] = B[co]\n"
        "T0[n, co, oh, ow] += X[n, ci, 2*oh + kh - 1, 2*ow + kw - 1] * W[co, ci, kh, kw]\n"
        "Y[n, co, oh, ow] = T0[n, co, floor(oh/2), floor(ow/2)]\n");
}
TEST_CASE("text: split_domain, and a step on one of its pieces") {
  CHECK(accesses({"split_domain(layer=conv, loop=co, parts=2)", "group(layer=conv, piece=1, by=2)"}) ==
        "W0[2, 4, 3, 3]\n"
        "W1[2, 2, 3, 3]\n"
        "Y[n, co, oh, ow] = B[co]\n"
        "Y[n, co, oh, ow] += X[n, ci, oh + kh - 1, ow + kw - 1] * W0[co, ci, kh, kw]\n"
        "Y[n, co + 2, oh, ow] = B[co + 2]\n"
        "Y[n, g + co + 2, oh, ow] += X[n, 2*g + ci, oh + kh - 1, ow + kw - 1] * W1[g + 2*co, ci, kh, kw]\n");
}
TEST_CASE("text: peel_domain and restrict_domain") {
  CHECK(accesses({"peel_domain(layer=conv, loop=co, count=1)", "restrict_domain(layer=conv, piece=1, loop=ci, first=1)"}) ==
        "W0[1, 4, 3, 3]\n"
        "W1[3, 3, 3, 3]\n"
        "Y[n, co, oh, ow] = B[co]\n"
        "Y[n, co, oh, ow] += X[n, ci, oh + kh - 1, ow + kw - 1] * W0[co, ci, kh, kw]\n"
        "Y[n, co + 1, oh, ow] = B[co + 1]\n"
        "Y[n, co + 1, oh, ow] += X[n, ci + 1, oh + kh - 1, ow + kw - 1] * W1[co, ci, kh, kw]\n");
}
TEST_CASE("text: strip_domain, interchange_domain and tie_domain") {
  CHECK(accesses({"strip_domain(layer=conv, loop=oh, parts=2, names=[stripe, row])",
                  "strip_domain(layer=conv, loop=ci, parts=2)", "interchange_domain(layer=conv, first=co, second=ow)",
                  "tie_domain(layer=conv, first=stripe, second=ci_o)"}) ==
        "W[4, 4, 3, 3]\n"
        "Y[n, co, oh, ow] = B[co]\n"
        "Y[n, co, 2*stripe + row, ow] += X[n, 2*stripe + ci_i, 2*stripe + row + kh - 1, ow + kw - 1] * W[co, 2*stripe + ci_i, kh, kw]\n");
}
TEST_CASE("text: bottleneck of taps keeps the middle") {
  CHECK(accesses({"bottleneck(layer=conv, loop=kh, by=3)"}) ==
        "W[4, 4, 1, 3]\n"
        "Y[n, co, oh, ow] = B[co]\n"
        "Y[n, co, oh, ow] += X[n, ci, oh + kh, ow + kw - 1] * W[co, ci, kh, kw]\n");
}
