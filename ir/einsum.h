// Definitions as text: what an operator computes, in an einsum-like notation, made into shapes and a Program.
//
//   in X[N, C, I..]: T, W[M, D, K..]: T, B[M]?: T      capitals bind extents, `I..` a list of them; ? optional,
//                                                      ! the value must be known, X* any number of inputs
//   type T: f16 f32 f64                                the types a type letter may have
//   attr strides: ints[len(I)] = 1                     int float string ints floats strings tensor; no default: required
//   let O = (I - K)/strides + 1                        arithmetic is elementwise on lists; integers divide by floor
//   set O = O + 1                                    changes a name, for loops
//   need strides >= 1                                  or bad_shape / bad_attribute, with the values of all names
//   refuse auto_pad == "X": "..."                      unsupported, with this text
//   out Y[N, M, O..]: T                                tmp S[N]: f32 is local
//   Y[n, m, o..] = B[m] or 0                           lower-case names are iterators over the extent they index
//   Y[n, m, o..] += X[n, d, o*strides + k] * W[m, d, k..]   for j in 3   if o[0] <= m
//                                                      out-of-range reads drop the point; += *= max= min= reduce
//   X without brackets is read at the write's own indices, broadcast as ONNX does
//   if C { .. } else { .. }    for k in L { .. }       choose or repeat lines;   def f(x) = ..   names an expression
//   view X                                             the output has the bytes of input X;  content L: its elements
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ir/graph.h"
#include "ir/program.h"

namespace nasc {

struct EinsumText;  // a parsed definition
std::shared_ptr<const EinsumText> parse_einsum(const std::string& text);

// What the definition is applied to.
struct EinsumInput {
  Shape shape;
  DType dtype = DType::none;
  std::string label;              // for messages: the name in the model
  const Value* value = nullptr;   // its constant or content, when known
};
struct EinsumCall {
  std::string name;                               // of the Program and in messages
  std::vector<std::optional<EinsumInput>> inputs;  // absent optional ones are empty
  std::vector<bool> outputs;                       // which outputs are wanted
  std::map<std::string, Attribute> attributes;
  int opset = 0;
};
struct EinsumResult {
  std::vector<Shape> shapes;
  std::vector<DType> dtypes;
  std::vector<std::optional<std::vector<Extent>>> contents;
  int view_of = -1;
  std::optional<Program> program;
  std::vector<std::pair<std::string, int>> inputs, outputs;  // program tensor -> position in the call
};

// Throws UserError with an empty place for a call that does not fit, InternalError for a wrong definition.
EinsumResult apply_einsum(const EinsumText& definition, const EinsumCall& call);

}  // namespace nasc
