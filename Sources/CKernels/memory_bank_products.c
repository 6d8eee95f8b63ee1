#include <float.h>
#include <math.h>
#include <string.h>

#include "CKernels.h"
#include "dispatch.h"

// a * b + c is one fused operation wherever the CPU has it: in every version but that for x86-64 before AVX2.
#pragma STDC FP_CONTRACT ON

// The memory bank's products. A tile of sums stays in registers, whose number depends on the instruction set, and so must
// the tile's shape: hence a version for each here instead of clones of one.

#define LANES CK_BANK_LANES
#define ALWAYS_INLINE static inline __attribute__((always_inline))
#define UNROLLED _Pragma("clang loop unroll(full)")

#if defined(__x86_64__) && defined(__linux__)
// Without the second attribute the compiler cuts vectors of 64 bytes in two, for the sake of CPUs that slow down.
#define AVX512 __attribute__((target("arch=x86-64-v4"), min_vector_width(512)))
#define AVX2 __attribute__((target("arch=x86-64-v3")))
#define DISPATCH(name, ...)                                                   \
  if (__builtin_cpu_supports("x86-64-v4")) return name##_avx512(__VA_ARGS__); \
  if (__builtin_cpu_supports("x86-64-v3")) return name##_avx2(__VA_ARGS__);   \
  return name##_baseline(__VA_ARGS__);
#else
#define AVX512
#define AVX2
#define DISPATCH(name, ...) return name##_baseline(__VA_ARGS__);
#endif

typedef float lanes16 __attribute__((vector_size(64), aligned(4), may_alias));
typedef float lanes8 __attribute__((vector_size(32), aligned(4), may_alias));
typedef double wide8 __attribute__((vector_size(64), aligned(8), may_alias));
typedef int32_t integers16 __attribute__((vector_size(64), aligned(4), may_alias));
typedef int64_t integers8 __attribute__((vector_size(64), aligned(8), may_alias));

#define LOAD16(pointer) (*(const lanes16 *)(pointer))
#define LOAD8(pointer) (*(const lanes8 *)(pointer))

// MARK: Similarities

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
  UNROLLED for (int r = 0; r < height; r++) {
    UNROLLED for (int v = 0; v < vectors; v++) sums[r][v] = (lanes16){0};
  }
  for (size_t d = 0; d < dimension; d++) {
    UNROLLED for (int r = 0; r < height; r++) {
      lanes16 value = rows[r * dimension + d] - (lanes16){0};
      UNROLLED for (int v = 0; v < vectors; v++) {
        sums[r][v] = value * LOAD16(panel + d * LANES + 16 * v) + sums[r][v];
      }
    }
  }
  UNROLLED for (int r = 0; r < height; r++) {
    UNROLLED for (int v = 0; v < vectors; v++) *(lanes16 *)(tile + r * LANES + 16 * v) = sums[r][v];
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

#define SIMILARITIES const float *rows, size_t count, size_t dimension, const float *panel, float *tile
AVX512 static void similarities_avx512(SIMILARITIES) { similarities(rows, count, dimension, panel, tile, 8, 2); }
AVX2 static void similarities_avx2(SIMILARITIES) { similarities(rows, count, dimension, panel, tile, 4, 1); }
static void similarities_baseline(SIMILARITIES) { similarities(rows, count, dimension, panel, tile, 1, 1); }
void ck_bank_similarities(SIMILARITIES) { DISPATCH(similarities, rows, count, dimension, panel, tile) }

ALWAYS_INLINE float sum16(const lanes16 *x) {
  lanes8 a = __builtin_shufflevector(*x, *x, 0, 1, 2, 3, 4, 5, 6, 7) +
             __builtin_shufflevector(*x, *x, 8, 9, 10, 11, 12, 13, 14, 15);
  return ((a[0] + a[4]) + (a[2] + a[6])) + ((a[1] + a[5]) + (a[3] + a[7]));
}

/// `height` rows, a constant, so that no sum waits for another.
ALWAYS_INLINE void row_similarity_tile(
  const float *rows, size_t dimension, const float *embedding, float *values, const int height) {
  lanes16 sums[4];
  UNROLLED for (int r = 0; r < height; r++) sums[r] = (lanes16){0};
  size_t d = 0;
  for (; d + 16 <= dimension; d += 16) {
    lanes16 e = LOAD16(embedding + d);
    UNROLLED for (int r = 0; r < height; r++) sums[r] = LOAD16(rows + r * dimension + d) * e + sums[r];
  }
  UNROLLED for (int r = 0; r < height; r++) values[r] = sum16(&sums[r]);
  if (d + 8 <= dimension) {
    lanes8 e = LOAD8(embedding + d);
    UNROLLED for (int r = 0; r < height; r++) {
      lanes8 a = LOAD8(rows + r * dimension + d) * e;
      values[r] += ((a[0] + a[4]) + (a[2] + a[6])) + ((a[1] + a[5]) + (a[3] + a[7]));
    }
    d += 8;
  }
  for (; d < dimension; d++) {
    UNROLLED for (int r = 0; r < height; r++) values[r] += rows[r * dimension + d] * embedding[d];
  }
}

ALWAYS_INLINE void row_similarities(
  const float *rows, size_t count, size_t dimension, const float *embedding, float *values) {
  size_t r = 0;
  for (; r + 4 <= count; r += 4) row_similarity_tile(rows + r * dimension, dimension, embedding, values + r, 4);
  for (; r < count; r++) row_similarity_tile(rows + r * dimension, dimension, embedding, values + r, 1);
}

#define ROW_SIMILARITIES const float *rows, size_t count, size_t dimension, const float *embedding, float *values
AVX512 static void row_similarities_avx512(ROW_SIMILARITIES) { row_similarities(rows, count, dimension, embedding, values); }
AVX2 static void row_similarities_avx2(ROW_SIMILARITIES) { row_similarities(rows, count, dimension, embedding, values); }
static void row_similarities_baseline(ROW_SIMILARITIES) { row_similarities(rows, count, dimension, embedding, values); }
void ck_bank_row_similarities(ROW_SIMILARITIES) { DISPATCH(row_similarities, rows, count, dimension, embedding, values) }

ALWAYS_INLINE float row_squares(const float *rows, size_t count, size_t dimension, float *squares) {
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

#define ROW_SQUARES const float *rows, size_t count, size_t dimension, float *squares
AVX512 static float row_squares_avx512(ROW_SQUARES) { return row_squares(rows, count, dimension, squares); }
AVX2 static float row_squares_avx2(ROW_SQUARES) { return row_squares(rows, count, dimension, squares); }
static float row_squares_baseline(ROW_SQUARES) { return row_squares(rows, count, dimension, squares); }
float ck_bank_row_squares(ROW_SQUARES) { DISPATCH(row_squares, rows, count, dimension, squares) }

void ck_bank_subtract_half_squares(float *tile, size_t rows, size_t lanes, const float *squares) {
  for (size_t r = 0; r < rows; r++) {
    float half = 0.5f * squares[r];
    for (size_t l = 0; l < lanes; l++) tile[r * lanes + l] -= half;
  }
}

// MARK: Weighted rows

// 1.5 * 2^52, as in memory_bank.c: |value| * 2^43 is below 2^51.
static const double MAGIC = 0x1.8p52;

ALWAYS_INLINE int64_t weighted_sums(
  const float *coefficients, const float *rows, size_t padded, float limit, int64_t *sums) {
  const integers8 magic = (integers8)(MAGIC - (wide8){0});
  integers16 outside = {0};
  for (size_t d = 0; d < padded; d += 16) {
    for (size_t lane = 0; lane < LANES; lane += 8) {
      lanes16 products[8];
      UNROLLED for (int i = 0; i < 8; i++) products[i] = (lanes16){0};
      for (int r = 0; r < 16; r++) {
        lanes16 row = LOAD16(rows + r * padded + d);
        UNROLLED for (int i = 0; i < 8; i++) {
          lanes16 coefficient = coefficients[r * LANES + lane + i] - (lanes16){0};
          products[i] = coefficient * row + products[i];
        }
      }
      UNROLLED for (int i = 0; i < 8; i++) {
        integers16 isInside = __builtin_elementwise_abs(products[i]) <= limit;  // false for not a number
        outside -= ~isInside;
        lanes16 inside = (lanes16)((integers16)products[i] & isInside);
        lanes8 halves[2] = {
          __builtin_shufflevector(inside, inside, 0, 1, 2, 3, 4, 5, 6, 7),
          __builtin_shufflevector(inside, inside, 8, 9, 10, 11, 12, 13, 14, 15)};
        UNROLLED for (int half = 0; half < 2; half++) {
          wide8 value = __builtin_convertvector(halves[half], wide8);
          integers8 *sum = (integers8 *)(sums + (lane + i) * padded + d + 8 * half);
          // 2^43 times a float is exact, and so the sum rounds once.
          *sum += (integers8)(value * 0x1p43 + MAGIC) - magic;
        }
      }
    }
  }
  int64_t faults = 0;
  for (int i = 0; i < 16; i++) faults += outside[i];
  return faults;
}

#define WEIGHTED_SUMS const float *coefficients, const float *rows, size_t padded, float limit, int64_t *sums
AVX512 static int64_t weighted_sums_avx512(WEIGHTED_SUMS) {
  return weighted_sums(coefficients, rows, padded, limit, sums);
}
AVX2 static int64_t weighted_sums_avx2(WEIGHTED_SUMS) {
  return weighted_sums(coefficients, rows, padded, limit, sums);
}
static int64_t weighted_sums_baseline(WEIGHTED_SUMS) {
  return weighted_sums(coefficients, rows, padded, limit, sums);
}
int64_t ck_bank_weighted_sums(WEIGHTED_SUMS) { DISPATCH(weighted_sums, coefficients, rows, padded, limit, sums) }

// MARK: Dot products in double

ALWAYS_INLINE void dot_tile(
  const float *embedding, const float *const rows[4], size_t dimension, double *dots, const int height) {
  wide8 sums[4];
  UNROLLED for (int i = 0; i < height; i++) sums[i] = (wide8){0};
  size_t d = 0;
  for (; d + 8 <= dimension; d += 8) {
    wide8 e = __builtin_convertvector(LOAD8(embedding + d), wide8);
    // A product of two floats is exact in double, so that fusing it with the sum changes no bit.
    UNROLLED for (int i = 0; i < height; i++) {
      sums[i] = __builtin_convertvector(LOAD8(rows[i] + d), wide8) * e + sums[i];
    }
  }
  UNROLLED for (int i = 0; i < height; i++) {
    for (size_t l = 0; d + l < dimension; l++) sums[i][l] += (double)rows[i][d + l] * (double)embedding[d + l];
    wide8 s = sums[i];
    dots[i] = ((s[0] + s[4]) + (s[2] + s[6])) + ((s[1] + s[5]) + (s[3] + s[7]));
  }
}

ALWAYS_INLINE void dot_products(
  const float *embedding, const float *rows, const int32_t *numbers, size_t count, size_t dimension, double *dots) {
  size_t i = 0;
  for (; i + 4 <= count; i += 4) {
    const float *four[4];
    UNROLLED for (int j = 0; j < 4; j++) four[j] = rows + (size_t)numbers[i + j] * dimension;
    dot_tile(embedding, four, dimension, dots + i, 4);
  }
  for (; i < count; i++) {
    const float *one[4] = {rows + (size_t)numbers[i] * dimension, 0, 0, 0};
    dot_tile(embedding, one, dimension, dots + i, 1);
  }
}

#define DOTS \
  const float *embedding, const float *rows, const int32_t *numbers, size_t count, size_t dimension, double *dots
AVX512 static void dots_avx512(DOTS) { dot_products(embedding, rows, numbers, count, dimension, dots); }
AVX2 static void dots_avx2(DOTS) { dot_products(embedding, rows, numbers, count, dimension, dots); }
static void dots_baseline(DOTS) { dot_products(embedding, rows, numbers, count, dimension, dots); }
void ck_bank_dots(DOTS) { DISPATCH(dots, embedding, rows, numbers, count, dimension, dots) }
