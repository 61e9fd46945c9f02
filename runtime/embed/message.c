/* Texts: of a status, of an element type, and the formatted message of a failure. */
#include "internal.h"

nasc_status nasc_fail(char* out, size_t size, nasc_status status, const char* format, ...) {
  if (out && size) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(out, size, format, arguments);
    va_end(arguments);
  }
  return status;
}

const char* nasc_embed_status_text(nasc_status status) {
  static const char* const texts[NASC_STATUS_COUNT] = {
      [NASC_OK] = "ok",
      [NASC_E_ARGUMENT] = "bad argument",
      [NASC_E_RANK] = "wrong rank",
      [NASC_E_SHAPE] = "wrong extent",
      [NASC_E_DTYPE] = "wrong element type",
      [NASC_E_NULL] = "NULL where memory is needed",
      [NASC_E_CPU] = "this processor lacks an instruction set that the model uses",
      [NASC_E_MEMORY] = "out of memory",
      [NASC_E_BUSY] = "the handle is running",
      [NASC_E_DEVICE] = "wrong or failed device",
      [NASC_E_STRIDES] = "strides are not row-major",
      [NASC_E_ABI] = "interface versions differ",
      [NASC_E_WEIGHTS] = "weights file missing or not the one compiled",
      [NASC_E_RUNTIME] = "illegal value while running"};
  if ((int)status < 0 || (int)status >= NASC_STATUS_COUNT)
    return "unknown status";
  return texts[status];
}

static const struct {
  const char* name;
  int32_t bytes;
} types[] = {[NASC_F32] = {"f32", 4},  [NASC_U8] = {"u8", 1},     [NASC_I8] = {"i8", 1},
             [NASC_U16] = {"u16", 2},  [NASC_I16] = {"i16", 2},   [NASC_I32] = {"i32", 4},
             [NASC_I64] = {"i64", 8},  [NASC_BOOL] = {"bool", 1}, [NASC_F16] = {"f16", 2},
             [NASC_F64] = {"f64", 8},  [NASC_U32] = {"u32", 4},   [NASC_U64] = {"u64", 8},
             [NASC_BF16] = {"bf16", 2}};

static int known(int32_t dtype) {
  return dtype >= 0 && dtype < (int32_t)(sizeof types / sizeof *types) && types[dtype].name;
}

int32_t nasc_dtype_bytes(int32_t dtype) { return known(dtype) ? types[dtype].bytes : 0; }

const char* nasc_dtype_name(int32_t dtype) { return known(dtype) ? types[dtype].name : "unknown"; }
