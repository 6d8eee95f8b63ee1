#include <stdlib.h>
#include <string.h>

#include "vectors.h"

int ck_cpu_level;
static int is_held;

int ck_cpu_in_use(void) { return ck_cpu_level; }

int ck_cpu_is_held(void) { return is_held; }

int ck_cpu_best(void) {
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (!__builtin_cpu_supports("x86-64-v3")) return ck_cpu_baseline;
  if (!__builtin_cpu_supports("x86-64-v4")) return ck_cpu_avx2;
  return __builtin_cpu_supports("avx512bf16") ? ck_cpu_avx512_bf16 : ck_cpu_avx512;
#else
  return ck_cpu_baseline;
#endif
}

void ck_cpu_hold(int level) {
  ck_cpu_level = level;
  is_held = 1;
}

// Before any thread, and before a library's own first kernel.
__attribute__((constructor)) static void start(void) {
  ck_cpu_level = ck_cpu_best();
  static const char *const names[] = {"baseline", "avx2", "avx512", "avx512_bf16"};
  const char *wanted = getenv("SALAD_CPU");
  for (int level = 0; wanted && level <= ck_cpu_level; level++)
    if (!strcmp(wanted, names[level])) {
      ck_cpu_hold(level);
      return;
    }
}
