/* The contract between code generation and the runtime inside each library: constant tables that
 * codegen emits.
 *
 * Every struct has its fields in natural alignment without padding, so an LLVM struct type with the
 * same fields in the same order has the same layout; the asserts below state the sizes. All tables
 * live in constant sections; only nasc_slot is writable. A reserved field is zero. */
#ifndef NASC_ABI_H
#define NASC_ABI_H

#include "nasc.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Part `tid` of `nt` equal parts of one kernel; a serial step has one. Threads of the team call it
 * for all parts of a parallel step, in any order and number of parts: part k of n is parts 2 k and
 * 2 k + 1 of 2 n. `buffers` are the step's, in its order; `values` is the whole array of the handle.
 */
typedef void (*nasc_kernel_fn)(void* const* buffers, const int64_t* values, int32_t tid,
                               int32_t nt);

/* Fills values[n_params ..] from values[0 .. n_params). Returns 0, or nonzero when a size
 * overflows. Called on one thread, after the processor check. Must not read derived values it has
 * not written. */
typedef int32_t (*nasc_evaluate_fn)(int64_t* values);

/* constant, plus values[value] when value >= 0. */
typedef struct nasc_size {
  int64_t constant;
  int32_t value;
  int32_t reserved;
} nasc_size;

/* values[k] of parameter k is read from dimension `dim` of input `input`; every other dimension
 * that names a value (a parameter or a derived one) is checked against it. */
typedef struct nasc_param {
  const char* name;
  int64_t min; /* >= 0 */
  int64_t max; /* INT64_MAX for none */
  int32_t input;
  int32_t dim;
} nasc_param;

/* INPUT, OUTPUT: memory of the caller, aligned to its element only.
 * ARENA: per handle, 64-byte aligned (2 MiB from 1 MiB up), zero at first use and again whenever a
 *   parameter changed. The create steps have an arena of their own, constant in size.
 * STATE: shared by the handles; zero before the create steps write it, then read only.
 * VALUES: the values array itself, writable: for data-dependent extents, by serial steps only.
 * STATUS: int64_t[2] of the handle: a kernel stores {1, detail} on a run-time error and returns. */
typedef enum nasc_buffer_kind {
  NASC_BUFFER_INPUT = 0,
  NASC_BUFFER_OUTPUT = 1,
  NASC_BUFFER_ARENA = 2,
  NASC_BUFFER_WEIGHT = 3,
  NASC_BUFFER_STATE = 4,
  NASC_BUFFER_VALUES = 5,
  NASC_BUFFER_STATUS = 6
} nasc_buffer_kind;

typedef struct nasc_buffer {
  int32_t kind;
  int32_t index;    /* input or output number, else 0 */
  nasc_size offset; /* in bytes from the start of that memory */
  nasc_size bytes;  /* checked to lie inside that memory; for input and output 0 */
  nasc_size slice;  /* bytes from one slice of a round to the next; 0: the same in all rounds */
} nasc_buffer;

#define NASC_STEP_PARALLEL 1  /* in parts, by all threads; else only tid 0 calls it */
#define NASC_STEP_BARRIER 2   /* all threads meet before this step */
#define NASC_STEP_OPAQUE 4    /* an opaque call: counted and traced as such */
#define NASC_STEP_ROUND 8     /* in a span of rounds: see nasc_model_desc.round_slices */
#define NASC_ROUND_BUFFERS 64 /* most buffers of such a step */

typedef enum nasc_control {
  NASC_CONTROL_NONE = 0,
  NASC_CONTROL_JUMP = 1,         /* next step is `target` */
  NASC_CONTROL_JUMP_IF_ZERO = 2, /* when the byte at buffers[0] is 0 the next step is `target`. The
                                    threads meet before and after reading it. */
  NASC_CONTROL_NEXT_ROUND = 3    /* after fn: `target` is next, in the next round, when one is left.
                                    The    threads meet before it. */
} nasc_control;

/* Control steps (but for NEXT_ROUND) have fn = NULL and give If, Loop and Scan: targets are step
 * numbers, the number of steps ends the run. Run steps only. */
typedef struct nasc_step {
  nasc_kernel_fn fn;
  const int32_t* buffers; /* indices into nasc_model_desc.buffers */
  const char* name;
  int32_t n_buffers;
  int32_t flags;
  int32_t control;
  int32_t target;
} nasc_step;

/* The one writable global per library: zero-initialised. */
typedef struct nasc_slot {
  void* model;
  uint32_t lock;
  uint32_t reserved0;
  void* reserved[6];
} nasc_slot;

typedef struct nasc_model_desc {
  uint32_t size; /* sizeof(nasc_model_desc) */
  uint32_t abi;  /* NASC_ABI_VERSION */
  nasc_model_api
      api; /* create is codegen's wrapper; the other entries are nasc_embed_* or wrappers of them */
  const nasc_info* info;
  const nasc_param* params;
  nasc_evaluate_fn evaluate; /* NULL when n_values == n_params */
  const nasc_buffer* buffers;
  const nasc_step* create_steps; /* constant sizes only; kinds weight, state, arena, status */
  const nasc_step* run_steps;
  const void* weights; /* in a read-only section, 64-byte aligned; NULL with a side file or without
                          weights */
  const char* weights_file; /* side file beside the library: name without folder; NULL for none. Its
                               whole content is the weights: info->weights_bytes long, xxHash
                               info->weights_hash, else refused */
  nasc_slot* slot;
  /* Extents of data-dependent outputs are values that steps store through NASC_BUFFER_VALUES;
   * evaluate sets them to their upper bounds first. */
  nasc_size arena;
  int64_t create_arena_bytes;
  int32_t n_params;
  int32_t n_values; /* parameters and derived */
  int32_t n_buffers;
  int32_t n_create_steps;
  int32_t n_run_steps;
  int32_t max_threads; /* 0 for no limit of its own */
  /* Steps with NASC_STEP_ROUND run once per round of up to round_slices slices of the parameter
   * values[round_value]: their buffers move on by that many slices, and their `values` are those of
   * the slices in the round. Not at all when the parameter is 0. 0: the model has none. */
  int64_t round_slices;
  int32_t round_value;
  /* 0, or 1 + the index of a value: unless that is positive one thread does all, since others would
   * wait for longer than the work takes. */
  int32_t worth_value;
  int32_t keep_denormals; /* 0: they are taken for 0 */
  int32_t reserved0;
  void* reserved[5];
} nasc_model_desc;

/* What codegen's wrappers call. P_create(o, h) is nasc_embed_create(&desc, o, h);
 * nasc_model_query(abi) and P_query(abi) are nasc_embed_query(&desc, abi); P_run, P_shapes,
 * P_destroy and P_message forward their arguments. */
nasc_status nasc_embed_create(const nasc_model_desc* desc, const nasc_options* options,
                              nasc_handle** handle);
nasc_status nasc_embed_run(nasc_handle* handle, const nasc_tensor* inputs,
                           const nasc_tensor* outputs);
nasc_status nasc_embed_shapes(nasc_handle* handle, const nasc_tensor* inputs,
                              int64_t* const* extents);
nasc_status nasc_embed_destroy(nasc_handle* handle);
const char* nasc_embed_message(const nasc_handle* handle);
const char* nasc_embed_status_text(nasc_status status);
const nasc_model_api* nasc_embed_query(const nasc_model_desc* desc, uint32_t abi);

#if defined(__cplusplus)
#define NASC_ASSERT_SIZE(type, bytes) static_assert(sizeof(type) == (bytes), #type)
#else
#define NASC_ASSERT_SIZE(type, bytes) _Static_assert(sizeof(type) == (bytes), #type)
#endif
#if UINTPTR_MAX == 0xffffffffffffffffu
NASC_ASSERT_SIZE(nasc_tensor, 40);
NASC_ASSERT_SIZE(nasc_options, 160);
NASC_ASSERT_SIZE(nasc_dim, 16);
NASC_ASSERT_SIZE(nasc_io, 32);
NASC_ASSERT_SIZE(nasc_info, 208);
NASC_ASSERT_SIZE(nasc_model_api, 96);
NASC_ASSERT_SIZE(nasc_size, 16);
NASC_ASSERT_SIZE(nasc_param, 32);
NASC_ASSERT_SIZE(nasc_buffer, 56);
NASC_ASSERT_SIZE(nasc_step, 40);
NASC_ASSERT_SIZE(nasc_slot, 64);
NASC_ASSERT_SIZE(nasc_model_desc, 288);
#endif

#ifdef __cplusplus
}
#endif
#endif
