// Statement and Program: what one kernel computes, as domains, accesses and scalar bodies.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "ir/diag.h"
#include "ir/expr.h"
#include "ir/isl.h"
#include "ir/tensor.h"

namespace nasc {

// A tensor and the map from statement instances to the element touched: { S[i..] -> T[j..] }, quasi-affine,
// single-valued, defined on the whole domain. Logical indices; layouts come in only at code generation.
struct Access {
  std::string tensor;
  isl::multi_aff map;
};

// How the written element takes the value: = += *= max= min=
enum class Combine { assign, add, mul, max, min };
const char* symbol(Combine combine);
std::optional<Combine> find_combine(std::string_view symbol);

// write[..] combine body, for each instance of `domain`, in any order the dependences allow.
struct Statement {
  std::string name;                    // C identifier, unique in the Program
  std::vector<std::string> iterators;  // names of the set dimensions, outermost first
  isl::set domain;                     // { S[i..] : ... }; may be empty for zero extents
  // The product of intervals that `domain` was cut out of by dropping out-of-range reads (padding): equal to the
  // domain when nothing was dropped. A zero halo lets a transformation return to it.
  isl::set box;
  Access write;
  std::vector<Access> reads;  // Expr::index refers to these
  Combine combine = Combine::assign;
  bool reassociable = true;  // a reduction whose order may change (ONNX fixes none for sums)
  ExprRef body;

  Statement(std::string name, std::vector<std::string> iterators, isl::set domain, Access write);
  bool is_reduction() const { return combine != Combine::assign; }
  int iterator(std::string_view name) const;  // position, -1 when absent
};

// compile: run by the compiler (constant tensors); create: once per loaded model; run: at each inference.
enum class Phase { compile, create, run };
const char* name(Phase phase);

// Tensors and statements in textual order: the meaning is that of executing the statements one after another, each
// over its domain in lexicographic order. Tensors with role input, weight, output are bound from outside, in
// the order of `tensors`; temp ones are local.
struct Program {
  std::string name;
  std::string origin;  // ONNX operator(s) it comes from, for reports
  Phase phase = Phase::run;
  std::vector<Tensor> tensors;
  std::vector<Statement> statements;

  const Tensor& tensor(std::string_view name) const;  // checked
  Tensor& tensor(std::string_view name);
  const Tensor* find_tensor(std::string_view name) const;
  const Statement& statement(std::string_view name) const;
  Statement& statement(std::string_view name);

  isl::union_set domain() const;
  isl::union_map writes() const;  // { S[i..] -> T[j..] }
  isl::union_map reads() const;   // { S[i..] -> T[j..] }; a combining write reads its element too
  // Statement instances of the textual order: { S[i..] -> [k, i.., 0..] }.
  isl::union_map textual_order() const;
  // Extents that are not constant, by the name isl knows them under: parameters and derived ones.
  std::map<std::string, Extent> parameters() const;
};

// Throws InternalError (with the reason) unless: names are unique C identifiers; every access names a tensor of the
// Program, has its rank, and its image of the domain lies inside storage_set; reads are of inputs, weights or
// tensors written by an earlier statement or (combining) by itself; bodies use only their own reads and iterators.
void verify(const Program& program);

}  // namespace nasc
