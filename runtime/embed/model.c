/* What the handles of one library share in a process: weights and the state that the create steps
 * make of them. */
#include "internal.h"
#include "pool.h"

/* A lock held by a thread that a fork left behind belongs to an older epoch and counts as free. */
static void lock(nasc_slot* slot) {
  uint32_t mine = nasc_pool_v1.epoch();
  for (;;) {
    uint32_t held = __atomic_load_n(&slot->lock, __ATOMIC_RELAXED);
    if (held != mine && __atomic_compare_exchange_n(&slot->lock, &held, mine, 0, __ATOMIC_ACQUIRE,
                                                    __ATOMIC_RELAXED))
      return;
    sched_yield();
  }
}

static void unlock(nasc_slot* slot) { __atomic_store_n(&slot->lock, 0, __ATOMIC_RELEASE); }

#define FAIL(status, ...) return nasc_fail(o->message, o->message_size, status, __VA_ARGS__)

/* Path of the side file: in the folder of the file that holds the description. */
static int beside(const nasc_model_desc* desc, char* path, size_t size) {
  nasc_dl_info info;
  if (!dladdr || !dladdr(desc, &info) || !info.file)
    return 0;
  char own[4096];
  const char* file = info.file;
  if (!strrchr(file, '/')) { /* a program found through PATH */
    long n = readlink("/proc/self/exe", own, sizeof own - 1);
    if (n <= 0)
      return 0;
    own[n] = 0;
    file = own;
  }
  const char* slash = strrchr(file, '/');
  size_t folder = slash ? (size_t)(slash - file) + 1 : 0, name = strlen(desc->weights_file);
  if (folder + name + 1 > size)
    return 0;
  memcpy(path, file, folder);
  memcpy(path + folder, desc->weights_file, name + 1);
  return 1;
}

static nasc_status map_side_file(nasc_model* m, const nasc_model_desc* desc,
                                 const nasc_options* o) {
  char path[4096];
  const int64_t bytes = desc->info->weights_bytes;
  if (strrchr(desc->weights_file, '/') || !beside(desc, path, sizeof path))
    FAIL(NASC_E_WEIGHTS, "weights file '%s': no place to look for it", desc->weights_file);
  int fd = open(path, NASC_O_RDONLY_CLOEXEC);
  if (fd < 0)
    FAIL(NASC_E_WEIGHTS, "weights file '%s': cannot be opened", path);
  int64_t found = lseek(fd, 0, NASC_SEEK_END);
  void* p = NASC_MAP_FAILED;
  if (found == bytes && bytes > 0)
    p = mmap(NULL, (size_t)bytes, NASC_PROT_READ, NASC_MAP_PRIVATE, fd, 0);
  close(fd);
  if (found != bytes)
    FAIL(NASC_E_WEIGHTS, "weights file '%s': %lld bytes expected, %lld found", path,
         (long long)bytes, (long long)found);
  if (bytes == 0)
    return NASC_OK;
  if (p == NASC_MAP_FAILED)
    FAIL(NASC_E_MEMORY, "weights file '%s': cannot be mapped", path);
  m->mapping = p;
  m->mapping_bytes = (size_t)bytes;
  m->weights = p;
  if (nasc_hash64(p, (size_t)bytes) != desc->info->weights_hash)
    FAIL(NASC_E_WEIGHTS, "weights file '%s': not the one compiled with this library", path);
  return NASC_OK;
}

static nasc_status run_create_steps(nasc_model* m, const nasc_model_desc* desc,
                                    const nasc_options* o, int32_t threads) {
  nasc_memory arena;
  nasc_sequence s;
  int64_t status[2] = {0, 0};
  memset(&s, 0, sizeof s);
  if (!nasc_memory_get(&arena, o, (size_t)desc->create_arena_bytes) ||
      !nasc_sequence_get(&s, desc->create_steps, desc->n_create_steps, desc->n_buffers)) {
    nasc_memory_put(&arena);
    FAIL(NASC_E_MEMORY, "out of memory: %lld bytes to prepare the weights",
         (long long)desc->create_arena_bytes);
  }
  const nasc_bases bases = {.arena = arena.data,
                            .arena_bytes = desc->create_arena_bytes,
                            .state = m->state.data,
                            .state_bytes = desc->info->state_bytes,
                            .weights = m->weights,
                            .weights_bytes = desc->info->weights_bytes,
                            .status = status};
  nasc_status result;
  if (nasc_sequence_bind(&s, desc, &bases)) {
    const nasc_run_values none = {.keep_denormals = desc->keep_denormals};
    nasc_sequence_run(&s, &none, threads, o);
    result = nasc_status_check(status, o->message, o->message_size);
  } else {
    result = nasc_fail(o->message, o->message_size, NASC_E_MEMORY,
                       "a buffer of the create steps leaves its memory");
  }
  nasc_sequence_put(&s);
  nasc_memory_put(&arena);
  return result;
}

static void free_model(nasc_model* m) {
  nasc_memory_put(&m->state);
  if (m->mapping)
    munmap(m->mapping, m->mapping_bytes);
  free(m);
}

static nasc_status make(const nasc_model_desc* desc, const nasc_options* o, int32_t threads,
                        nasc_model** out) {
  nasc_model* m = calloc(1, sizeof *m);
  if (!m)
    FAIL(NASC_E_MEMORY, "out of memory");
  m->weights = desc->weights;
  nasc_status s = NASC_OK;
  if (!nasc_memory_get(&m->state, NULL, (size_t)desc->info->state_bytes))
    s = nasc_fail(o->message, o->message_size, NASC_E_MEMORY, "out of memory: %lld bytes of state",
                  (long long)desc->info->state_bytes);
  if (!s && desc->weights_file)
    s = map_side_file(m, desc, o);
  if (!s && desc->n_create_steps > 0)
    s = run_create_steps(m, desc, o, threads);
  if (s)
    free_model(m);
  else
    *out = m;
  return s;
}

nasc_status nasc_model_acquire(const nasc_model_desc* desc, const nasc_options* options,
                               int32_t threads, nasc_model** model) {
  nasc_slot* slot = desc->slot;
  nasc_status s = NASC_OK;
  lock(slot);
  nasc_model* m = slot->model;
  if (!m)
    s = make(desc, options, threads, &m);
  if (!s) {
    ++m->references;
    slot->model = m;
    *model = m;
  }
  unlock(slot);
  return s;
}

void nasc_model_release(const nasc_model_desc* desc, nasc_model* model) {
  lock(desc->slot);
  if (--model->references == 0) {
    desc->slot->model = NULL;
    free_model(model);
  }
  unlock(desc->slot);
}
#undef FAIL
