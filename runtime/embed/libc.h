/* Everything the embedded runtime asks of libc, so that it compiles for any target without that
 * target's headers. Values are those of Linux on x86-64 and AArch64. */
#ifndef NASC_LIBC_H
#define NASC_LIBC_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

extern void* memcpy(void*, const void*, size_t);
extern void* memset(void*, int, size_t);
extern int memcmp(const void*, const void*, size_t);
extern size_t strlen(const char*);
extern int strcmp(const char*, const char*);
extern char* strrchr(const char*, int);
extern int vsnprintf(char*, size_t, const char*, va_list);
extern char* getenv(const char*);
extern void* calloc(size_t, size_t);
extern void free(void*);
extern int posix_memalign(void**, size_t, size_t);

extern void* mmap(void*, size_t, int, int, int, long);
extern int munmap(void*, size_t);
extern int madvise(void*, size_t, int);
extern int open(const char*, int, ...);
extern int close(int);
extern long lseek(int, long, int);
extern long readlink(const char*, char*, size_t);
#define NASC_PROT_READ 1
#define NASC_PROT_WRITE 2
#define NASC_MAP_PRIVATE 2
#define NASC_MAP_ANONYMOUS 0x20
#define NASC_MAP_FAILED ((void*)-1)
#define NASC_MADV_HUGEPAGE 14
#define NASC_MADV_WIPEONFORK 18
#define NASC_O_RDONLY_CLOEXEC 02000000
#define NASC_SEEK_END 2

typedef struct nasc_timespec {
  int64_t seconds;
  int64_t nanoseconds;
} nasc_timespec;
extern int clock_gettime(int, nasc_timespec*);
#define NASC_CLOCK_MONOTONIC 1

extern long syscall(long, ...);
extern int sched_yield(void);
extern int sched_getaffinity(int, size_t, void*);
extern int getpid(void);
#if defined(__x86_64__)
#define NASC_SYS_FUTEX 202
#elif defined(__aarch64__)
#define NASC_SYS_FUTEX 98
extern unsigned long getauxval(unsigned long);
#else
#error "the embedded runtime knows x86-64 and AArch64"
#endif
#define NASC_FUTEX_WAIT_PRIVATE 128
#define NASC_FUTEX_WAKE_PRIVATE 129

/* Weak: a libc that keeps threads or dladdr elsewhere, or a static program without them, gives
 * NULL, and the runtime goes without. */
extern int pthread_create(unsigned long*, const void*, void* (*)(void*), void*)
    __attribute__((weak));
extern int pthread_detach(unsigned long) __attribute__((weak));
extern int pthread_sigmask(int, const void*, void*) __attribute__((weak));
#define NASC_SIG_SETMASK 2

typedef struct nasc_dl_info {
  const char* file;
  void* base;
  const char* symbol;
  void* address;
} nasc_dl_info;
extern int dladdr(const void*, nasc_dl_info*) __attribute__((weak));

#endif
