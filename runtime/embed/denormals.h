/* Numbers below the normal ones: operations on them take some hundred cycles each on many processors, and networks whose
 * weights decayed are full of them. While the threads of a run compute they are taken for 0, and so are results below
 * 2^-126; each thread's own setting is put back behind.
 */
#ifndef NASC_DENORMALS_H
#define NASC_DENORMALS_H

#include <stdint.h>

#if defined(__x86_64__)
#define NASC_FLUSH 0x8040u /* MXCSR: flush to zero, denormals are zeros */
typedef uint32_t nasc_float_state;
static inline nasc_float_state nasc_float_get(void) {
  uint32_t state;
  __asm__ volatile("stmxcsr %0" : "=m"(state));
  return state;
}
static inline void nasc_float_set(nasc_float_state state) {
  __asm__ volatile("ldmxcsr %0" : : "m"(state) : "memory");
}
#else
#define NASC_FLUSH (1ull << 24) /* FPCR.FZ */
typedef uint64_t nasc_float_state;
static inline nasc_float_state nasc_float_get(void) {
  uint64_t state;
  __asm__ volatile("mrs %0, fpcr" : "=r"(state));
  return state;
}
static inline void nasc_float_set(nasc_float_state state) {
  __asm__ volatile("msr fpcr, %0" : : "r"(state) : "memory");
}
#endif

#endif
