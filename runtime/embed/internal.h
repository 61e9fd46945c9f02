/* What the parts of the embedded runtime share: the handle, the model object, and their helpers. */
#ifndef NASC_INTERNAL_H
#define NASC_INTERNAL_H

#include "abi.h"
#include "libc.h"

#define NASC_MESSAGE_SIZE 512

/* Memory with where it came from. */
typedef struct nasc_memory {
  void* data;
  size_t bytes;
  void (*deallocate)(void* context, void* memory, size_t bytes);
  void* context;
} nasc_memory;

/* Steps with their pointers resolved. */
typedef struct nasc_sequence {
  const nasc_step* steps;
  void** arguments;  /* the pointers of all steps, one after the other */
  void*** of_step;   /* where those of step i start */
  void** of_buffer;  /* pointer of each buffer of the model */
  int64_t* slice_of; /* bytes from slice to slice of each buffer of the model */
  int32_t n_steps;
  int32_t reserved;
} nasc_sequence;

/* One per library and process, shared by its handles. */
typedef struct nasc_model {
  int32_t references;
  int32_t reserved;
  nasc_memory state;
  const void* weights;
  void* mapping; /* of the side file */
  size_t mapping_bytes;
} nasc_model;

struct nasc_handle {
  const nasc_model_desc* desc;
  nasc_model* model;
  nasc_options options;
  uint32_t busy; /* 0, or epoch + 1 while an entry works on the handle */
  int32_t threads;
  int32_t ran;   /* values hold those of a successful run */
  int32_t dirty; /* kernels have written the arena */
  int32_t bound; /* sequence and arena fit `values` */
  int64_t* values;
  int64_t* scratch; /* values of the call being checked, taken over when all is right */
  int64_t* rounds;  /* values of a full round, then those of the last one */
  void** io;        /* caller's inputs, then outputs, of the last run */
  nasc_memory arena;
  nasc_sequence sequence;
  int64_t status[2];
  char message[NASC_MESSAGE_SIZE];
};

/* Formats into out (may be NULL) and returns `status`. */
nasc_status nasc_fail(char* out, size_t size, nasc_status status, const char* format, ...)
    __attribute__((format(printf, 4, 5)));

/* Zeroed memory, 64-byte aligned, 2 MiB from 1 MiB up; `options` may be NULL. False: none. */
int nasc_memory_get(nasc_memory* memory, const nasc_options* options, size_t bytes);
void nasc_memory_put(nasc_memory* memory);

/* False with the first feature in `missing` that this processor (or its OS) lacks. */
int nasc_cpu_has(const char* const* features, int32_t n, const char** missing);
/* True when nasc_cpu_has knows how to look for it. */
int nasc_cpu_checks(const char* feature);

/* XXH64 with seed 0. */
uint64_t nasc_hash64(const void* data, size_t bytes);

/* Bytes per element, 0 for an unknown type; its name. */
int32_t nasc_dtype_bytes(int32_t dtype);
const char* nasc_dtype_name(int32_t dtype);

/* Checks inputs and fills h->scratch from their extents. */
nasc_status nasc_check_inputs(nasc_handle* h, const nasc_tensor* inputs, int need_data);
nasc_status nasc_check_outputs(nasc_handle* h, const nasc_tensor* inputs,
                               const nasc_tensor* outputs);
/* The extent that a dimension has with these values. */
int64_t nasc_extent(const nasc_dim* dim, const int64_t* values);

/* Allocates the pointer tables of a sequence; false when memory lacks. */
int nasc_sequence_get(nasc_sequence* s, const nasc_step* steps, int32_t n_steps, int32_t n_buffers);
void nasc_sequence_put(nasc_sequence* s);

/* Where each kind of buffer starts, and how long it is. */
typedef struct nasc_bases {
  void* const* io; /* inputs, then outputs; NULL when the sequence may not use them */
  int32_t n_inputs;
  int32_t n_outputs;
  void* arena;
  int64_t arena_bytes;
  void* state;
  int64_t state_bytes;
  const void* weights;
  int64_t weights_bytes;
  int64_t* values;
  int64_t* status;
} nasc_bases;

/* Resolves all pointers; false when a buffer does not lie in its memory. */
int nasc_sequence_bind(nasc_sequence* s, const nasc_model_desc* desc, const nasc_bases* bases);

/* What a sequence runs with: the values of the whole, and of rounds that are full and of the last
 * one when it is not. */
typedef struct nasc_run_values {
  const int64_t* all;
  const int64_t* full_round;
  const int64_t* last_round;
  int64_t slices; /* in all, and per full round */
  int64_t per_round;
  int keep_denormals;
} nasc_run_values;

/* Runs a bound sequence on up to `threads` threads. */
void nasc_sequence_run(const nasc_sequence* s, const nasc_run_values* values, int32_t threads,
                       const nasc_options* options);
/* After a run: NASC_OK, or NASC_E_RUNTIME with the message. */
nasc_status nasc_status_check(const int64_t* status, char* out, size_t size);

/* The library's model object, made on first use. */
nasc_status nasc_model_acquire(const nasc_model_desc* desc, const nasc_options* options,
                               int32_t threads, nasc_model** model);
void nasc_model_release(const nasc_model_desc* desc, nasc_model* model);

#endif
