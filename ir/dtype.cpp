// The table of element types.
#include "ir/dtype.h"

#include "ir/diag.h"

namespace nasc {
namespace {
constexpr DTypeInfo kTable[] = {
    {DType::f32, "f32", 4, true, true},   {DType::f64, "f64", 8, true, true},
    {DType::f16, "f16", 2, true, true},   {DType::i8, "i8", 1, false, true},
    {DType::u8, "u8", 1, false, false},   {DType::i16, "i16", 2, false, true},
    {DType::u16, "u16", 2, false, false}, {DType::i32, "i32", 4, false, true},
    {DType::u32, "u32", 4, false, false}, {DType::i64, "i64", 8, false, true},
    {DType::u64, "u64", 8, false, false}, {DType::boolean, "bool", 1, false, false},
};
}  // namespace

const DTypeInfo& info(DType type) {
  const DTypeInfo* found = find_dtype(static_cast<int>(type));
  NASC_CHECK(found) << "element type " << static_cast<int>(type);
  return *found;
}
const DTypeInfo* find_dtype(std::string_view name) {
  for (const auto& t : kTable)
    if (t.name == name) return &t;
  return nullptr;
}
const DTypeInfo* find_dtype(int onnx_number) {
  for (const auto& t : kTable)
    if (static_cast<int>(t.type) == onnx_number) return &t;
  return nullptr;
}
}  // namespace nasc
