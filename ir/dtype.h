// Element types; numbering is ONNX TensorProto.DataType.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace nasc {

enum class DType : int32_t {
  none = 0, f32 = 1, u8 = 2, i8 = 3, u16 = 4, i16 = 5, i32 = 6, i64 = 7, boolean = 9, f16 = 10, f64 = 11, u32 = 12, u64 = 13,
};

struct DTypeInfo {
  DType type;
  const char* name;  // "f32"
  int bytes;
  bool is_float, is_signed;
};
// The table; throws InternalError for a type outside it.
const DTypeInfo& info(DType type);
// nullptr when unknown.
const DTypeInfo* find_dtype(std::string_view name);
const DTypeInfo* find_dtype(int onnx_number);
inline const char* name(DType type) { return info(type).name; }
inline int bytes(DType type) { return info(type).bytes; }
inline bool is_float(DType type) { return info(type).is_float; }

}  // namespace nasc
