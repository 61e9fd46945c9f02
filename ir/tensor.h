// Tensor: name, type, logical shape, role, layout in memory, and for constants the payload.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ir/dtype.h"
#include "ir/extent.h"
#include "ir/isl.h"

namespace nasc {

// Immutable bytes that somebody keeps alive (a mapped file or a vector). Row-major in the tensor's logical shape.
struct Payload {
  std::shared_ptr<const void> owner;
  const std::byte* data = nullptr;
  size_t size = 0;
  uint64_t digest = 0;  // hash of bytes that are not here: what a parsed text knows of a payload
  explicit operator bool() const { return owner != nullptr; }
  template <class T>
  const T* as() const { return reinterpret_cast<const T*>(data); }
};
Payload payload_from(std::vector<std::byte> bytes);
template <class T>
Payload payload_of(const std::vector<T>& values) {
  auto raw = reinterpret_cast<const std::byte*>(values.data());
  return payload_from(std::vector<std::byte>(raw, raw + values.size() * sizeof(T)));
}
uint64_t hash(const Payload& payload);  // FNV-1a 64 over the bytes; the digest when they are absent

// input, output: given by the caller of the Network (of the Program: bound from outside). weight: constant payload.
// temp: inside a Network a buffer of the arena; inside a Program local to it (staged accumulators, intermediate rows).
enum class Role { input, output, weight, temp };
const char* name(Role role);
std::optional<Role> find_role(std::string_view name);

// One physical dimension: floor((i[dim] + halo before) / div), then mod `mod` when mod > 0; outermost first.
struct LayoutDim {
  int dim = 0;
  int64_t div = 1, mod = 0;
  friend bool operator==(const LayoutDim&, const LayoutDim&) = default;
};
// Injective affine map logical -> physical index. Row-major is `dims` = 0, 1, 2, ...  with no halo.
// Text: `[0, 1/8, 2, 3, 1%8] halo [0, 0, 1:1, 1:2] pad [0, 16, 0, 0, 0]`.
struct Layout {
  std::vector<LayoutDim> dims;
  std::vector<std::pair<int64_t, int64_t>> halo;  // per logical dim: elements before, after; kept zero by the buffer's owner
  std::vector<int64_t> pad;                       // per physical dim: extra elements at its end (address conflicts)
  friend bool operator==(const Layout&, const Layout&) = default;
};

struct Tensor {
  std::string name;  // a C identifier, unique in its Program or Network
  DType dtype = DType::f32;
  Shape shape;
  Role role = Role::temp;
  std::optional<Layout> layout;  // absent: row-major
  Payload payload;               // weights only
  std::string original;          // name in the ONNX file, for diagnostics and metadata

  int rank() const { return static_cast<int>(shape.size()); }
};

// { T[i..] : 0 <= i_d < extent_d }, parameters included.
isl::set extent_set(const Tensor& tensor);
// extent_set widened by the halo of the layout.
isl::set storage_set(const Tensor& tensor);
// Layout with every field filled in (row-major when the tensor has none).
Layout layout_of(const Tensor& tensor);
bool is_row_major(const Tensor& tensor);
// Extents of the physical dimensions (halo and pads included), and strides in elements, outermost first.
Shape physical_extents(const Tensor& tensor);
Shape physical_strides(const Tensor& tensor);
// Elements and bytes of the buffer.
Extent storage_elements(const Tensor& tensor);
Extent storage_bytes(const Tensor& tensor);
Extent element_count(const Tensor& tensor);
// { T[i..] -> [p..] }: the layout as isl sees it; one pw_aff per physical dimension.
isl::multi_aff layout_map(const Tensor& tensor);
// Physical offset in elements of a logical index (static layouts only).
int64_t offset_of(const Layout& layout, const std::vector<int64_t>& strides, const int64_t* index);
// The payload laid out as `layout` says (weights packed at compile time); halo and pads are zero.
Payload packed(const Tensor& tensor);

std::string text(const Layout& layout);
Layout parse_layout(const std::string& text);

}  // namespace nasc
