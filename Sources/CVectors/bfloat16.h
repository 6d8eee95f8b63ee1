#pragma once
#include <stdint.h>
#include <string.h>

#include "vectors.h"

// bfloat16 is the upper half of a float. A float is rounded to the nearest, ties to even; infinity stays, and NaN stays one.

/// The upper halves of floats' bits, `bits`, a word or a vector of words, unless they are those of NaN. What makes the lower
/// half carry into the upper one: more than half a unit always, just half only where the upper one is odd.
#define BFLOAT16_ROUNDED(bits) (((bits) + 0x7fff + ((bits) >> 16 & 1)) >> 16)
/// The same of NaN: 0x40 makes it quiet, and keeps it from becoming infinity.
#define BFLOAT16_NAN(bits) ((bits) >> 16 | 0x40)
#define IS_NAN(bits) (((bits)&0x7fffffff) > 0x7f800000)

ALWAYS_INLINE uint32_t bits_of_float(float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  return bits;
}

ALWAYS_INLINE uint16_t bfloat16_of(float value) {
  uint32_t bits = bits_of_float(value);
  if (IS_NAN(bits)) return (uint16_t)BFLOAT16_NAN(bits);
  return (uint16_t)BFLOAT16_ROUNDED(bits);
}

/// The same of what is not NaN.
ALWAYS_INLINE uint16_t bfloat16_of_number(float value) {
  uint32_t bits = bits_of_float(value);
  return (uint16_t)BFLOAT16_ROUNDED(bits);
}

ALWAYS_INLINE float float_of_bfloat16(uint16_t half) {
  uint32_t bits = (uint32_t)half << 16;
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

/// The same of vectors `x`: `floats` and `words`, unsigned, of 4 bytes a lane, `halves`, unsigned, of 2.
#define BFLOAT16_OF(x, words, halves)                                      \
  ({                                                                       \
    words bits = (words)(x), rounded = BFLOAT16_ROUNDED(bits);             \
    words is_nan = (words)IS_NAN(bits), nan = BFLOAT16_NAN(bits);          \
    __builtin_convertvector((rounded & ~is_nan) | (nan & is_nan), halves); \
  })
#define FLOATS_OF_BFLOAT16(x, words, floats) ((floats)(__builtin_convertvector((x), words) << 16))
