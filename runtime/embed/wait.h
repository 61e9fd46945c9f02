/* Waiting for another thread: spin with pause for a while, then sleep on a futex. */
#ifndef NASC_WAIT_H
#define NASC_WAIT_H

#include "libc.h"

#define NASC_SPIN_NS 100000 /* twice a futex wake-up: parking sooner costs more than it saves */

static inline int64_t nasc_now_ns(void) {
  nasc_timespec t;
  clock_gettime(NASC_CLOCK_MONOTONIC, &t);
  return t.seconds * 1000000000 + t.nanoseconds;
}

static inline void nasc_pause(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#else
  __asm__ volatile("yield");
#endif
}

static inline void nasc_futex_wait(uint32_t* word, uint32_t value) {
  syscall(NASC_SYS_FUTEX, word, NASC_FUTEX_WAIT_PRIVATE, value, (void*)0, (void*)0, 0);
}

static inline void nasc_futex_wake(uint32_t* word, int32_t n) {
  syscall(NASC_SYS_FUTEX, word, NASC_FUTEX_WAKE_PRIVATE, n, (void*)0, (void*)0, 0);
}

/* True once *word differs from `old`; false after `spin_ns` (0: a few looks, letting others run).
 */
static inline int nasc_spin_while(uint32_t* word, uint32_t old, int64_t spin_ns) {
  if (spin_ns == 0) {
    for (int i = 0; i < 4; ++i) {
      if (__atomic_load_n(word, __ATOMIC_ACQUIRE) != old)
        return 1;
      sched_yield();
    }
    return 0;
  }
  int64_t end = 0;
  for (;;) {
    for (int i = 0; i < 64; ++i) {
      if (__atomic_load_n(word, __ATOMIC_ACQUIRE) != old)
        return 1;
      nasc_pause();
    }
    int64_t now = nasc_now_ns();
    if (end == 0)
      end = now + spin_ns;
    else if (now >= end)
      return 0;
  }
}

/* How long to spin next time: waits that outlast it mean that the threads do not run side by side,
 * and spinning takes the processor from the one waited for. */
static inline int64_t nasc_adapted(int64_t spin_ns, int met) {
  if (!met)
    return spin_ns < 1000 ? 0 : spin_ns / 4;
  return spin_ns > NASC_SPIN_NS / 2 ? NASC_SPIN_NS : spin_ns == 0 ? 1000 : spin_ns * 2;
}

/* Threads of one team meet: no one leaves before all have come. Zero-initialised, reusable. The
 * fields that all write lie on lines of their own. */
typedef struct nasc_barrier {
  uint32_t arrived __attribute__((aligned(128)));
  uint32_t generation __attribute__((aligned(128)));
  uint32_t asleep;
} nasc_barrier;

/* `spin_ns` is the member's own, and adapts. */
static inline void nasc_barrier_wait(nasc_barrier* b, int32_t nt, int64_t* spin_ns) {
  uint32_t mine = __atomic_load_n(&b->generation, __ATOMIC_RELAXED);
  if (__atomic_add_fetch(&b->arrived, 1, __ATOMIC_ACQ_REL) == (uint32_t)nt) {
    __atomic_store_n(&b->arrived, 0, __ATOMIC_RELAXED);
    __atomic_store_n(&b->generation, mine + 1, __ATOMIC_SEQ_CST);
    if (__atomic_load_n(&b->asleep, __ATOMIC_SEQ_CST))
      nasc_futex_wake(&b->generation, nt);
    return;
  }
  int met = nasc_spin_while(&b->generation, mine, *spin_ns);
  *spin_ns = nasc_adapted(*spin_ns, met);
  if (met)
    return;
  __atomic_add_fetch(&b->asleep, 1, __ATOMIC_SEQ_CST);
  while (__atomic_load_n(&b->generation, __ATOMIC_SEQ_CST) == mine)
    nasc_futex_wait(&b->generation, mine);
  __atomic_sub_fetch(&b->asleep, 1, __ATOMIC_SEQ_CST);
}

#endif
