// Values of the definition notation and arithmetic on them, private to ir/einsum*.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "ir/expr.h"
#include "ir/extent.h"

namespace nasc::einsum {

// An index expression over iterators, as isl text and as a scalar; the text is empty when it is not affine.
struct Index {
  std::string isl;
  ExprRef body;
};
// A condition on iterators or symbolic extents.
struct Cond {
  std::string isl;
  ExprRef body;
};
struct TensorRef {
  int id;
};
struct Val;
using List = std::vector<Val>;
struct Val {
  std::variant<std::monostate, Extent, double, std::string, DType, Index, Cond, ExprRef, TensorRef,
               std::shared_ptr<const List>>
      v;
  Val() = default;
  Val(Extent e) : v(std::move(e)) {}
  Val(int64_t n) : v(Extent(n)) {}
  Val(int n) : v(Extent(n)) {}
  Val(bool b) : v(Extent(b ? 1 : 0)) {}
  Val(double d) : v(d) {}
  Val(std::string s) : v(std::move(s)) {}
  Val(DType t) : v(t) {}
  Val(Index i) : v(std::move(i)) {}
  Val(Cond c) : v(std::move(c)) {}
  Val(ExprRef e) : v(std::move(e)) {}
  Val(TensorRef t) : v(t) {}
  Val(List l) : v(std::make_shared<const List>(std::move(l))) {}

  template <class T>
  const T* as() const {
    return std::get_if<T>(&v);
  }
  bool none() const { return v.index() == 0; }
  const List* list() const {
    auto p = std::get_if<std::shared_ptr<const List>>(&v);
    return p ? p->get() : nullptr;
  }
};

std::string show(const Val& v);
Val list_of(const Shape& shape);
// Checked conversions; a wrong kind is a wrong definition.
const Extent& extent_of(const Val& v);
int64_t integer_of(const Val& v);  // a symbolic extent: UserError unsupported_shape
double number_of(const Val& v);
const List& list_of(const Val& v);
inline List list_of(Val&& v) { return list_of(static_cast<const Val&>(v)); }  // of a temporary: a copy
Shape shape_of(const Val& v);
std::vector<int64_t> integers_of(const Val& v);

// True, false, or not decided before run time. Lists: all of them.
std::optional<bool> truth(const Val& v);
// As a scalar of the body; numbers take the type `want`. Tensors must have been read before.
ExprRef body_of(const Val& v, DType want);
// Whether it is a scalar of the body already, and its type.
std::optional<DType> body_type(const Val& v);
Index index_of(const Val& v);
Cond cond_of(const Val& v);

// Elementwise on lists.
Val binary(const std::string& op, const Val& a, const Val& b);
Val negated(const Val& v);
// A scalar function by its name in ir/expr.h, or floor-style arithmetic on numbers known now.
Val call_scalar(const std::string& name, const std::vector<Val>& args);
bool is_scalar_function(const std::string& name);
Val select(const Val& c, const Val& a, const Val& b);

// [lo, count, a, b, c] with list[i] == floor((a*(i - lo) + b)/c) for lo <= i < lo + count; as few as found greedily.
std::vector<std::vector<int64_t>> affine_pieces(const std::vector<int64_t>& list);

}  // namespace nasc::einsum
