/* The team of threads that all compiled models of a process share. */
#ifndef NASC_POOL_H
#define NASC_POOL_H

#include "libc.h"

typedef void (*nasc_team_fn)(void* argument, int32_t tid, int32_t nt);

/* nasc_pool_v1 is one object per process however many libraries define it, even when they are
 * opened with RTLD_LOCAL: its ELF binding is STB_GNU_UNIQUE. The loader also never unloads the
 * library whose definition won, so the threads that run its code stay safe. The layout is frozen
 * under this name: a new layout is a new name. A libc without such symbols gives each library its
 * own team. */
typedef struct nasc_pool {
  uint64_t version;
  /* Calls fn(argument, tid, nt) for tid 0 .. nt-1 at the same time, tid 0 on the caller; nt <= want
   * when threads cannot be had. Callers from several threads take turns. */
  void (*run)(int32_t want, nasc_team_fn fn, void* argument);
  /* A number >= 1 that changes in the child of a fork; threads and locks of another epoch are
   * gone. */
  uint32_t (*epoch)(void);
  /* Threads alive, for tests and reports. */
  int32_t (*workers)(void);
  void* reserved[12];
} nasc_pool;

extern const nasc_pool nasc_pool_v1 __attribute__((visibility("default")));

/* Processors this process may use. */
int32_t nasc_processors(void);

#endif
