/* A compiled model written by hand, as codegen would emit it:
 *   y[n, j] = (a[n, j] + b[n, j] + reps) * w[j] + 10 * w[j],   z = positions where a > 0
 * with a symbolic extent n, weights w, state made at create, a loop, and a data-dependent output. */
#ifndef NASC_TEST_TINY_MODEL_H
#define NASC_TEST_TINY_MODEL_H

#include "runtime/embed/abi.h"

#ifdef __cplusplus
extern "C" {
#endif

extern const nasc_model_desc tiny_desc;
/* Kernel thread ids of the team members of the last run, and how many members there were. */
extern int64_t tiny_thread[NASC_MAX_THREADS];
extern int32_t tiny_team;
/* With tiny_await_help, member 1 of a run works on half of its share only when all else is done;
 * tiny_helped says that it was. */
extern int32_t tiny_await_help, tiny_helped;
/* Called by tid 0 in the middle of each run when set. */
extern void (*tiny_hook)(void);

#ifdef __cplusplus
}
#endif
#endif
