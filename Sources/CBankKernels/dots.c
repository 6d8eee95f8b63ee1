#include "CBankKernels.h"
#include "vectors.h"

// a * b + c is one fused operation wherever the CPU has it: in every version but that for x86-64 before AVX2.
#pragma STDC FP_CONTRACT ON

typedef double wide8 __attribute__((vector_size(64), aligned(8), may_alias));

ALWAYS_INLINE void dot_tile(
  const float *embedding, const float *const rows[4], size_t dimension, double *dots, const int height) {
  wide8 sums[4];
  UNROLLED
  for (int i = 0; i < height; i++) sums[i] = (wide8){0};
  size_t d = 0;
  for (; d + 8 <= dimension; d += 8) {
    wide8 e = __builtin_convertvector(LOAD8(embedding + d), wide8);
    // A product of two floats is exact in double, so that fusing it with the sum changes no bit.
    UNROLLED
    for (int i = 0; i < height; i++) {
      sums[i] = __builtin_convertvector(LOAD8(rows[i] + d), wide8) * e + sums[i];
    }
  }
  UNROLLED
  for (int i = 0; i < height; i++) {
    for (size_t l = 0; d + l < dimension; l++) sums[i][l] += (double)rows[i][d + l] * (double)embedding[d + l];
    wide8 s = sums[i];
    dots[i] = ((s[0] + s[4]) + (s[2] + s[6])) + ((s[1] + s[5]) + (s[3] + s[7]));
  }
}

ALWAYS_INLINE void bank_dots(
  const float *embedding, const float *rows, const int32_t *numbers, size_t count, size_t dimension, double *dots) {
  size_t i = 0;
  for (; i + 4 <= count; i += 4) {
    const float *four[4];
    UNROLLED
    for (int j = 0; j < 4; j++) four[j] = rows + (size_t)numbers[i + j] * dimension;
    dot_tile(embedding, four, dimension, dots + i, 4);
  }
  for (; i < count; i++) {
    const float *one[4] = {rows + (size_t)numbers[i] * dimension, 0, 0, 0};
    dot_tile(embedding, one, dimension, dots + i, 1);
  }
}

IN_WHOLE_VECTORS(
  void, bank_dots,
  (const float *embedding, const float *rows, const int32_t *numbers, size_t count, size_t dimension, double *dots),
  (embedding, rows, numbers, count, dimension, dots))

ALWAYS_INLINE void square_tile(const float *const rows[4], size_t dimension, double *squares, const int height) {
  wide8 sums[4];
  UNROLLED
  for (int i = 0; i < height; i++) sums[i] = (wide8){0};
  size_t d = 0;
  for (; d + 8 <= dimension; d += 8) {
    UNROLLED
    for (int i = 0; i < height; i++) {
      wide8 x = __builtin_convertvector(LOAD8(rows[i] + d), wide8);
      sums[i] = x * x + sums[i];
    }
  }
  UNROLLED
  for (int i = 0; i < height; i++) {
    for (size_t l = 0; d + l < dimension; l++) sums[i][l] += (double)rows[i][d + l] * (double)rows[i][d + l];
    wide8 s = sums[i];
    squares[i] = ((s[0] + s[4]) + (s[2] + s[6])) + ((s[1] + s[5]) + (s[3] + s[7]));
  }
}

ALWAYS_INLINE void bank_squares(
  const float *rows, const int32_t *numbers, size_t count, size_t dimension, double *squares) {
  size_t i = 0;
  for (; i + 4 <= count; i += 4) {
    const float *four[4];
    UNROLLED
    for (int j = 0; j < 4; j++) four[j] = rows + (size_t)numbers[i + j] * dimension;
    square_tile(four, dimension, squares + i, 4);
  }
  for (; i < count; i++) {
    const float *one[4] = {rows + (size_t)numbers[i] * dimension, 0, 0, 0};
    square_tile(one, dimension, squares + i, 1);
  }
}

IN_WHOLE_VECTORS(
  void, bank_squares, (const float *rows, const int32_t *numbers, size_t count, size_t dimension, double *squares),
  (rows, numbers, count, dimension, squares))
