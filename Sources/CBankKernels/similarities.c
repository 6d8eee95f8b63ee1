#include <float.h>
#include <math.h>

#include "CBankKernels.h"
#include "vectors.h"

// a * b + c is one fused operation wherever the CPU has it: in every version but that for x86-64 before AVX2.
#pragma STDC FP_CONTRACT ON

#define LANES CK_BANK_LANES

void ck_bank_panel(const float *embeddings, size_t count, size_t dimension, float *panel) {
  for (size_t lane = 0; lane < LANES; lane++) {
    for (size_t d = 0; d < dimension; d++) {
      panel[d * LANES + lane] = lane < count ? embeddings[lane * dimension + d] : 0;
    }
  }
}

/// `height` rows by `vectors` vectors of 16 lanes, both constants.
ALWAYS_INLINE void similarity_tile(
  const float *rows, size_t dimension, const float *panel, float *tile, const int height, const int vectors) {
  lanes16 sums[8][2];
  UNROLLED
  for (int r = 0; r < height; r++) {
    UNROLLED
    for (int v = 0; v < vectors; v++) sums[r][v] = (lanes16){0};
  }
  for (size_t d = 0; d < dimension; d++) {
    UNROLLED
    for (int r = 0; r < height; r++) {
      lanes16 value = rows[r * dimension + d] - (lanes16){0};
      UNROLLED
      for (int v = 0; v < vectors; v++) {
        sums[r][v] = value * LOAD16(panel + d * LANES + 16 * v) + sums[r][v];
      }
    }
  }
  UNROLLED
  for (int r = 0; r < height; r++) {
    UNROLLED
    for (int v = 0; v < vectors; v++) *(lanes16 *)(tile + r * LANES + 16 * v) = sums[r][v];
  }
}

ALWAYS_INLINE void similarities(
  const float *rows, size_t count, size_t dimension, const float *panel, float *tile, const int height,
  const int vectors) {
  size_t r = 0;
  for (; r + height <= count; r += height) {
    for (int lane = 0; lane < LANES; lane += 16 * vectors) {
      similarity_tile(rows + r * dimension, dimension, panel + lane, tile + r * LANES + lane, height, vectors);
    }
  }
  for (; r < count; r++) {
    for (int lane = 0; lane < LANES; lane += 16 * vectors) {
      similarity_tile(rows + r * dimension, dimension, panel + lane, tile + r * LANES + lane, 1, vectors);
    }
  }
}

// A tile of sums stays in registers, whose number depends on the instruction set, and so must the tile's shape.

AVX512 static void similarities_avx512(
  const float *rows, size_t count, size_t dimension, const float *panel, float *tile) {
  similarities(rows, count, dimension, panel, tile, 8, 2);
}

AVX2 static void similarities_avx2(const float *rows, size_t count, size_t dimension, const float *panel, float *tile) {
  similarities(rows, count, dimension, panel, tile, 4, 1);
}

static void similarities_baseline(const float *rows, size_t count, size_t dimension, const float *panel, float *tile) {
  similarities(rows, count, dimension, panel, tile, 1, 1);
}

void ck_bank_similarities(const float *rows, size_t count, size_t dimension, const float *panel, float *tile) {
  DISPATCH(similarities, (rows, count, dimension, panel, tile));
}

ALWAYS_INLINE float sum16(const lanes16 *x) {
  lanes8 a = __builtin_shufflevector(*x, *x, 0, 1, 2, 3, 4, 5, 6, 7) +
    __builtin_shufflevector(*x, *x, 8, 9, 10, 11, 12, 13, 14, 15);
  return ((a[0] + a[4]) + (a[2] + a[6])) + ((a[1] + a[5]) + (a[3] + a[7]));
}

/// `height` rows, a constant, so that no sum waits for another.
ALWAYS_INLINE void row_similarity_tile(
  const float *rows, size_t dimension, const float *embedding, float *values, const int height) {
  lanes16 sums[4];
  UNROLLED
  for (int r = 0; r < height; r++) sums[r] = (lanes16){0};
  size_t d = 0;
  for (; d + 16 <= dimension; d += 16) {
    lanes16 e = LOAD16(embedding + d);
    UNROLLED
    for (int r = 0; r < height; r++) sums[r] = LOAD16(rows + r * dimension + d) * e + sums[r];
  }
  UNROLLED
  for (int r = 0; r < height; r++) values[r] = sum16(&sums[r]);
  if (d + 8 <= dimension) {
    lanes8 e = LOAD8(embedding + d);
    UNROLLED
    for (int r = 0; r < height; r++) {
      lanes8 a = LOAD8(rows + r * dimension + d) * e;
      values[r] += ((a[0] + a[4]) + (a[2] + a[6])) + ((a[1] + a[5]) + (a[3] + a[7]));
    }
    d += 8;
  }
  for (; d < dimension; d++) {
    UNROLLED
    for (int r = 0; r < height; r++) values[r] += rows[r * dimension + d] * embedding[d];
  }
}

ALWAYS_INLINE void bank_row_similarities(
  const float *rows, size_t count, size_t dimension, const float *embedding, float *values) {
  size_t r = 0;
  for (; r + 4 <= count; r += 4) row_similarity_tile(rows + r * dimension, dimension, embedding, values + r, 4);
  for (; r < count; r++) row_similarity_tile(rows + r * dimension, dimension, embedding, values + r, 1);
}

IN_WHOLE_VECTORS(
  void, bank_row_similarities,
  (const float *rows, size_t count, size_t dimension, const float *embedding, float *values),
  (rows, count, dimension, embedding, values))

ALWAYS_INLINE float bank_row_squares(const float *rows, size_t count, size_t dimension, float *squares) {
  float largest = 0;
  const float *behind = rows + count * dimension;
  for (size_t r = 0; r < count; r++) {
    const float *row = rows + r * dimension;
    lanes16 sums[2] = {{0}, {0}};
    size_t d = 0;
    for (; d + 32 <= dimension; d += 32) {
      __builtin_prefetch(behind + r * dimension + d, 0, 2);
      __builtin_prefetch(behind + r * dimension + d + 16, 0, 2);
      lanes16 a = LOAD16(row + d), b = LOAD16(row + d + 16);
      sums[0] = a * a + sums[0];
      sums[1] = b * b + sums[1];
    }
    __builtin_prefetch(behind + r * dimension + d, 0, 2);
    sums[0] += sums[1];
    float sum = sum16(&sums[0]);
    for (; d < dimension; d++) sum += row[d] * row[d];
    if (!(sum <= FLT_MAX)) return INFINITY;
    squares[r] = sum;
    largest = sum > largest ? sum : largest;
  }
  return largest;
}

IN_WHOLE_VECTORS(
  float, bank_row_squares, (const float *rows, size_t count, size_t dimension, float *squares),
  (rows, count, dimension, squares))

void ck_bank_subtract_half_squares(float *tile, size_t rows, size_t lanes, const float *squares) {
  for (size_t r = 0; r < rows; r++) {
    float half = 0.5f * squares[r];
    for (size_t l = 0; l < lanes; l++) tile[r * lanes + l] -= half;
  }
}
