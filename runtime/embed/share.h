/* Who does which part of a parallel step: every thread has a share of its own, taken in pieces that
 * get smaller; a thread that is done takes pieces from the far end of another's share. On an idle
 * machine that is the static partition; a thread that lost its processor for a while, or whose part
 * costs more, is helped. What a kernel computes does not depend on who computes it. */
#ifndef NASC_SHARE_H
#define NASC_SHARE_H

#include <stdint.h>

#define NASC_UNITS 16  /* of a thread's share; a power of two */
#define NASC_HELPED 4  /* threads whose shares a thread looks at, at most */

/* What is left of one thread's share: step << 32 | back << 16 | front, units [front, back) of the
 * parallel step `step`, counted from 1 in each run. A word of an older step may be replaced only
 * when nothing is left of the step right before: then all its units have been taken. */
typedef struct nasc_share {
  uint64_t word __attribute__((aligned(128)));
} nasc_share;

/* Units [first, first + n) of thread `of`'s share of the step for the caller; n is 0 when there are
 * none. n is a power of two that divides `first`, at most half of what is left if that is more than
 * one. */
static inline uint32_t nasc_share_take(nasc_share* of, uint32_t step, int own, uint32_t* first) {
  uint64_t word = __atomic_load_n(&of->word, __ATOMIC_ACQUIRE);
  for (;;) {
    uint32_t front = word & 0xffff, back = word >> 16 & 0xffff, behind = step - (uint32_t)(word >> 32);
    if (behind == 1 && front == back)
      front = 0, back = NASC_UNITS;
    else if (behind != 0 || front == back)
      return 0;
    uint32_t left = back - front, n = 1;
    while (4 * n <= left && (own ? front : back) % (2 * n) == 0)
      n *= 2;
    *first = own ? front : back - n;
    if (own)
      front += n;
    else
      back -= n;
    uint64_t next = (uint64_t)step << 32 | back << 16 | front;
    if (__atomic_compare_exchange_n(&of->word, &word, next, 0, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
      return n;
  }
}

#endif
