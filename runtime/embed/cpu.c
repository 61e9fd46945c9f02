/* Does this processor have the instruction sets a model was compiled for? Names are LLVM's.
 * One table per architecture; a feature that is in none is refused rather than assumed. The tables
 * of both are compiled everywhere, so that the compiler can ask about any target. */
#include "cpu_tables.h"
#include "internal.h"

static const nasc_feature* find(const nasc_feature* table, size_t n, const char* name) {
  for (size_t i = 0; i < n; ++i)
    if (strcmp(table[i].name, name) == 0)
      return &table[i];
  return NULL;
}

#if defined(__x86_64__)
#include <cpuid.h>

#define OWN_TABLE nasc_x86_features
#define OWN_COUNT (sizeof nasc_x86_features / sizeof *nasc_x86_features)

static uint64_t os_state(void) {
  unsigned a, b, c, d;
  if (!__get_cpuid(1, &a, &b, &c, &d) || !(c >> 27 & 1))
    return 0;
  uint32_t low, high;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return (uint64_t)high << 32 | low;
}

static int present(const nasc_feature* f) {
  static const uint64_t needed[] = {0, 0x6, 0xe6, 0x60000};
  if ((os_state() & needed[f->state]) != needed[f->state])
    return 0;
  unsigned r[4];
  if (__get_cpuid_max(f->leaf & 0x80000000u, NULL) < f->leaf)
    return 0;
  __cpuid_count(f->leaf, f->subleaf, r[0], r[1], r[2], r[3]);
  return r[f->reg] >> f->bit & 1;
}
#else
#define OWN_TABLE nasc_arm_features
#define OWN_COUNT (sizeof nasc_arm_features / sizeof *nasc_arm_features)

static int present(const nasc_feature* f) { return getauxval(f->leaf) >> f->bit & 1; }
#endif

int nasc_cpu_has(const char* const* features, int32_t n, const char** missing) {
  for (int32_t i = 0; i < n; ++i) {
    const nasc_feature* f = find(OWN_TABLE, OWN_COUNT, features[i]);
    if (!f || !present(f)) {
      *missing = features[i];
      return 0;
    }
  }
  return 1;
}

int nasc_cpu_checks(const char* feature) { return find(OWN_TABLE, OWN_COUNT, feature) != NULL; }
