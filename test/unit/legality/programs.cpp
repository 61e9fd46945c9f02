// Programs for the tests of legality.
#include "test/unit/legality/programs.h"

#include <set>

namespace nasc::testing {
namespace {
std::string digits(int n) { return std::to_string(n); }
// `0 <= a < n`
std::string in(const std::string& name, int n) { return "0 <= " + name + " < " + digits(n); }
} // namespace

Program program(const std::string& name, const std::vector<std::pair<std::string, Shape>>& tensors,
                const std::vector<StatementText>& statements) {
  Program p;
  p.name = name;
  std::set<std::string> written;
  std::string last;
  for (const StatementText& t : statements) {
    isl::set domain(isl_context(), t.domain);
    auto access = [&](const std::string& text) {
      isl::multi_aff map(isl_context(), text);
      return Access{range_name(map.as_map()), map};
    };
    Statement s(tuple_name(domain), dim_names(domain), domain, access(t.write));
    s.combine = t.combine;
    ExprRef body = constant(DType::f32, 1);
    for (const std::string& r : t.reads) {
      s.reads.push_back(access(r));
      body = apply(Fn::add, {body, read(static_cast<int>(s.reads.size()) - 1, DType::f32)});
    }
    s.body = body;
    written.insert(last = s.write.tensor);
    p.statements.push_back(s);
  }
  for (const auto& [tensor, shape] : tensors) {
    Tensor t;
    t.name = tensor;
    t.shape = shape;
    t.role = tensor == last ? Role::output : written.count(tensor) ? Role::temp : Role::input;
    p.tensors.push_back(t);
  }
  return p;
}

Program conv(int h, int co, int ci, int k, int stride) {
  int p = (h - 1) / stride + 1; // padded by k / 2
  std::string out = in("co", co) + " and " + in("h", p) + " and " + in("w", p);
  std::string s = digits(stride), pad = digits(k / 2);
  std::string row = s + "h + kh - " + pad, column = s + "w + kw - " + pad;
  std::string mac = out + " and " + in("ci", ci) + " and " + in("kh", k) + " and " + in("kw", k) +
                    " and " + in(row, h) + " and " + in(column, h);
  return program("conv",
                 {{"X", {ci, h, h}}, {"W", {co, ci, k, k}}, {"A", {co, p, p}}, {"Y", {co, p, p}}},
                 {{"{ init[co, h, w] : " + out + " }", "{ init[co, h, w] -> A[co, h, w] }"},
                  {"{ mac[co, h, w, ci, kh, kw] : " + mac + " }",
                   "{ mac[co, h, w, ci, kh, kw] -> A[co, h, w] }",
                   Combine::add,
                   {"{ mac[co, h, w, ci, kh, kw] -> X[ci, " + row + ", " + column + "] }",
                    "{ mac[co, h, w, ci, kh, kw] -> W[co, ci, kh, kw] }"}},
                  {"{ epi[co, h, w] : " + out + " }",
                   "{ epi[co, h, w] -> Y[co, h, w] }",
                   Combine::assign,
                   {"{ epi[co, h, w] -> A[co, h, w] }"}}});
}

Program matmul(int m, int n, int k) {
  std::string out = in("i", m) + " and " + in("j", n);
  return program("matmul", {{"A", {m, k}}, {"B", {k, n}}, {"C", {m, n}}},
                 {{"{ zero[i, j] : " + out + " }", "{ zero[i, j] -> C[i, j] }"},
                  {"{ mac[i, j, k] : " + out + " and " + in("k", k) + " }",
                   "{ mac[i, j, k] -> C[i, j] }",
                   Combine::add,
                   {"{ mac[i, j, k] -> A[i, k] }", "{ mac[i, j, k] -> B[k, j] }"}}});
}

Program symbolic_matmul() {
  Extent n = Extent::parameter("N");
  return program("symbolic_matmul", {{"A", {n, n}}, {"B", {n, n}}, {"C", {n, n}}},
                 {{"[N] -> { zero[i, j] : 0 <= i, j < N }", "{ zero[i, j] -> C[i, j] }"},
                  {"[N] -> { mac[i, j, k] : 0 <= i, j, k < N }",
                   "{ mac[i, j, k] -> C[i, j] }",
                   Combine::add,
                   {"{ mac[i, j, k] -> A[i, k] }", "{ mac[i, j, k] -> B[k, j] }"}}});
}

Program stencil(int t, int n) {
  return program("stencil", {{"A", {n}}},
                 {{"{ S[t, i] : " + in("t", t) + " and 1 <= i < " + digits(n - 1) + " }",
                   "{ S[t, i] -> A[i] }",
                   Combine::assign,
                   {"{ S[t, i] -> A[i - 1] }", "{ S[t, i] -> A[i] }", "{ S[t, i] -> A[i + 1] }"}}});
}

Program pool(int n, int k) {
  int p = (n - k) / 2 + 1;
  std::string out = in("c", 3) + " and " + in("h", p) + " and " + in("w", p);
  return program(
      "pool", {{"X", {3, n, n}}, {"Y", {3, p, p}}},
      {{"{ low[c, h, w] : " + out + " }", "{ low[c, h, w] -> Y[c, h, w] }"},
       {"{ top[c, h, w, r, s] : " + out + " and " + in("r", k) + " and " + in("s", k) + " }",
        "{ top[c, h, w, r, s] -> Y[c, h, w] }",
        Combine::max,
        {"{ top[c, h, w, r, s] -> X[c, 2h + r, 2w + s] }"}}});
}

Program chain(int n) {
  std::string box = in("i", n) + " and " + in("j", n), last = digits(n - 1);
  return program("chain", {{"X", {n, n}}, {"T", {n, n}}, {"U", {n, n}}, {"Y", {n, n}}},
                 {{"{ a[i, j] : " + box + " }",
                   "{ a[i, j] -> T[i, j] }",
                   Combine::assign,
                   {"{ a[i, j] -> X[i, j] }"}},
                  {"{ b[i, j] : " + box + " }",
                   "{ b[i, j] -> U[i, j] }",
                   Combine::assign,
                   {"{ b[i, j] -> T[i, j] }"}},
                  {"{ c[i, j] : " + box + " }",
                   "{ c[i, j] -> Y[i, j] }",
                   Combine::assign,
                   {"{ c[i, j] -> U[i, " + last + " - j] }", "{ c[i, j] -> T[i, j] }"}}});
}

Program scan(int n) {
  return program("scan", {{"X", {n}}, {"Y", {n}}},
                 {{"{ copy[i] : " + in("i", n) + " }",
                   "{ copy[i] -> Y[i] }",
                   Combine::assign,
                   {"{ copy[i] -> X[i] }"}},
                  {"{ sum[i] : 1 <= i < " + digits(n) + " }",
                   "{ sum[i] -> Y[i] }",
                   Combine::add,
                   {"{ sum[i] -> Y[i - 1] }"}}});
}

} // namespace nasc::testing
