// The state of one application of a definition, private to ir/einsum*.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "ir/einsum_ast.h"
#include "ir/einsum_value.h"

namespace nasc::einsum {

struct Operand {
  Tensor tensor;
  int input = -1, output = -1;    // position in the call
  const Value* value = nullptr;   // when known
  bool used = false;
};

// The statement being made.
struct Current {
  std::string name;
  std::vector<std::string> iterators, extents;  // extents as isl text
  struct Read {
    int id;
    std::vector<std::string> index;
  };
  std::vector<Read> reads;
  int target = -1;
  std::vector<Val> write;  // indices of the write, one per dimension
};

struct Builder {
  const EinsumCall& call;
  EinsumResult result{};
  std::vector<Line> definition{};
  std::vector<std::pair<int, int>> narrowed{};  // output in half precision, its accumulator
  std::vector<Operand> operands{};
  std::vector<std::pair<std::string, Val>> env{};
  std::map<std::string, const Line*> functions{};
  std::map<std::string, std::vector<DType>> type_sets{};
  std::vector<std::string> attribute_names{};
  Program program{};
  Current* current = nullptr;
  int next_input = 0, next_output = 0, depth = 0, work = 0;

  explicit Builder(const EinsumCall& c) : call(c) {}

  // einsum.cpp: the lines
  void run(const std::vector<Line>& lines);
  void inputs(const Line& line);
  void outputs(const Line& line);
  void attribute(const Line& line);
  void require(const Line& line);
  void bind_dims(const Signature& s, const Shape& shape, const std::string& what);
  DType bind_type(const Signature& s, DType actual, const std::string& what);
  Shape shape_from(const Signature& s);
  EinsumResult finish();

  // einsum_statement.cpp
  void statement(const Line& line);
  Val access(int id, const std::vector<Val>& index);
  Val read_broadcast(int id);

  // einsum_eval.cpp
  const Val* find(const std::string& name) const;
  Val lookup(const std::string& name) const;
  Val eval(const AstRef& e);
  Val eval_index(const Ast& e);
  Val eval_call(const Ast& e);
  bool decide(const AstRef& e);  // a condition that must be known now
  Val scalar(Val v);             // a tensor becomes its read
};

// Element types of a word of the notation (`f32`, `float`, `any`).
std::vector<DType> types_of(const std::string& word);
// numpy broadcasting; UserError bad_shape when impossible, unsupported_shape when not known.
Shape broadcast(const Shape& a, const Shape& b);

}  // namespace nasc::einsum
