/* The shared team: workers spin for a while between jobs, then sleep; a fork starts it afresh. */
#include "pool.h"

#include "nasc.h"
#include "wait.h"

typedef struct nasc_worker {
  uint32_t go __attribute__((aligned(128))); /* number of the last job given */
  uint32_t asleep;
  uint32_t job_seen; /* jobs given before the thread existed */
  int32_t tid;
} nasc_worker;

static struct {
  uint32_t lock; /* 0 free, 1 held, 2 held and someone sleeps */
  int32_t n_workers;
  uint32_t sequence;
  uint32_t epoch;
  /* The job: written under the lock before `go`, read by the workers that take part. */
  nasc_team_fn fn;
  void* argument;
  int32_t nt;
  uint32_t float_control;
  uint32_t pending __attribute__((aligned(128))); /* workers that have not finished the job */
  uint32_t joiner_asleep;
  nasc_worker workers[NASC_MAX_THREADS];
} team;

/* --- rounding and denormal mode: workers take the caller's, so results do not depend on nt. */

static uint32_t float_control(void) {
#if defined(__x86_64__)
  return __builtin_ia32_stmxcsr();
#else
  uint64_t fpcr;
  __asm__ volatile("mrs %0, fpcr" : "=r"(fpcr));
  return (uint32_t)fpcr;
#endif
}

static void set_float_control(uint32_t mode) {
#if defined(__x86_64__)
  __builtin_ia32_ldmxcsr(mode & ~0x3fu); /* without the exception flags */
#else
  __asm__ volatile("msr fpcr, %0" : : "r"((uint64_t)mode));
#endif
}

/* --- fork */

static uint32_t* fork_mark; /* a word the kernel zeroes in a child; NULL: compare process ids */
static int32_t owner_pid;
static uint32_t fork_lock;

static int forked(void) {
  uint32_t* mark = __atomic_load_n(&fork_mark, __ATOMIC_ACQUIRE);
  if (mark)
    return __atomic_load_n(mark, __ATOMIC_ACQUIRE) == 0;
  return __atomic_load_n(&owner_pid, __ATOMIC_ACQUIRE) != getpid();
}

/* First call of a process, or first after a fork: only the calling thread exists in the child, and
 * what other threads held or waited for is void. */
static void start_epoch(void) {
  while (__atomic_exchange_n(&fork_lock, 1, __ATOMIC_ACQUIRE))
    sched_yield();
  if (forked()) {
    team.lock = 0;
    team.n_workers = 0;
    team.pending = 0;
    team.joiner_asleep = 0;
    __atomic_add_fetch(&team.epoch, 1, __ATOMIC_RELAXED);
    if (!fork_mark) {
      void* page = mmap(NULL, 4096, NASC_PROT_READ | NASC_PROT_WRITE,
                        NASC_MAP_PRIVATE | NASC_MAP_ANONYMOUS, -1, 0);
      if (page != NASC_MAP_FAILED && madvise(page, 4096, NASC_MADV_WIPEONFORK) != 0) {
        munmap(page, 4096);
        page = NASC_MAP_FAILED;
      }
      if (page != NASC_MAP_FAILED) {
        *(uint32_t*)page = 1;
        __atomic_store_n(&fork_mark, (uint32_t*)page, __ATOMIC_RELEASE);
      }
    } else {
      __atomic_store_n(fork_mark, 1, __ATOMIC_RELEASE);
    }
    __atomic_store_n(&owner_pid, getpid(), __ATOMIC_RELEASE);
  }
  __atomic_store_n(&fork_lock, 0, __ATOMIC_RELEASE);
}

__attribute__((used, weak, visibility("hidden"))) uint32_t nasc_pool_epoch(void) {
  if (forked())
    start_epoch();
  return __atomic_load_n(&team.epoch, __ATOMIC_RELAXED);
}

/* --- the lock of the team */

static void take_turn(void) {
  uint32_t free = 0;
  if (__atomic_compare_exchange_n(&team.lock, &free, 1, 0, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
    return;
  while (__atomic_exchange_n(&team.lock, 2, __ATOMIC_ACQUIRE) != 0)
    nasc_futex_wait(&team.lock, 2);
}

static void end_turn(void) {
  if (__atomic_exchange_n(&team.lock, 0, __ATOMIC_RELEASE) == 2)
    nasc_futex_wake(&team.lock, 1);
}

/* --- workers */

static void* work(void* argument) {
  nasc_worker* me = (nasc_worker*)argument;
  uint32_t seen = me->job_seen;
  for (;;) {
    if (!nasc_spin_while(&me->go, seen, NASC_SPIN_NS)) {
      __atomic_store_n(&me->asleep, 1, __ATOMIC_SEQ_CST);
      while (__atomic_load_n(&me->go, __ATOMIC_SEQ_CST) == seen)
        nasc_futex_wait(&me->go, seen);
      __atomic_store_n(&me->asleep, 0, __ATOMIC_RELAXED);
    }
    seen = __atomic_load_n(&me->go, __ATOMIC_ACQUIRE);
    if (float_control() != team.float_control)
      set_float_control(team.float_control);
    team.fn(team.argument, me->tid, team.nt);
    if (__atomic_sub_fetch(&team.pending, 1, __ATOMIC_SEQ_CST) == 0 &&
        __atomic_load_n(&team.joiner_asleep, __ATOMIC_SEQ_CST))
      nasc_futex_wake(&team.pending, 1);
  }
  return NULL;
}

/* Starts workers until there are n; signals of the process are not for them, but for the faults
 * they cause themselves. */
static void grow(int32_t n) {
  if (team.n_workers >= n || !pthread_create || !pthread_detach)
    return;
  uint64_t all_but_faults[16], before[16];
  memset(all_but_faults, 0xff, sizeof all_but_faults);
  static const int own[] = {4, 5, 6, 7, 8, 11, 27, 31}; /* ILL TRAP ABRT BUS FPE SEGV PROF SYS */
  for (size_t i = 0; i < sizeof own / sizeof *own; ++i)
    all_but_faults[0] &= ~(UINT64_C(1) << (own[i] - 1));
  int masked = pthread_sigmask && pthread_sigmask(NASC_SIG_SETMASK, all_but_faults, before) == 0;
  while (team.n_workers < n) {
    nasc_worker* w = &team.workers[team.n_workers];
    w->asleep = 0;
    w->tid = team.n_workers + 1;
    w->job_seen = w->go;
    unsigned long id;
    if (pthread_create(&id, NULL, work, w) != 0)
      break;
    pthread_detach(id);
    __atomic_store_n(&team.n_workers, team.n_workers + 1, __ATOMIC_RELAXED);
  }
  if (masked)
    pthread_sigmask(NASC_SIG_SETMASK, before, NULL);
}

/* The caller's join; its patience is kept from run to run. */
static void wait_for_all(int32_t nt) {
  static int64_t spin_ns = NASC_SPIN_NS;
  int64_t patience = nt <= nasc_processors() ? spin_ns : 0, end = nasc_now_ns() + patience;
  uint32_t left;
  while ((left = __atomic_load_n(&team.pending, __ATOMIC_ACQUIRE)) != 0) {
    int64_t now = nasc_now_ns();
    if (now < end && nasc_spin_while(&team.pending, left, end - now))
      continue;
    spin_ns = nasc_adapted(spin_ns, 0);
    __atomic_store_n(&team.joiner_asleep, 1, __ATOMIC_SEQ_CST);
    while ((left = __atomic_load_n(&team.pending, __ATOMIC_SEQ_CST)) != 0)
      nasc_futex_wait(&team.pending, left);
    __atomic_store_n(&team.joiner_asleep, 0, __ATOMIC_RELAXED);
    return;
  }
  spin_ns = nasc_adapted(spin_ns, 1);
}

__attribute__((used, weak, visibility("hidden"))) void nasc_pool_run(int32_t want, nasc_team_fn fn,
                                                                     void* argument) {
  nasc_pool_epoch();
  if (want > NASC_MAX_THREADS)
    want = NASC_MAX_THREADS;
  if (want <= 1) {
    fn(argument, 0, 1);
    return;
  }
  take_turn();
  grow(want - 1);
  int32_t nt = team.n_workers + 1 < want ? team.n_workers + 1 : want;
  team.fn = fn;
  team.argument = argument;
  team.nt = nt;
  team.float_control = float_control();
  __atomic_store_n(&team.pending, (uint32_t)(nt - 1), __ATOMIC_RELAXED);
  uint32_t job = ++team.sequence;
  for (int32_t i = 0; i < nt - 1; ++i) {
    nasc_worker* w = &team.workers[i];
    __atomic_store_n(&w->go, job, __ATOMIC_SEQ_CST);
    if (__atomic_load_n(&w->asleep, __ATOMIC_SEQ_CST))
      nasc_futex_wake(&w->go, 1);
  }
  fn(argument, 0, nt);
  wait_for_all(nt);
  end_turn();
}

__attribute__((used, weak, visibility("hidden"))) int32_t nasc_pool_workers(void) {
  nasc_pool_epoch();
  return __atomic_load_n(&team.n_workers, __ATOMIC_RELAXED);
}

int32_t nasc_processors(void) {
  static int32_t known;
  int32_t n = __atomic_load_n(&known, __ATOMIC_RELAXED);
  if (n)
    return n;
  uint64_t mask[128] = {0};
  if (sched_getaffinity(0, sizeof mask, mask) == 0)
    for (size_t i = 0; i < 128; ++i)
      for (uint64_t m = mask[i]; m; m &= m - 1)
        ++n;
  n = n < 1 ? 1 : n > NASC_MAX_THREADS ? NASC_MAX_THREADS : n;
  __atomic_store_n(&known, n, __ATOMIC_RELAXED);
  return n;
}

/* In assembly because the language has no way to say gnu_unique_object. */
__asm__(".pushsection .data.rel.ro.nasc_pool_v1,\"awG\",%progbits,nasc_pool_v1,comdat\n"
        ".balign 64\n"
        ".globl nasc_pool_v1\n"
        ".type nasc_pool_v1, %gnu_unique_object\n"
        "nasc_pool_v1:\n"
        ".8byte 1, nasc_pool_run, nasc_pool_epoch, nasc_pool_workers\n"
        ".zero 96\n"
        ".size nasc_pool_v1, 128\n"
        ".popsection\n");
