/* The C interface of a compiled model: what a program that runs one includes. Self-contained C99,
 * also C++.
 *
 * The compiler writes a header beside each library: this text, then the library's own entries
 *   nasc_status P_create(const nasc_options*, nasc_handle**);   P_run, P_shapes, P_destroy,
 * P_message, P_info where P is the model's prefix. A tool that opens any library asks the fixed
 * symbol nasc_model_query instead. No entry prints, exits or throws; each returns a status. Handles
 * are independent: different handles may run at the same time from different threads (they take
 * turns in one shared team of threads). */
#ifndef NASC_H
#define NASC_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define NASC_ABI_VERSION 1u
#define NASC_MAX_THREADS 256

typedef enum nasc_status {
  NASC_OK = 0,
  NASC_E_ARGUMENT =
      1, /* an argument that is none of the below: handle, alignment, overlap, thread count */
  NASC_E_RANK = 2,
  NASC_E_SHAPE = 3,
  NASC_E_DTYPE = 4,
  NASC_E_NULL = 5,   /* NULL where memory is needed */
  NASC_E_CPU = 6,    /* this processor lacks an instruction set that the model uses */
  NASC_E_MEMORY = 7, /* out of memory, or sizes that overflow */
  NASC_E_BUSY = 8,   /* this handle is running */
  NASC_E_DEVICE =
      9, /* a tensor lies on a device that the model does not use, or the device failed */
  NASC_E_STRIDES = 10, /* strides other than row-major */
  NASC_E_ABI = 11,     /* caller and library were built for different interface versions */
  NASC_E_WEIGHTS =
      12, /* the weights side file is missing or not the one compiled with the library */
  NASC_E_RUNTIME =
      13, /* a value that is known only while running is illegal (an index out of range...) */
  NASC_STATUS_COUNT = 14
} nasc_status;

/* Element types, numbered as ONNX TensorProto.DataType. */
typedef enum nasc_dtype {
  NASC_F32 = 1,
  NASC_U8 = 2,
  NASC_I8 = 3,
  NASC_U16 = 4,
  NASC_I16 = 5,
  NASC_I32 = 6,
  NASC_I64 = 7,
  NASC_BOOL = 9, /* one byte, 0 or 1 */
  NASC_F16 = 10,
  NASC_F64 = 11,
  NASC_U32 = 12,
  NASC_U64 = 13,
  NASC_BF16 = 16
} nasc_dtype;

#define NASC_HOST 0 /* nasc_tensor.device: 0 is host memory, k > 0 is device k - 1 */

/* A tensor of the caller. The model reads inputs and writes outputs in place and keeps no pointer
 * after the call. */
typedef struct nasc_tensor {
  void* data;             /* aligned to its element; may be NULL when there are no elements */
  const int64_t* shape;   /* rank extents >= 0; may be NULL for rank 0 */
  const int64_t* strides; /* in elements; NULL means row-major, the only order accepted */
  int32_t rank;
  int32_t dtype;
  int32_t device;
  int32_t reserved; /* 0 */
} nasc_tensor;

typedef void (*nasc_task)(void* argument, int32_t tid);

/* Options of create; NULL and all-zero (but for `size`) mean defaults. */
typedef struct nasc_options {
  uint32_t size;   /* sizeof(nasc_options) of the caller: later fields are taken as zero */
  uint32_t abi;    /* NASC_ABI_VERSION, or 0 for "do not care" */
  int32_t threads; /* 0: environment NASC_NUM_THREADS, else the processors this process may use */
  int32_t flags;   /* 0 */
  /* Memory of the handle. Both or none; allocate returns NULL when it cannot. */
  void* (*allocate)(void* context, size_t bytes, size_t alignment);
  void (*deallocate)(void* context, void* memory, size_t bytes);
  void* memory_context;
  /* Threads of the caller in place of the shared team: must call task(argument, tid) for every tid
   * in [0, n), on n threads at the same time (tasks wait for each other), and return when all have
   * returned. */
  void (*parallel)(void* context, int32_t n, nasc_task task, void* argument);
  void* parallel_context;
  void* stream; /* stream of the device driver; NULL for its default one */
  /* Called on the running thread after each step, with its wall time; slows the run down. */
  void (*trace)(void* context, int32_t step, const char* name, int64_t nanoseconds);
  void* trace_context;
  /* Where create writes its message when it fails (no handle exists then); may be NULL. */
  char* message;
  size_t message_size;
  void* reserved[8];
} nasc_options;

/* One dimension: extent >= 0 is constant; else it varies and `symbol` is its name (equal names are
 * equal extents). A negative extent e means "value number -1-e" of the library. */
typedef struct nasc_dim {
  int64_t extent;
  const char* symbol;
} nasc_dim;

/* The extents are known only after the run (NonZero and the like). Give a buffer of the extents
 * that shapes() states before the run; shapes(handle, NULL, ...) after the run tells the extents of
 * what was written. */
#define NASC_IO_DATA_DEPENDENT 1

typedef struct nasc_io {
  const char* name;
  const nasc_dim* dims;
  int32_t dtype;
  int32_t rank;
  int32_t flags;
  int32_t reserved;
} nasc_io;

typedef struct nasc_info {
  uint32_t size;
  uint32_t abi;
  const char* model;           /* name of the model */
  const char* prefix;          /* of the library's entries */
  const char* compiler;        /* version of nasc that made the library */
  const char* triple;          /* x86_64-unknown-linux-gnu */
  const char* cpu;             /* as given by -march */
  const char* const* features; /* instruction sets that create checks, LLVM's names */
  const nasc_io* inputs;
  const nasc_io* outputs;
  const char* plan; /* text of the applied plan, replayable */
  const char*
      neural; /* neural transformations applied, one per line; "" when the function is unchanged */
  uint64_t weights_hash; /* 64-bit xxHash of the weights */
  int64_t weights_bytes;
  int64_t state_bytes; /* made at create, shared by the handles of a process */
  int64_t arena_bytes; /* per handle; -1 when it depends on the shapes */
  int32_t n_features;
  int32_t n_inputs;
  int32_t n_outputs;
  int32_t opt_level;
  int32_t n_kernels;
  int32_t n_opaque_calls;
  const char* costs; /* per run step a line `KERNEL OPERATIONS; BYTES`: floating-point operations and bytes
                        touched, expressions of the parameters */
  void* reserved[7];
} nasc_info;

typedef struct nasc_handle nasc_handle;

/* The entries of one library as a table. */
typedef struct nasc_model_api {
  uint32_t size;
  uint32_t abi;
  const nasc_info* info;
  /* Checks the processor, allocates, runs the create-phase kernels. `options` may be NULL. */
  nasc_status (*create)(const nasc_options* options, nasc_handle** handle);
  /* info->n_inputs and info->n_outputs tensors, in the order of info. NASC_E_BUSY while the handle
   * runs. */
  nasc_status (*run)(nasc_handle* handle, const nasc_tensor* inputs, const nasc_tensor* outputs);
  /* Writes the extents of output k to extents[k][0 .. rank). Needs no data in `inputs`. With inputs
   * = NULL: of the last successful run. */
  nasc_status (*shapes)(nasc_handle* handle, const nasc_tensor* inputs, int64_t* const* extents);
  /* NULL is fine. NASC_E_BUSY while the handle runs: nothing is freed then. */
  nasc_status (*destroy)(nasc_handle* handle);
  /* Why the last call on this handle failed: names the tensor, what was expected and given. "" if
   * it did not. */
  const char* (*message)(const nasc_handle* handle);
  const char* (*status_text)(nasc_status status);
  void* reserved[4];
} nasc_model_api;

/* The fixed symbol of every library; NULL when it cannot serve that interface version. */
typedef const nasc_model_api* (*nasc_model_query_fn)(uint32_t abi);
#define NASC_QUERY_SYMBOL "nasc_model_query"

#ifdef __cplusplus
}
#endif
#endif
