// Small Programs that several tests use.
#pragma once

#include "ir/program.h"

namespace nasc::test {

inline Tensor tensor(const std::string& name, Shape shape, Role role, DType dtype = DType::f32) {
  Tensor t;
  t.name = name;
  t.dtype = dtype;
  t.shape = std::move(shape);
  t.role = role;
  return t;
}
inline Access access(const std::string& tensor, const std::string& map) {
  return {tensor, isl::multi_aff(isl_context(), map)};
}
inline Statement statement(const std::string& name, std::vector<std::string> iterators, const std::string& domain,
                           Access write, std::vector<Access> reads, ExprRef body, Combine combine = Combine::assign) {
  Statement s(name, std::move(iterators), isl::set(isl_context(), domain), std::move(write));
  s.reads = std::move(reads);
  s.body = std::move(body);
  s.combine = combine;
  return s;
}

// y = x * wt with a 3x3 kernel, stride 1, zero padding of 1 expressed by dropped instances.
inline Program conv(int n = 1, int co = 4, int ci = 3, int size = 5) {
  Program p;
  p.name = "conv";
  p.tensors = {tensor("x", {n, ci, size, size}, Role::input), tensor("wt", {co, ci, 3, 3}, Role::input),
               tensor("y", {n, co, size, size}, Role::output)};
  std::string out = text("0 <= n < ", n, " and 0 <= co < ", co, " and 0 <= h, w < ", size);
  std::string box = out + text(" and 0 <= ci < ", ci, " and 0 <= kh, kw < 3");
  std::string inside = text(" and 0 <= h + kh - 1 < ", size, " and 0 <= w + kw - 1 < ", size);
  p.statements.push_back(statement("init", {"n", "co", "h", "w"}, "{ init[n, co, h, w] : " + out + " }",
                                   access("y", "{ init[n, co, h, w] -> y[n, co, h, w] }"), {}, constant(DType::f32, 0)));
  std::string tuple = "mac[n, co, h, w, ci, kh, kw]";
  p.statements.push_back(statement(
      "mac", {"n", "co", "h", "w", "ci", "kh", "kw"}, "{ " + tuple + " : " + box + inside + " }",
      access("y", "{ " + tuple + " -> y[n, co, h, w] }"),
      {access("x", "{ " + tuple + " -> x[n, ci, h + kh - 1, w + kw - 1] }"),
       access("wt", "{ " + tuple + " -> wt[co, ci, kh, kw] }")},
      apply(Fn::mul, {read(0, DType::f32), read(1, DType::f32)}), Combine::add));
  p.statements.back().box = isl::set(isl_context(), "{ " + tuple + " : " + box + " }");
  return p;
}

}  // namespace nasc::test
