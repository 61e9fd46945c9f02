/* Memory for arenas and state: the caller's allocator, else pages aligned for huge ones. */
#include "internal.h"

#define NASC_LINE 64
#define NASC_HUGE (UINT64_C(2) << 20)
#define NASC_LARGE (UINT64_C(1) << 20)

static void free_small(void* context, void* memory, size_t bytes) {
  (void)context;
  (void)bytes;
  free(memory);
}

static void free_pages(void* context, void* memory, size_t bytes) {
  (void)context;
  munmap(memory, bytes);
}

/* Maps more than needed and gives the ends back, so that the start is aligned. */
static void* huge_pages(size_t bytes) {
  char* start = mmap(NULL, bytes + NASC_HUGE, NASC_PROT_READ | NASC_PROT_WRITE,
                     NASC_MAP_PRIVATE | NASC_MAP_ANONYMOUS, -1, 0);
  if (start == NASC_MAP_FAILED)
    return NULL;
  size_t before = (NASC_HUGE - (uintptr_t)start % NASC_HUGE) % NASC_HUGE;
  if (before)
    munmap(start, before);
  if (before < NASC_HUGE)
    munmap(start + before + bytes, NASC_HUGE - before);
  madvise(start + before, bytes, NASC_MADV_HUGEPAGE);
  return start + before;
}

int nasc_memory_get(nasc_memory* memory, const nasc_options* options, size_t bytes) {
  memset(memory, 0, sizeof *memory);
  if (bytes == 0)
    return 1;
  if (bytes > PTRDIFF_MAX - 2 * NASC_HUGE)
    return 0;
  if (options && options->allocate) {
    memory->data = options->allocate(options->memory_context, bytes,
                                     bytes < NASC_LARGE ? NASC_LINE : NASC_HUGE);
    memory->deallocate = options->deallocate;
    memory->context = options->memory_context;
    memory->bytes = bytes;
    if (memory->data)
      memset(memory->data, 0, bytes);
  } else if (bytes < NASC_LARGE) {
    memory->bytes = (bytes + NASC_LINE - 1) / NASC_LINE * NASC_LINE;
    memory->deallocate = free_small;
    if (posix_memalign(&memory->data, NASC_LINE, memory->bytes) != 0)
      memory->data = NULL;
    else
      memset(memory->data, 0, memory->bytes);
  } else {
    memory->bytes = (bytes + NASC_HUGE - 1) / NASC_HUGE * NASC_HUGE;
    memory->deallocate = free_pages;
    memory->data = huge_pages(memory->bytes);
  }
  return memory->data != NULL;
}

void nasc_memory_put(nasc_memory* memory) {
  if (memory->data)
    memory->deallocate(memory->context, memory->data, memory->bytes);
  memset(memory, 0, sizeof *memory);
}
