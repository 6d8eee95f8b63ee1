#pragma once
#include <stdint.h>

#include "bfloat16.h"
#include "vectors.h"

// A block of one pixel, in each layout of activations: what it is computed with as (vector; wide, in double; mask), what lies
// in memory (stored), and the way between the two (load, store). The names end in the layout's.

typedef float vector_16 __attribute__((vector_size(64), aligned(4)));
typedef double wide_16 __attribute__((vector_size(128), aligned(8)));
typedef int mask_16 __attribute__((vector_size(64), aligned(4)));
typedef vector_16 stored_16;
#define load_16(x) (x)
#define store_16(x) (x)

typedef float vector_8 __attribute__((vector_size(32), aligned(4)));
typedef double wide_8 __attribute__((vector_size(64), aligned(8)));
typedef int mask_8 __attribute__((vector_size(32), aligned(4)));
typedef vector_8 stored_8;
#define load_8(x) (x)
#define store_8(x) (x)

typedef vector_16 vector_16_bfloat16;
typedef wide_16 wide_16_bfloat16;
typedef mask_16 mask_16_bfloat16;
typedef unsigned words_16 __attribute__((vector_size(64), aligned(4)));
typedef unsigned short stored_16_bfloat16 __attribute__((vector_size(32), aligned(2), may_alias));
#define load_16_bfloat16(x) FLOATS_OF_BFLOAT16(x, words_16, vector_16)
#define store_16_bfloat16(x) BFLOAT16_OF(x, words_16, stored_16_bfloat16)

/// Calls the version for a layout of activations.
#define FOR_LAYOUT(function, ...)         \
  if (layout == ck_blocks_of_16_bfloat16) \
    function##_16_bfloat16(__VA_ARGS__);  \
  else if (layout == ck_blocks_of_16)     \
    function##_16(__VA_ARGS__);           \
  else                                    \
    function##_8(__VA_ARGS__)

/// Sums `count` lanes pairwise, in place: the far half onto the near one until one is left.
ALWAYS_INLINE float pairwise_sum(float *lanes, const int count) {
  for (int half = count / 2; half > 0; half /= 2)
    for (int c = 0; c < half; c++) lanes[c] += lanes[c + half];
  return lanes[0];
}
