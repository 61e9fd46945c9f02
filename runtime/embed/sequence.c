/* A list of steps: resolving its pointers, and the walk that all threads of the team do together.
 */
#include "denormals.h"
#include "internal.h"
#include "pool.h"
#include "share.h"
#include "wait.h"

int nasc_sequence_get(nasc_sequence* s, const nasc_step* steps, int32_t n_steps,
                      int32_t n_buffers) {
  size_t n_arguments = 0;
  for (int32_t i = 0; i < n_steps; ++i)
    n_arguments += (size_t)steps[i].n_buffers;
  s->steps = steps;
  s->n_steps = n_steps;
  s->arguments = calloc(n_arguments + 1, sizeof *s->arguments);
  s->of_step = calloc((size_t)n_steps + 1, sizeof *s->of_step);
  s->of_buffer = calloc((size_t)n_buffers + 1, sizeof *s->of_buffer);
  s->slice_of = calloc((size_t)n_buffers + 1, sizeof *s->slice_of);
  if (!s->arguments || !s->of_step || !s->of_buffer || !s->slice_of) {
    nasc_sequence_put(s);
    return 0;
  }
  void** next = s->arguments;
  for (int32_t i = 0; i < n_steps; ++i) {
    s->of_step[i] = next;
    next += steps[i].n_buffers;
  }
  return 1;
}

void nasc_sequence_put(nasc_sequence* s) {
  free(s->arguments);
  free(s->of_step);
  free(s->of_buffer);
  free(s->slice_of);
  memset(s, 0, sizeof *s);
}

static int64_t size_of(const nasc_size* size, const int64_t* values) {
  int64_t v = size->constant;
  if (size->value >= 0 && __builtin_add_overflow(v, values[size->value], &v))
    return -1;
  return v;
}

/* The pointer of one buffer; false when it leaves its memory. */
static int resolve(const nasc_buffer* b, const nasc_bases* at, void** out) {
  int64_t offset = size_of(&b->offset, at->values), bytes = size_of(&b->bytes, at->values);
  char* base = NULL;
  int64_t limit = INT64_MAX;
  switch (b->kind) {
  case NASC_BUFFER_INPUT:
  case NASC_BUFFER_OUTPUT:
    base = at->io ? at->io[b->index + (b->kind == NASC_BUFFER_OUTPUT ? at->n_inputs : 0)] : NULL;
    break;
  case NASC_BUFFER_ARENA:
    base = at->arena;
    limit = at->arena_bytes;
    break;
  case NASC_BUFFER_WEIGHT:
    base = (char*)(uintptr_t)at->weights;
    limit = at->weights_bytes;
    break;
  case NASC_BUFFER_STATE:
    base = at->state;
    limit = at->state_bytes;
    break;
  case NASC_BUFFER_VALUES:
    base = (char*)at->values;
    break;
  case NASC_BUFFER_STATUS:
    base = (char*)at->status;
    break;
  default:
    return 0;
  }
  *out = base ? base + offset : NULL;
  return offset >= 0 && bytes >= 0 && offset <= limit && bytes <= limit - offset;
}

int nasc_sequence_bind(nasc_sequence* s, const nasc_model_desc* desc, const nasc_bases* bases) {
  for (int32_t i = 0; i < s->n_steps; ++i)
    for (int32_t k = 0; k < s->steps[i].n_buffers; ++k) {
      int32_t b = s->steps[i].buffers[k];
      if (!resolve(&desc->buffers[b], bases, &s->of_buffer[b]))
        return 0;
      s->slice_of[b] = size_of(&desc->buffers[b].slice, bases->values);
      s->of_step[i][k] = s->of_buffer[b];
    }
  return 1;
}

typedef struct nasc_walk {
  nasc_barrier barrier;
  nasc_share* shares; /* one per thread, in the parallel step at hand */
  const nasc_sequence* sequence;
  const nasc_run_values* values;
  const nasc_options* options;
  int64_t spin_ns;
  int32_t nt; /* for a caller's own threads */
} nasc_walk;

/* What the last run of this library learned about spinning. */
static int64_t learned_spin_ns = NASC_SPIN_NS;

static void meet(nasc_walk* w, int32_t nt, int64_t* spin_ns) {
  if (nt > 1)
    nasc_barrier_wait(&w->barrier, nt, spin_ns);
}

/* Part `tid` of `nt` of one kernel, for the slices of the round from `slice` on when it is in a span
 * of rounds. */
static void call(const nasc_walk* w, int32_t i, int64_t slice, int32_t tid, int32_t nt) {
  const nasc_sequence* s = w->sequence;
  const nasc_run_values* v = w->values;
  const nasc_step* step = &s->steps[i];
  if (!(step->flags & NASC_STEP_ROUND)) {
    step->fn(s->of_step[i], v->all, tid, nt);
    return;
  }
  if (slice >= v->slices)
    return;
  void* moved[NASC_ROUND_BUFFERS];
  for (int32_t k = 0; k < step->n_buffers; ++k)
    moved[k] = (char*)s->of_step[i][k] + slice * s->slice_of[step->buffers[k]];
  const int full = v->slices - slice >= v->per_round;
  step->fn(moved, full ? v->full_round : v->last_round, tid, nt);
}

/* What of one kernel falls to this thread: its own share, and what others have not begun. */
static void call_parts(const nasc_walk* w, int32_t i, int64_t slice, int32_t tid, int32_t nt,
                       uint32_t step) {
  for (int32_t k = 0; k < nt && k <= NASC_HELPED; ++k) {
    const int32_t of = (tid + k) % nt;
    uint32_t first, n;
    while ((n = nasc_share_take(&w->shares[of], step, k == 0, &first)) != 0)
      call(w, i, slice, (of * NASC_UNITS + (int32_t)first) / (int32_t)n,
           nt * NASC_UNITS / (int32_t)n);
  }
}

static void walk_steps(nasc_walk* w, int32_t tid, int32_t nt) {
  const nasc_sequence* s = w->sequence;
  const nasc_options* o = w->options;
  int64_t spin_ns = w->spin_ns, slice = 0;
  uint32_t parallel_steps = 0;
  int64_t start = o->trace ? nasc_now_ns() : 0;
  for (int32_t i = 0; i < s->n_steps;) {
    const nasc_step* step = &s->steps[i];
    int32_t next = i + 1;
    if (step->flags & NASC_STEP_BARRIER || step->control == NASC_CONTROL_JUMP_IF_ZERO)
      meet(w, nt, &spin_ns);
    if (step->control == NASC_CONTROL_JUMP) {
      next = step->target;
    } else if (step->control == NASC_CONTROL_JUMP_IF_ZERO) {
      if (*(const char*)s->of_step[i][0] == 0)
        next = step->target;
      meet(w, nt, &spin_ns);
    } else if (step->flags & NASC_STEP_PARALLEL && nt > 1) {
      call_parts(w, i, slice, tid, nt, ++parallel_steps);
    } else if (tid == 0) {
      call(w, i, slice, 0, 1);
    }
    if (o->trace) {
      meet(w, nt, &spin_ns);
      if (tid == 0)
        o->trace(o->trace_context, i, step->name, nasc_now_ns() - start);
      start = nasc_now_ns(); /* others may do all of the next step before this thread goes on */
      meet(w, nt, &spin_ns);
    }
    if (step->control == NASC_CONTROL_NEXT_ROUND) {
      slice += w->values->per_round;
      if (slice < w->values->slices) {
        meet(w, nt, &spin_ns);
        next = step->target;
      } else {
        slice = 0;
      }
    }
    i = next;
  }
  if (tid == 0 && nt > 1)
    __atomic_store_n(&learned_spin_ns, spin_ns, __ATOMIC_RELAXED);
}

static void walk(void* argument, int32_t tid, int32_t nt) {
  nasc_walk* w = argument;
  const nasc_float_state before = nasc_float_get();
  if (!w->values->keep_denormals)
    nasc_float_set(before | NASC_FLUSH);
  walk_steps(w, tid, nt);
  nasc_float_set(before);
}

static void walk_task(void* argument, int32_t tid) {
  walk(argument, tid, ((nasc_walk*)argument)->nt);
}

void nasc_sequence_run(const nasc_sequence* s, const nasc_run_values* values, int32_t threads,
                       const nasc_options* options) {
  nasc_walk w;
  nasc_share shares[threads > 1 ? threads : 1];
  memset(shares, 0, sizeof shares);
  memset(&w.barrier, 0, sizeof w.barrier);
  w.shares = shares;
  w.sequence = s;
  w.values = values;
  w.options = options;
  w.spin_ns =
      threads <= nasc_processors() ? __atomic_load_n(&learned_spin_ns, __ATOMIC_RELAXED) : 0;
  w.nt = threads;
  if (threads > 1 && options->parallel)
    options->parallel(options->parallel_context, threads, walk_task, &w);
  else
    nasc_pool_v1.run(threads, walk, &w);
}

nasc_status nasc_status_check(const int64_t* status, char* out, size_t size) {
  if (status[0] == 0)
    return NASC_OK;
  return nasc_fail(out, size, NASC_E_RUNTIME, "illegal value while running: code %lld, detail %lld",
                   (long long)status[0], (long long)status[1]);
}
