#pragma once
#include <stdint.h>

#include "CVectors.h"

// What the kernels of all owners share: inlining, unrolling, and run-time dispatch, by which each call goes to the version
// of a kernel that suits ck_cpu_level, so that one binary runs on every node.
//
// A kernel's versions must give the same bits. So its file says `#pragma STDC FP_CONTRACT OFF`, or ON where every sum that
// may be fused must be; and it adds floating-point numbers in an order that does not depend on the width of a vector.
//
// Vectors are never arguments or results: how a function takes them depends on the instruction set.

/// What ck_cpu_in_use tells: a variable, since every call of a kernel asks.
extern int ck_cpu_level;

/// For functions that have no versions of their own: they become part of each version of their callers.
#define ALWAYS_INLINE static inline __attribute__((always_inline))
/// Before a loop whose number of rounds is a constant.
#define UNROLLED _Pragma("clang loop unroll(full)")

#if defined(__x86_64__)
// How wide its vectors are is left to the compiler, which cuts those of 64 bytes in two, for the sake of CPUs that slow down.
#define AVX512_ANY_WIDTH __attribute__((target("arch=x86-64-v4")))
#define AVX512 AVX512_ANY_WIDTH __attribute__((min_vector_width(512)))
#define AVX2 __attribute__((target("arch=x86-64-v3")))
#else
#define AVX512_ANY_WIDTH
#define AVX512
#define AVX2
#endif

#if defined(__x86_64__)
/// Returns what the version for the CPU's level does: `name`_avx512, `name`_avx2 or `name`_baseline.
#define DISPATCH(name, arguments)                                    \
  if (ck_cpu_level >= ck_cpu_avx512) return name##_avx512 arguments; \
  if (ck_cpu_level >= ck_cpu_avx2) return name##_avx2 arguments;     \
  return name##_baseline arguments
#else
#define DISPATCH(name, arguments) return name##_baseline arguments
#endif

/// Before the body of the function `name`, which is compiled once for each level. `parameters` and `arguments` stand in
/// parentheses:
///
///     DISPATCHED(float, ck_sum, (const float *x, int count), (x, count)) { ... }
#define DISPATCHED(result, name, parameters, arguments)                                     \
  ALWAYS_INLINE result name##_body parameters;                                              \
  AVX512_ANY_WIDTH static result name##_avx512 parameters { return name##_body arguments; } \
  AVX2 static result name##_avx2 parameters { return name##_body arguments; }               \
  static result name##_baseline parameters { return name##_body arguments; }                \
  result name parameters { DISPATCH(name, arguments); }                                     \
  ALWAYS_INLINE result name##_body parameters

/// Defines ck_`name`, whose versions are `name`, an ALWAYS_INLINE function, in whole vectors of each instruction set.
/// `parameters` and `arguments` stand in parentheses.
#define IN_WHOLE_VECTORS(result, name, parameters, arguments)              \
  AVX512 static result name##_avx512 parameters { return name arguments; } \
  AVX2 static result name##_avx2 parameters { return name arguments; }     \
  static result name##_baseline parameters { return name arguments; }      \
  result ck_##name parameters { DISPATCH(name, arguments); }

// In memory they lie as floats do, anywhere.
typedef float lanes16 __attribute__((vector_size(64), aligned(4), may_alias));
typedef float lanes8 __attribute__((vector_size(32), aligned(4), may_alias));

#define LOAD16(pointer) (*(const lanes16 *)(pointer))
#define LOAD8(pointer) (*(const lanes8 *)(pointer))
