/* Tables and kernels of tiny_model.h. */
#include "tiny_model.h"

#include <sched.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

int64_t tiny_thread[NASC_MAX_THREADS];
int32_t tiny_team;
void (*tiny_hook)(void);

int32_t tiny_await_help, tiny_helped;

static int32_t came;      /* members whose ids stand in tiny_thread */
static int64_t rows_done; /* by scale in this run */

/* Part i of nt starts at this row. */
static int64_t part(int64_t n, int32_t i, int32_t nt) { return n * i / nt; }

/* Keeps each member in the first piece of its share until all have come, so that none is helped
 * out of its part before it starts. */
static void take_part(int32_t nt) {
  int64_t me = syscall(SYS_gettid);
  int32_t n = __atomic_load_n(&came, __ATOMIC_ACQUIRE);
  for (int32_t k = 0; k < n; ++k)
    if (__atomic_load_n(&tiny_thread[k], __ATOMIC_ACQUIRE) == me)
      return;
  int32_t team = nt == 1 ? 1 : nt / 2; /* the first piece is half a share */
  __atomic_store_n(&tiny_team, team, __ATOMIC_RELAXED);
  __atomic_store_n(&tiny_thread[__atomic_fetch_add(&came, 1, __ATOMIC_ACQ_REL)], me,
                   __ATOMIC_RELEASE);
  while (__atomic_load_n(&came, __ATOMIC_ACQUIRE) < team)
    sched_yield();
}

/* Member 1 sits on the first piece of its share until the others have done all else. */
static void await_help(int64_t rows, int32_t tid, int32_t nt) {
  if (!tiny_await_help || tid != 2 || nt != 2 * tiny_team)
    return;
  int64_t others = rows - (part(rows, tid + 1, nt) - part(rows, tid, nt));
  for (int64_t k = 0; k < 100000000 && !tiny_helped; ++k) {
    tiny_helped = __atomic_load_n(&rows_done, __ATOMIC_ACQUIRE) == others;
    sched_yield();
  }
}

static const float w[4] __attribute__((aligned(64))) = {1, 2, 3, 4};

static void make_state(void* const* at, const int64_t* values, int32_t tid, int32_t nt) {
  (void)values;
  const float* from = at[0];
  float *scratch = at[1], *state = at[2];
  for (int64_t j = part(4, tid, nt); j < part(4, tid + 1, nt); ++j) {
    scratch[j] += 10 * from[j];
    state[j] += scratch[j];
  }
}

static void start(void* const* at, const int64_t* values, int32_t tid, int32_t nt) {
  (void)values, (void)tid, (void)nt;
  came = 0;
  rows_done = 0;
  /* An id of the last run in a place that a member has reserved and not yet filled would let its
   * owner pass as having come already. */
  memset(tiny_thread, 0, sizeof tiny_thread);
  int64_t reps = *(const int64_t*)at[0];
  int64_t* status = at[3];
  if (reps < 0) {
    status[0] = 1;
    status[1] = reps;
    reps = 0;
  }
  *(int64_t*)at[1] = reps;
  *(char*)at[2] = reps > 0;
  if (tiny_hook)
    tiny_hook();
}

static void add(void* const* at, const int64_t* values, int32_t tid, int32_t nt) {
  const float *a = at[0], *b = at[1];
  float* t = at[2];
  for (int64_t i = part(values[0], tid, nt) * 4; i < part(values[0], tid + 1, nt) * 4; ++i)
    t[i] += a[i] + b[i]; /* t is zero only if the arena was cleared; scale leaves it so */
}

static void increment(void* const* at, const int64_t* values, int32_t tid, int32_t nt) {
  float* t = at[0];
  /* Members take each other's rows, so a missing barrier shows. */
  tid = nt - 1 - tid;
  for (int64_t i = part(values[0], tid, nt) * 4; i < part(values[0], tid + 1, nt) * 4; ++i)
    t[i] += 1;
}

static void count_down(void* const* at, const int64_t* values, int32_t tid, int32_t nt) {
  (void)values, (void)tid, (void)nt;
  *(char*)at[1] = --*(int64_t*)at[0] > 0;
}

static void scale(void* const* at, const int64_t* values, int32_t tid, int32_t nt) {
  float* t = at[0];
  const float *weight = at[1], *state = at[2];
  float* y = at[3];
  take_part(nt);
  await_help(values[0], tid, nt);
  for (int64_t i = part(values[0], tid, nt) * 4; i < part(values[0], tid + 1, nt) * 4; ++i) {
    y[i] = t[i] * weight[i % 4] + state[i % 4];
    t[i] = 0;
  }
  __atomic_add_fetch(&rows_done, part(values[0], tid + 1, nt) - part(values[0], tid, nt),
                     __ATOMIC_ACQ_REL);
}

static void positions(void* const* at, const int64_t* values, int32_t tid, int32_t nt) {
  (void)tid, (void)nt;
  const float* a = at[0];
  int64_t *z = at[1], *writable = at[2], n = 0;
  for (int64_t i = 0; i < values[0] * 4; ++i)
    if (a[i] > 0)
      z[n++] = i;
  writable[2] = n;
}

/* values: 0 n, 1 arena bytes, 2 positions found (at most 4 n) */
static int32_t evaluate(int64_t* v) {
  if (__builtin_mul_overflow(v[0], INT64_C(16), &v[1]) || __builtin_add_overflow(v[1], 64, &v[1]))
    return 1;
  v[2] = 4 * v[0];
  return 0;
}

#define CONSTANT(x) {(x), -1, 0}
enum { A, B, REPS, Y, Z, COUNTER, FLAG, T, W, STATE, SCRATCH, VALUES, STATUS };
static const nasc_buffer buffers[] = {
    [A] = {NASC_BUFFER_INPUT, 0, CONSTANT(0), CONSTANT(0), CONSTANT(0)},
    [B] = {NASC_BUFFER_INPUT, 1, CONSTANT(0), CONSTANT(0), CONSTANT(0)},
    [REPS] = {NASC_BUFFER_INPUT, 2, CONSTANT(0), CONSTANT(0), CONSTANT(0)},
    [Y] = {NASC_BUFFER_OUTPUT, 0, CONSTANT(0), CONSTANT(0), CONSTANT(0)},
    [Z] = {NASC_BUFFER_OUTPUT, 1, CONSTANT(0), CONSTANT(0), CONSTANT(0)},
    [COUNTER] = {NASC_BUFFER_ARENA, 0, CONSTANT(0), CONSTANT(8), CONSTANT(0)},
    [FLAG] = {NASC_BUFFER_ARENA, 0, CONSTANT(8), CONSTANT(1), CONSTANT(0)},
    [T] = {NASC_BUFFER_ARENA, 0, CONSTANT(64), {-64, 1, 0}, CONSTANT(0)},
    [W] = {NASC_BUFFER_WEIGHT, 0, CONSTANT(0), CONSTANT(16), CONSTANT(0)},
    [STATE] = {NASC_BUFFER_STATE, 0, CONSTANT(0), CONSTANT(16), CONSTANT(0)},
    [SCRATCH] = {NASC_BUFFER_ARENA, 0, CONSTANT(128), CONSTANT(16), CONSTANT(0)},
    [VALUES] = {NASC_BUFFER_VALUES, 0, CONSTANT(0), CONSTANT(24), CONSTANT(0)},
    [STATUS] = {NASC_BUFFER_STATUS, 0, CONSTANT(0), CONSTANT(16), CONSTANT(0)},
};

static const int32_t make_state_buffers[] = {W, SCRATCH, STATE};
static const int32_t start_buffers[] = {REPS, COUNTER, FLAG, STATUS};
static const int32_t add_buffers[] = {A, B, T};
static const int32_t flag_buffers[] = {FLAG};
static const int32_t increment_buffers[] = {T};
static const int32_t count_down_buffers[] = {COUNTER, FLAG};
static const int32_t scale_buffers[] = {T, W, STATE, Y};
static const int32_t positions_buffers[] = {A, Z, VALUES};
#define STEP(fn, n, flags) {fn, fn##_buffers, #fn, n, flags, NASC_CONTROL_NONE, 0}

static const nasc_step create_steps[] = {STEP(make_state, 3, NASC_STEP_PARALLEL)};
static const nasc_step run_steps[] = {
    STEP(start, 4, 0),
    STEP(add, 3, NASC_STEP_PARALLEL),
    {0, flag_buffers, "more?", 1, 0, NASC_CONTROL_JUMP_IF_ZERO, 6},
    STEP(increment, 1, NASC_STEP_PARALLEL | NASC_STEP_BARRIER),
    STEP(count_down, 2, NASC_STEP_BARRIER),
    {0, 0, "again", 0, 0, NASC_CONTROL_JUMP, 2},
    STEP(scale, 4, NASC_STEP_PARALLEL | NASC_STEP_BARRIER),
    STEP(positions, 3, NASC_STEP_OPAQUE | NASC_STEP_BARRIER),
};

static const nasc_dim rows[] = {{-1, "n"}, {4, 0}}, found[] = {{-3, "found"}};
static const nasc_io inputs[] = {
    {"a", rows, NASC_F32, 2, 0, 0}, {"b", rows, NASC_F32, 2, 0, 0}, {"reps", 0, NASC_I64, 0, 0, 0}};
static const nasc_io outputs[] = {{"y", rows, NASC_F32, 2, 0, 0},
                                  {"z", found, NASC_I64, 1, NASC_IO_DATA_DEPENDENT, 0}};
static const nasc_param params[] = {{"n", 0, INT64_C(1) << 60, 0, 0}};

static const nasc_info info = {.size = sizeof(nasc_info),
                               .abi = NASC_ABI_VERSION,
                               .model = "tiny",
                               .prefix = "tiny",
                               .compiler = "by hand",
                               .cpu = "generic",
                               .plan = "",
                               .neural = "",
                               .inputs = inputs,
                               .outputs = outputs,
                               .weights_bytes = sizeof w,
                               .state_bytes = 16,
                               .arena_bytes = -1,
                               .n_inputs = 3,
                               .n_outputs = 2,
                               .n_kernels = 6,
                               .n_opaque_calls = 1};

static nasc_status create(const nasc_options* options, nasc_handle** handle) {
  return nasc_embed_create(&tiny_desc, options, handle);
}

static nasc_slot slot;

const nasc_model_desc tiny_desc = {.size = sizeof(nasc_model_desc),
                                   .abi = NASC_ABI_VERSION,
                                   .api = {.size = sizeof(nasc_model_api),
                                           .abi = NASC_ABI_VERSION,
                                           .info = &info,
                                           .create = create,
                                           .run = nasc_embed_run,
                                           .shapes = nasc_embed_shapes,
                                           .destroy = nasc_embed_destroy,
                                           .message = nasc_embed_message,
                                           .status_text = nasc_embed_status_text},
                                   .info = &info,
                                   .params = params,
                                   .evaluate = evaluate,
                                   .buffers = buffers,
                                   .create_steps = create_steps,
                                   .run_steps = run_steps,
                                   .weights = w,
                                   .slot = &slot,
                                   .arena = {0, 1, 0},
                                   .create_arena_bytes = 192,
                                   .n_params = 1,
                                   .n_values = 3,
                                   .n_buffers = sizeof buffers / sizeof *buffers,
                                   .n_create_steps = 1,
                                   .n_run_steps = sizeof run_steps / sizeof *run_steps};

__attribute__((visibility("default"))) const nasc_model_api* nasc_model_query(uint32_t abi) {
  return nasc_embed_query(&tiny_desc, abi);
}
