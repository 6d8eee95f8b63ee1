#include <float.h>
#include <math.h>
#include <string.h>

#include "CBankKernels.h"
#include "vectors.h"

#pragma STDC FP_CONTRACT OFF

// c = bytes, s = scale, x = vector - centre, e = x - s c, u = 2^-24

/// Shorter vectors have a code of zeros: the inverse of their scale would overflow.
static const float SHORTEST = 0x1p-100f;
/// Squares of tiny elements may have vanished: of at most 2^16 elements, less than this in a length.
static const float VANISHED = 0x1p-60f;
/// 1.5 * 2^23: a float t + ROUNDER - ROUNDER, |t| < 2^22, is t rounded to an integer.
static const float ROUNDER = 0x1.8p23f;

/// A chain of D products, and as much again for what is done with it.
static inline float rounding(size_t dimension) { return 2 * (float)(dimension + 8) * 0x1p-24f; }

typedef uint8_t bytes16 __attribute__((vector_size(16)));
typedef int32_t ints16 __attribute__((vector_size(64)));

ALWAYS_INLINE ck_bank_small_trait
bank_small_vector(const float *vector, const float *centre, size_t dimension, size_t stride, uint8_t *bytes) {
  lanes16 largest = {0}, squares = {0};
  size_t d = 0;
  for (; d + 16 <= dimension; d += 16) {
    lanes16 x = LOAD16(vector + d) - LOAD16(centre + d);
    largest = __builtin_elementwise_max(largest, __builtin_elementwise_abs(x));
    squares += x * x;
  }
  float most = 0, square = 0;
  for (int l = 0; l < 16; l++) {
    most = largest[l] > most ? largest[l] : most;
    square += squares[l];
  }
  for (; d < dimension; d++) {
    float x = vector[d] - centre[d];
    most = fabsf(x) > most ? fabsf(x) : most;
    square += x * x;
  }

  if (!(square <= FLT_MAX)) return (ck_bank_small_trait){.length = INFINITY};

  const int is_short = most < SHORTEST;
  const float scale = is_short ? 0 : most / 127, inverse = is_short ? 0 : 127 / most;
  lanes16 errors = {0};
  for (d = 0; d + 16 <= dimension; d += 16) {
    lanes16 x = LOAD16(vector + d) - LOAD16(centre + d);
    lanes16 code = (x * inverse + ROUNDER) - ROUNDER;
    lanes16 error = x - code * scale;
    errors += error * error;
    bytes16 biased = __builtin_convertvector(__builtin_convertvector(code + 128, ints16), bytes16);
    memcpy(bytes + d, &biased, sizeof biased);
  }
  float error_square = 0;
  for (int l = 0; l < 16; l++) error_square += errors[l];
  for (; d < dimension; d++) {
    float x = vector[d] - centre[d];
    float code = (x * inverse + ROUNDER) - ROUNDER;
    float error = x - code * scale;
    error_square += error * error;
    bytes[d] = (uint8_t)(int)(code + 128);
  }
  for (; d < stride; d++) bytes[d] = 128;

  // Sums are off by less than D u of themselves; x and s c are rounded, by 3 u |x| together; the rest is room.
  const float off = rounding(dimension);
  const float length = sqrtf(square) * (1 + off) + VANISHED;
  const float residual = sqrtf(error_square) * (1 + off) + 0x1p-20f * length + VANISHED;
  return (ck_bank_small_trait){
    .scale = scale,
    .length = length,
    .residual = residual,
    .half_square = 0.5f * square * (1 - off),
  };
}

IN_WHOLE_VECTORS(
  ck_bank_small_trait, bank_small_vector,
  (const float *vector, const float *centre, size_t dimension, size_t stride, uint8_t *bytes),
  (vector, centre, dimension, stride, bytes))

float ck_bank_small_strip(
  const float *rows, size_t count, const float *centre, size_t dimension, size_t stride, uint8_t *bytes,
  ck_bank_small_traits *traits) {
  memset(traits, 0, sizeof *traits);
  float longest = 0;
  for (size_t r = 0; r < count; r++) {
    ck_bank_small_trait trait =
      ck_bank_small_vector(rows + r * dimension, centre, dimension, stride, bytes + r * stride);
    if (trait.length == INFINITY) return INFINITY;
    longest = trait.length > longest ? trait.length : longest;
    traits->scales[r] = trait.scale;
    traits->residuals[r] = trait.residual;
    // |s c| <= |x| + |e|.
    traits->lengths[r] = (trait.length + trait.residual) * (1 + 0x1p-22f);
    traits->half_squares[r] = trait.half_square;
  }
  return longest;
}
