#include <math.h>
#include <string.h>

#include "CKernels.h"
#include "dispatch.h"

#pragma STDC FP_CONTRACT OFF

// MARK: The exponential

// 1.5 * 2^52. The double t + MAGIC, for |t| < 2^51, holds t rounded to an integer, ties to even, in its lowest bits.
// It works on every x86-64, where the instructions that convert a vector to int64 need AVX-512.
static const double MAGIC = 0x1.8p52;

static inline int64_t bits_of(double value) {
  int64_t bits;
  memcpy(&bits, &value, sizeof bits);
  return bits;
}

static inline double double_of(int64_t bits) {
  double value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

/// exp(x) for x in -700 ... 700, to 2 units in the last place. Ours, since libm's has no vector form with fixed bits.
///
/// x = n log 2 + r with |r| <= log(2) / 2, so that exp(x) = 2^n exp(r). log 2 is split in two, the upper part with so
/// few bits that n times it is exact. Taylor's series ends at r^13 / 13!, which leaves 4e-18.
static inline double exponential(double x) {
  double shifted = x * 0x1.71547652b82fep+0 + MAGIC;
  double n = shifted - MAGIC;
  double r = (x - n * 0x1.62e42feep-1) - n * 0x1.a39ef35793c76p-33;
  double p = 1.0 / 6227020800.0;
  p = p * r + 1.0 / 479001600.0;
  p = p * r + 1.0 / 39916800.0;
  p = p * r + 1.0 / 3628800.0;
  p = p * r + 1.0 / 362880.0;
  p = p * r + 1.0 / 40320.0;
  p = p * r + 1.0 / 5040.0;
  p = p * r + 1.0 / 720.0;
  p = p * r + 1.0 / 120.0;
  p = p * r + 1.0 / 24.0;
  p = p * r + 1.0 / 6.0;
  p = p * r + 0.5;
  p = p * r + 1.0;
  p = p * r + 1.0;
  int64_t exponent = bits_of(shifted) - bits_of(MAGIC) + 1023;
  return p * double_of((int64_t)((uint64_t)exponent << 52));
}

/// x of the header: how far below the maximum a similarity lies, in temperatures.
static inline double below_maximum(float similarity, float maximum, double scale) {
  double x = ((double)similarity - (double)maximum) * scale;
  return x < -700.0 ? -700.0 : x;
}

/// The nearest multiple of 2^-40, ties to even, for values in 0 ... 2^10. Unsigned, so that what a similarity that is
/// not a number leaves here may wrap: ck_bank_maximum counts it.
static inline uint64_t fixed_point(double value) {
  return (uint64_t)bits_of(value * 0x1p40 + MAGIC) - (uint64_t)bits_of(MAGIC);
}

// MARK: Softmax

CKERNELS_DISPATCH int64_t ck_bank_maximum(const float *values, size_t count, float *maximum) {
  float lanes[16];
  for (int l = 0; l < 16; l++) lanes[l] = -INFINITY;
  int64_t faults = 0;
  size_t i = 0;
  for (; i + 16 <= count; i += 16) {
    int32_t finite = 0;
    for (int l = 0; l < 16; l++) {
      float value = values[i + l];
      int isFinite = fabsf(value) <= 0x1.fffffep127f;
      finite += isFinite;
      lanes[l] = isFinite && value > lanes[l] ? value : lanes[l];
    }
    faults += 16 - finite;
  }
  float largest = -INFINITY;
  for (int l = 0; l < 16; l++) largest = lanes[l] > largest ? lanes[l] : largest;
  for (; i < count; i++) {
    int isFinite = fabsf(values[i]) <= 0x1.fffffep127f;
    faults += !isFinite;
    largest = isFinite && values[i] > largest ? values[i] : largest;
  }
  // Which of 0 and -0 came first depends on the layout: + 0 makes both 0.
  *maximum = largest + 0.0f;
  return faults;
}

CKERNELS_DISPATCH int64_t ck_bank_exponential_sum(
  const float *similarities, size_t count, float maximum, double scale) {
  uint64_t sum = 0;
  for (size_t i = 0; i < count; i++) {
    sum += fixed_point(exponential(below_maximum(similarities[i], maximum, scale)));
  }
  return (int64_t)sum;
}

CKERNELS_DISPATCH void ck_bank_entropy_sums(
  const float *similarities, size_t count, float maximum, double scale, int64_t sums[2]) {
  uint64_t sum = 0;
  uint64_t weighted = 0;
  for (size_t i = 0; i < count; i++) {
    double x = below_maximum(similarities[i], maximum, scale);
    double e = exponential(x);
    sum += fixed_point(e);
    weighted += fixed_point(-x * e);
  }
  sums[0] = (int64_t)sum;
  sums[1] = (int64_t)weighted;
}

CKERNELS_DISPATCH void ck_bank_probabilities(
  float *values, size_t count, float maximum, double scale, double inverse_sum) {
  for (size_t i = 0; i < count; i++) {
    values[i] = (float)(exponential(below_maximum(values[i], maximum, scale)) * inverse_sum);
  }
}

// MARK: Dot products in double

CKERNELS_DISPATCH int64_t ck_bank_widen(
  const float *restrict values, size_t rows, size_t dimension, size_t padded, double *restrict widened) {
  int64_t faults = 0;
  for (size_t r = 0; r < rows; r++) {
    for (size_t d = 0; d < dimension; d++) {
      float value = values[r * dimension + d];
      faults += !(fabsf(value) <= 0x1.fffffep127f);
      widened[r * padded + d] = value;
    }
    for (size_t d = dimension; d < padded; d++) widened[r * padded + d] = 0;
  }
  return faults;
}

typedef double lanes8 __attribute__((vector_size(64), aligned(8), may_alias));

// The product of two widened floats is exact in double, so that a fused multiply-add rounds as a product and a sum do:
// here contraction changes no bit, and halves the work.
CKERNELS_DISPATCH void ck_bank_dots(
  const double *query_values, size_t queries, const double *row_values, size_t rows, size_t padded, double *dots) {
#pragma STDC FP_CONTRACT ON
  // 4 queries by 2 rows share their loads: 8 sums of 8 lanes stay in registers.
  for (size_t q = 0; q < queries; q += 4) {
    for (size_t r = 0; r < rows; r += 2) {
      const double *query = query_values + q * padded;
      const double *row = row_values + r * padded;
      lanes8 sum[4][2] = {0};
      for (size_t d = 0; d < padded; d += 8) {
        lanes8 a0 = *(const lanes8 *)(row + d);
        lanes8 a1 = *(const lanes8 *)(row + padded + d);
        for (int i = 0; i < 4; i++) {
          lanes8 b = *(const lanes8 *)(query + i * padded + d);
          sum[i][0] = sum[i][0] + a0 * b;
          sum[i][1] = sum[i][1] + a1 * b;
        }
      }
      for (int i = 0; i < 4; i++) {
        for (int j = 0; j < 2; j++) {
          lanes8 l = sum[i][j];
          dots[(q + i) * rows + r + j] =
            ((l[0] + l[4]) + (l[2] + l[6])) + ((l[1] + l[5]) + (l[3] + l[7]));
        }
      }
    }
  }
}
