#include <math.h>
#include <string.h>

#include "CBankKernels.h"
#include "fixed_point.h"
#include "vectors.h"

// a * b + c is one fused operation wherever the CPU has it: in every version but that for x86-64 before AVX2. Sums that
// must not depend on it are of integers.
#pragma STDC FP_CONTRACT ON

#define LANES CK_BANK_LANES

// MARK: The exponential

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

/// exp(x) for x in -700 ... 700, to 2^-46 of its value: fixed point and float want no more. Ours, since libm's has no
/// vector form with fixed bits.
///
/// x = n log 2 + r with |r| <= log(2) / 2, so that exp(x) = 2^n exp(r). Taylor's series ends at r^11 / 11!, which leaves
/// 2^-47.
static inline double exponential(double x) {
  double shifted = x * 0x1.71547652b82fep+0 + MAGIC;
  double r = (shifted - MAGIC) * -0x1.62e42fefa39efp-1 + x;
  double p = 1.0 / 39916800.0;
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

/// The nearest multiple of 2^-40, ties to even, for values in -2^10 ... 2^10, and the bits of MAGIC, which the caller
/// takes away from the sum. Unsigned, so that what a similarity that is not a number leaves here may wrap:
/// ck_bank_maxima counts it.
static inline uint64_t shifted_fixed_point(double value) { return (uint64_t)bits_of(value * 0x1p40 + MAGIC); }

// MARK: Softmax

DISPATCHED(
  int64_t, ck_bank_maxima, (const float *tile, size_t rows, size_t lanes, float *maxima), (tile, rows, lanes, maxima)) {
  int32_t finite[LANES] = {0};
  for (size_t r = 0; r < rows; r++) {
    for (int l = 0; l < LANES; l++) {
      float value = tile[r * LANES + l];
      int isFinite = fabsf(value) <= 0x1.fffffep127f;
      finite[l] += isFinite;
      maxima[l] = isFinite && value > maxima[l] ? value : maxima[l];
    }
  }
  int64_t faults = 0;
  for (size_t l = 0; l < lanes; l++) faults += (int64_t)rows - finite[l];
  // Which of 0 and -0 came first depends on the layout: + 0 makes both 0.
  for (int l = 0; l < LANES; l++) maxima[l] += 0.0f;
  return faults;
}

DISPATCHED(
  void, ck_bank_exponential_sums,
  (const float *restrict tile, size_t rows, const float *restrict maxima, double scale, int64_t *restrict sums),
  (tile, rows, maxima, scale, sums)) {
  uint64_t sum[LANES] = {0};
  for (size_t r = 0; r < rows; r++) {
    for (int l = 0; l < LANES; l++) {
      sum[l] += shifted_fixed_point(exponential(below_maximum(tile[r * LANES + l], maxima[l], scale)));
    }
  }
  uint64_t magic = rows * (uint64_t)bits_of(MAGIC);
  for (int l = 0; l < LANES; l++) sums[l] = (int64_t)((uint64_t)sums[l] + sum[l] - magic);
}

DISPATCHED(
  void, ck_bank_entropy_sums,
  (const float *restrict tile, size_t rows, const float *restrict maxima, double scale, int64_t *restrict sums,
   int64_t *restrict weighted),
  (tile, rows, maxima, scale, sums, weighted)) {
  uint64_t sum[LANES] = {0};
  uint64_t product[LANES] = {0};
  for (size_t r = 0; r < rows; r++) {
    for (int l = 0; l < LANES; l++) {
      double x = below_maximum(tile[r * LANES + l], maxima[l], scale);
      double e = exponential(x);
      sum[l] += shifted_fixed_point(e);
      product[l] += shifted_fixed_point(-x * e);
    }
  }
  uint64_t magic = rows * (uint64_t)bits_of(MAGIC);
  for (int l = 0; l < LANES; l++) {
    sums[l] = (int64_t)((uint64_t)sums[l] + sum[l] - magic);
    weighted[l] = (int64_t)((uint64_t)weighted[l] + product[l] - magic);
  }
}

DISPATCHED(
  void, ck_bank_pair_sums,
  (const float *restrict tile, size_t rows, double scale, int64_t *restrict lane_sums, int64_t *restrict lane_weighted,
   int64_t *restrict row_sums, int64_t *restrict row_weighted),
  (tile, rows, scale, lane_sums, lane_weighted, row_sums, row_weighted)) {
  uint64_t lane_sum[LANES] = {0};
  uint64_t lane_product[LANES] = {0};
  uint64_t magic = (uint64_t)bits_of(MAGIC);
  for (size_t r = 0; r < rows; r++) {
    uint64_t row_sum = 0;
    uint64_t row_product = 0;
    for (int l = 0; l < LANES; l++) {
      double x = below_maximum(tile[r * LANES + l], 1.0f, scale);
      double e = exponential(x);
      uint64_t term = shifted_fixed_point(e);
      uint64_t product = shifted_fixed_point(-x * e);
      lane_sum[l] += term;
      lane_product[l] += product;
      row_sum += term;
      row_product += product;
    }
    row_sums[r] = (int64_t)((uint64_t)row_sums[r] + row_sum - LANES * magic);
    row_weighted[r] = (int64_t)((uint64_t)row_weighted[r] + row_product - LANES * magic);
  }
  for (int l = 0; l < LANES; l++) {
    lane_sums[l] = (int64_t)((uint64_t)lane_sums[l] + lane_sum[l] - rows * magic);
    lane_weighted[l] = (int64_t)((uint64_t)lane_weighted[l] + lane_product[l] - rows * magic);
  }
}

DISPATCHED(
  void, ck_bank_probabilities,
  (float *restrict tile, size_t rows, const float *restrict maxima, double scale, const double *restrict inverse_sums),
  (tile, rows, maxima, scale, inverse_sums)) {
  for (size_t r = 0; r < rows; r++) {
    for (int l = 0; l < LANES; l++) {
      float *value = tile + r * LANES + l;
      *value = (float)(exponential(below_maximum(*value, maxima[l], scale)) * inverse_sums[l]);
    }
  }
}
