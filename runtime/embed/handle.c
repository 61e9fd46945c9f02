/* The entries: create, run, shapes, destroy, message, query. */
#include "internal.h"
#include "pool.h"

static int32_t thread_count(const nasc_model_desc* desc, int32_t wanted) {
  int32_t n = wanted;
  if (n == 0) {
    const char* text = getenv("NASC_NUM_THREADS");
    for (; text && *text >= '0' && *text <= '9' && n < 1000; ++text)
      n = n * 10 + (*text - '0');
    if (n == 0 || (text && *text))
      n = nasc_processors();
  }
  if (n > NASC_MAX_THREADS)
    n = NASC_MAX_THREADS;
  return desc->max_threads > 0 && n > desc->max_threads ? desc->max_threads : n;
}

static void free_handle(nasc_handle* h) {
  if (h->model)
    nasc_model_release(h->desc, h->model);
  nasc_sequence_put(&h->sequence);
  nasc_memory_put(&h->arena);
  free(h->values);
  free(h->scratch);
  free(h->rounds);
  free(h->io);
  free(h);
}

/* The options of the caller, as far as its own size goes. */
static nasc_status read_options(const nasc_options* given, nasc_options* o) {
  memset(o, 0, sizeof *o);
  if (!given)
    return NASC_OK;
  if (given->size < offsetof(nasc_options, allocate) || given->size > (1u << 16))
    return NASC_E_ABI;
  memcpy(o, given, given->size < sizeof *o ? given->size : sizeof *o);
  if (o->abi != 0 && o->abi != NASC_ABI_VERSION)
    return nasc_fail(o->message, o->message_size, NASC_E_ABI,
                     "interface version %u wanted, %u in the library", o->abi, NASC_ABI_VERSION);
  if (o->threads < 0 || o->flags != 0 || !o->allocate != !o->deallocate)
    return nasc_fail(o->message, o->message_size, NASC_E_ARGUMENT,
                     "options: threads %d, flags %d, allocate and deallocate: %s", o->threads,
                     o->flags, !o->allocate != !o->deallocate ? "one without the other" : "fine");
  return NASC_OK;
}

nasc_status nasc_embed_create(const nasc_model_desc* desc, const nasc_options* options,
                              nasc_handle** handle) {
  if (!handle)
    return NASC_E_NULL;
  *handle = NULL;
  nasc_options o;
  nasc_status s = read_options(options, &o);
  if (s)
    return s;
  const char* missing;
  if (!nasc_cpu_has(desc->info->features, desc->info->n_features, &missing))
    return nasc_fail(o.message, o.message_size, NASC_E_CPU,
                     "this processor lacks %s (built for %s)", missing, desc->info->cpu);
  nasc_handle* h = calloc(1, sizeof *h);
  if (!h)
    return nasc_fail(o.message, o.message_size, NASC_E_MEMORY, "out of memory");
  h->desc = desc;
  h->options = o;
  h->options.message = NULL; /* the caller's memory may be gone after create */
  h->options.message_size = 0;
  h->threads = thread_count(desc, o.threads);
  h->values = calloc((size_t)desc->n_values + 1, sizeof *h->values);
  h->scratch = calloc((size_t)desc->n_values + 1, sizeof *h->scratch);
  h->rounds = calloc(2 * (size_t)desc->n_values + 1, sizeof *h->rounds);
  h->io = calloc((size_t)(desc->info->n_inputs + desc->info->n_outputs) + 1, sizeof *h->io);
  int fixed = desc->arena.value < 0;
  if (!h->values || !h->scratch || !h->rounds || !h->io ||
      !nasc_sequence_get(&h->sequence, desc->run_steps, desc->n_run_steps, desc->n_buffers) ||
      (fixed && !nasc_memory_get(&h->arena, &o, (size_t)desc->arena.constant)))
    s = nasc_fail(o.message, o.message_size, NASC_E_MEMORY, "out of memory: %lld bytes",
                  fixed ? (long long)desc->arena.constant : 0LL);
  if (!s)
    s = nasc_model_acquire(desc, &o, h->threads, &h->model);
  if (s)
    free_handle(h);
  else
    *handle = h;
  return s;
}

/* One entry at a time works on a handle. One that a fork cut off does not count, but its arena has
 * to be made anew. */
static int enter(nasc_handle* h) {
  uint32_t mine = nasc_pool_v1.epoch() + 1;
  uint32_t held = __atomic_load_n(&h->busy, __ATOMIC_RELAXED);
  if (held == mine ||
      !__atomic_compare_exchange_n(&h->busy, &held, mine, 0, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
    return 0;
  if (held)
    h->bound = 0;
  return 1;
}

static nasc_status leave(nasc_handle* h, nasc_status s) {
  __atomic_store_n(&h->busy, 0, __ATOMIC_RELEASE);
  return s;
}

static int same(const int64_t* a, const int64_t* b, int32_t n) {
  return memcmp(a, b, (size_t)n * sizeof *a) == 0;
}

/* The values of a full round and of the last one. */
static int settle_rounds(nasc_handle* h) {
  const nasc_model_desc* m = h->desc;
  const int64_t slices = h->values[m->round_value];
  const int64_t full = slices < m->round_slices ? slices : m->round_slices;
  const int64_t sizes[2] = {full, full > 0 && slices % full > 0 ? slices % full : full};
  for (int r = 0; r < 2; ++r) {
    int64_t* values = h->rounds + r * (int64_t)m->n_values;
    memcpy(values, h->values, (size_t)m->n_values * sizeof *values);
    values[m->round_value] = sizes[r];
    if (m->evaluate && m->evaluate(values) != 0)
      return 0;
  }
  return 1;
}

/* Makes `values`, arena and pointers fit h->scratch and the caller's tensors. */
static nasc_status settle(nasc_handle* h, const nasc_tensor* inputs, const nasc_tensor* outputs) {
  const nasc_model_desc* m = h->desc;
  const int32_t n_in = m->info->n_inputs, n_out = m->info->n_outputs;
  int moved = 0;
  for (int32_t k = 0; k < n_in + n_out; ++k) {
    void* p = k < n_in ? inputs[k].data : outputs[k - n_in].data;
    moved |= p != h->io[k];
    h->io[k] = p;
  }
  int changed = !h->bound || !same(h->values, h->scratch, m->n_params);
  int64_t bytes = m->arena.constant;
  if (m->arena.value >= 0 && __builtin_add_overflow(bytes, h->scratch[m->arena.value], &bytes))
    bytes = -1;
  if (changed && m->arena.value >= 0) {
    h->bound = 0;
    if (bytes >= 0 && (size_t)bytes <= h->arena.bytes) {
      if (bytes > 0)
        memset(h->arena.data, 0, (size_t)bytes);
    } else {
      nasc_memory_put(&h->arena);
      if (bytes < 0 || !nasc_memory_get(&h->arena, &h->options, (size_t)bytes))
        return nasc_fail(h->message, sizeof h->message, NASC_E_MEMORY,
                         "out of memory: %lld bytes for these extents", (long long)bytes);
    }
  } else if (changed && h->dirty && bytes > 0) {
    memset(h->arena.data, 0, (size_t)bytes);
  }
  if (m->n_values > 0)
    memcpy(h->values, h->scratch, (size_t)m->n_values * sizeof *h->values);
  if (m->round_slices > 0 && changed && !settle_rounds(h))
    return nasc_fail(h->message, sizeof h->message, NASC_E_MEMORY,
                     "a size overflows for these extents");
  if (!changed && !moved)
    return NASC_OK;
  const nasc_bases bases = {.io = h->io,
                            .n_inputs = n_in,
                            .n_outputs = n_out,
                            .arena = h->arena.data,
                            .arena_bytes = bytes,
                            .state = h->model->state.data,
                            .state_bytes = m->info->state_bytes,
                            .weights = h->model->weights,
                            .weights_bytes = m->info->weights_bytes,
                            .values = h->values,
                            .status = h->status};
  h->bound = nasc_sequence_bind(&h->sequence, m, &bases);
  return h->bound ? NASC_OK
                  : nasc_fail(h->message, sizeof h->message, NASC_E_MEMORY,
                              "a buffer leaves its memory for these extents");
}

nasc_status nasc_embed_run(nasc_handle* h, const nasc_tensor* inputs, const nasc_tensor* outputs) {
  if (!h)
    return NASC_E_NULL;
  if (!enter(h))
    return NASC_E_BUSY;
  h->message[0] = 0;
  nasc_status s = nasc_check_inputs(h, inputs, 1);
  if (!s)
    s = nasc_check_outputs(h, inputs, outputs);
  if (!s)
    s = settle(h, inputs, outputs);
  if (s)
    return leave(h, s);
  h->status[0] = 0;
  h->dirty = 1;
  const nasc_model_desc* m = h->desc;
  const nasc_run_values values = {.all = h->values,
                                  .full_round = h->rounds,
                                  .last_round = h->rounds + m->n_values,
                                  .slices = m->round_slices > 0 ? h->values[m->round_value] : 0,
                                  .per_round = m->round_slices,
                                  .keep_denormals = m->keep_denormals};
  const int small = m->worth_value > 0 && h->values[m->worth_value - 1] <= 0;
  nasc_sequence_run(&h->sequence, &values, small ? 1 : h->threads, &h->options);
  s = nasc_status_check(h->status, h->message, sizeof h->message);
  h->ran = s == NASC_OK;
  return leave(h, s);
}

nasc_status nasc_embed_shapes(nasc_handle* h, const nasc_tensor* inputs, int64_t* const* extents) {
  if (!h || !extents)
    return NASC_E_NULL;
  if (!enter(h))
    return NASC_E_BUSY;
  const nasc_info* info = h->desc->info;
  h->message[0] = 0;
  nasc_status s = NASC_OK;
  const int64_t* values = h->scratch;
  if (inputs || info->n_inputs == 0)
    s = nasc_check_inputs(h, inputs, 0);
  else if (h->ran)
    values = h->values;
  else
    s = nasc_fail(h->message, sizeof h->message, NASC_E_NULL, "inputs is NULL before any run");
  for (int32_t k = 0; k < info->n_outputs && !s; ++k)
    for (int32_t d = 0; d < info->outputs[k].rank && !s; ++d) {
      int64_t e = nasc_extent(&info->outputs[k].dims[d], values);
      if (e < 0)
        s = nasc_fail(h->message, sizeof h->message, NASC_E_SHAPE,
                      "output '%s': extent of dimension %d is negative (%lld) for these inputs",
                      info->outputs[k].name, d, (long long)e);
      else if (!extents[k])
        s = nasc_fail(h->message, sizeof h->message, NASC_E_NULL, "extents of output '%s' is NULL",
                      info->outputs[k].name);
      else
        extents[k][d] = e;
    }
  return leave(h, s);
}

nasc_status nasc_embed_destroy(nasc_handle* h) {
  if (!h)
    return NASC_OK;
  if (!enter(h))
    return NASC_E_BUSY;
  free_handle(h);
  return NASC_OK;
}

const char* nasc_embed_message(const nasc_handle* h) { return h ? h->message : ""; }

const nasc_model_api* nasc_embed_query(const nasc_model_desc* desc, uint32_t abi) {
  return abi == NASC_ABI_VERSION ? &desc->api : NULL;
}
