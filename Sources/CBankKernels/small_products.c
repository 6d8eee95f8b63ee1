#include <string.h>

#include "CBankKernels.h"
#include "vectors.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#pragma STDC FP_CONTRACT OFF

#define LANES CK_BANK_LANES

// Products of bytes and their sums are integers: every version gives the same, in whatever order.

void ck_bank_small_panel(const uint8_t *bytes, size_t count, size_t stride, int8_t *panel) {
  for (size_t d = 0; d < stride; d++) {
    for (size_t lane = 0; lane < LANES; lane++) {
      panel[d / 4 * 4 * LANES + lane * 4 + d % 4] = lane < count ? (int8_t)(bytes[lane * stride + d] - 128) : 0;
    }
  }
}

// MARK: The clear versions

static void products_baseline(const uint8_t *bytes, size_t count, size_t stride, const int8_t *panel, int32_t *tile) {
  for (size_t r = 0; r < count; r++) {
    int32_t sums[LANES] = {0};
    for (size_t d = 0; d < stride; d += 4) {
      for (size_t lane = 0; lane < LANES; lane++) {
        for (size_t i = 0; i < 4; i++) sums[lane] += bytes[r * stride + d + i] * panel[d * LANES + lane * 4 + i];
      }
    }
    memcpy(tile + r * LANES, sums, sizeof sums);
  }
}

static void row_products_baseline(
  const uint8_t *bytes, size_t count, size_t stride, const int8_t *query, int32_t *products) {
  for (size_t r = 0; r < count; r++) {
    int32_t sum = 0;
    for (size_t d = 0; d < stride; d++) sum += bytes[r * stride + d] * query[d];
    products[r] = sum;
  }
}

#if defined(__x86_64__)

// MARK: AVX-512 with products of bytes (VNNI)

#define VNNI __attribute__((target("arch=x86-64-v4,avx512vnni"), min_vector_width(512)))

/// `height` rows, a constant, by 32 queries.
VNNI static inline __attribute__((always_inline)) void products_tile_vnni(
  const uint8_t *bytes, size_t stride, const int8_t *panel, int32_t *tile, const int height) {
  __m512i sums[4][2];
  UNROLLED
  for (int r = 0; r < height; r++) sums[r][0] = sums[r][1] = _mm512_setzero_si512();
  for (size_t d = 0; d < stride; d += 4) {
    __m512i low = _mm512_loadu_si512(panel + d * LANES), high = _mm512_loadu_si512(panel + d * LANES + 64);
    UNROLLED
    for (int r = 0; r < height; r++) {
      int32_t four;
      memcpy(&four, bytes + r * stride + d, 4);
      __m512i row = _mm512_set1_epi32(four);
      sums[r][0] = _mm512_dpbusd_epi32(sums[r][0], row, low);
      sums[r][1] = _mm512_dpbusd_epi32(sums[r][1], row, high);
    }
  }
  UNROLLED
  for (int r = 0; r < height; r++) {
    _mm512_storeu_si512(tile + r * LANES, sums[r][0]);
    _mm512_storeu_si512(tile + r * LANES + 16, sums[r][1]);
  }
}

VNNI static void products_vnni(const uint8_t *bytes, size_t count, size_t stride, const int8_t *panel, int32_t *tile) {
  size_t r = 0;
  // More at a time are slower: rows whose lengths are multiples of 128 meet in the same lines of the first cache.
  for (; r + 4 <= count; r += 4) products_tile_vnni(bytes + r * stride, stride, panel, tile + r * LANES, 4);
  for (; r < count; r++) products_tile_vnni(bytes + r * stride, stride, panel, tile + r * LANES, 1);
}

VNNI static void row_products_vnni(
  const uint8_t *bytes, size_t count, size_t stride, const int8_t *query, int32_t *products) {
  size_t r = 0;
  for (; r + 4 <= count; r += 4) {
    __m512i sums[4];
    UNROLLED
    for (int i = 0; i < 4; i++) sums[i] = _mm512_setzero_si512();
    for (size_t d = 0; d < stride; d += 64) {
      __m512i g = _mm512_loadu_si512(query + d);
      UNROLLED
      for (int i = 0; i < 4; i++) {
        sums[i] = _mm512_dpbusd_epi32(sums[i], _mm512_loadu_si512(bytes + (r + i) * stride + d), g);
      }
    }
    UNROLLED
    for (int i = 0; i < 4; i++) products[r + i] = _mm512_reduce_add_epi32(sums[i]);
  }
  for (; r < count; r++) {
    __m512i sum = _mm512_setzero_si512();
    for (size_t d = 0; d < stride; d += 64) {
      sum = _mm512_dpbusd_epi32(sum, _mm512_loadu_si512(bytes + r * stride + d), _mm512_loadu_si512(query + d));
    }
    products[r] = _mm512_reduce_add_epi32(sum);
  }
}

// MARK: AVX2
//
// vpmaddubsw adds two products of an unsigned and a signed byte in 16 bits and would saturate with 255 * 127 twice. With |g| and
// +-c, both at most 127, it cannot: c g = |g| (c sign g). The excess of the bytes over c is then added again.

/// Adds to 8 sums what 32 elements give.
AVX2 static inline __attribute__((always_inline)) __m256i add_products_avx2(
  __m256i sums, __m256i bytes, __m256i query) {
  __m256i signedBytes = _mm256_xor_si256(bytes, _mm256_set1_epi8((char)0x80));
  __m256i pairs = _mm256_maddubs_epi16(_mm256_abs_epi8(query), _mm256_sign_epi8(signedBytes, query));
  return _mm256_add_epi32(sums, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
}

AVX2 static inline __attribute__((always_inline)) int32_t sum_avx2(__m256i sums) {
  __m128i four = _mm_add_epi32(_mm256_castsi256_si128(sums), _mm256_extracti128_si256(sums, 1));
  four = _mm_add_epi32(four, _mm_shuffle_epi32(four, 0x4e));
  return _mm_cvtsi128_si32(_mm_add_epi32(four, _mm_shuffle_epi32(four, 0xb1)));
}

AVX2 static void products_avx2(const uint8_t *bytes, size_t count, size_t stride, const int8_t *panel, int32_t *tile) {
  __m256i excess[4];
  for (int v = 0; v < 4; v++) excess[v] = _mm256_setzero_si256();
  for (size_t d = 0; d < stride; d += 4) {
    for (int v = 0; v < 4; v++) {
      __m256i g = _mm256_loadu_si256((const __m256i *)(panel + d * LANES + 32 * v));
      __m256i pairs = _mm256_maddubs_epi16(_mm256_set1_epi8(1), g);
      excess[v] = _mm256_add_epi32(excess[v], _mm256_madd_epi16(pairs, _mm256_set1_epi16(128)));
    }
  }
  for (size_t r = 0; r < count; r++) {
    __m256i sums[4];
    UNROLLED
    for (int v = 0; v < 4; v++) sums[v] = excess[v];
    for (size_t d = 0; d < stride; d += 4) {
      int32_t four;
      memcpy(&four, bytes + r * stride + d, 4);
      __m256i row = _mm256_set1_epi32(four);
      UNROLLED
      for (int v = 0; v < 4; v++) {
        sums[v] = add_products_avx2(sums[v], row, _mm256_loadu_si256((const __m256i *)(panel + d * LANES + 32 * v)));
      }
    }
    UNROLLED
    for (int v = 0; v < 4; v++) _mm256_storeu_si256((__m256i *)(tile + r * LANES + 8 * v), sums[v]);
  }
}

AVX2 static void row_products_avx2(
  const uint8_t *bytes, size_t count, size_t stride, const int8_t *query, int32_t *products) {
  int32_t excess = 0;
  for (size_t d = 0; d < stride; d++) excess += 128 * query[d];
  for (size_t r = 0; r < count; r += 4) {
    const size_t height = count - r < 4 ? count - r : 4;
    __m256i sums[4];
    UNROLLED
    for (int i = 0; i < 4; i++) sums[i] = _mm256_setzero_si256();
    for (size_t d = 0; d < stride; d += 32) {
      __m256i g = _mm256_loadu_si256((const __m256i *)(query + d));
      if (height == 4) {
        UNROLLED
        for (int i = 0; i < 4; i++) {
          sums[i] = add_products_avx2(sums[i], _mm256_loadu_si256((const __m256i *)(bytes + (r + i) * stride + d)), g);
        }
      } else {
        for (size_t i = 0; i < height; i++) {
          sums[i] = add_products_avx2(sums[i], _mm256_loadu_si256((const __m256i *)(bytes + (r + i) * stride + d)), g);
        }
      }
    }
    for (size_t i = 0; i < height; i++) products[r + i] = excess + sum_avx2(sums[i]);
  }
}

/// Which version suits the CPU: 2 with products of bytes, 1 for AVX2, 0 for none of them.
static int level(void) {
  if (ck_cpu_level >= ck_cpu_avx512 && __builtin_cpu_supports("avx512vnni")) return 2;
  return ck_cpu_level >= ck_cpu_avx2 ? 1 : 0;
}

void ck_bank_small_products(const uint8_t *bytes, size_t count, size_t stride, const int8_t *panel, int32_t *tile) {
  switch (level()) {
  case 2: return products_vnni(bytes, count, stride, panel, tile);
  case 1: return products_avx2(bytes, count, stride, panel, tile);
  default: return products_baseline(bytes, count, stride, panel, tile);
  }
}

void ck_bank_small_row_products(
  const uint8_t *bytes, size_t count, size_t stride, const int8_t *query, int32_t *products) {
  switch (level()) {
  case 2: return row_products_vnni(bytes, count, stride, query, products);
  case 1: return row_products_avx2(bytes, count, stride, query, products);
  default: return row_products_baseline(bytes, count, stride, query, products);
  }
}

int ck_bank_small_most_single_queries(void) { return level() == 2 ? 8 : 24; }

#else

void ck_bank_small_products(const uint8_t *bytes, size_t count, size_t stride, const int8_t *panel, int32_t *tile) {
  products_baseline(bytes, count, stride, panel, tile);
}

void ck_bank_small_row_products(
  const uint8_t *bytes, size_t count, size_t stride, const int8_t *query, int32_t *products) {
  row_products_baseline(bytes, count, stride, query, products);
}

int ck_bank_small_most_single_queries(void) { return 8; }

#endif

// MARK: Keys

typedef int32_t ints16 __attribute__((vector_size(64), aligned(4), may_alias));

ALWAYS_INLINE void bank_small_keys(
  const int32_t *tile, size_t rows, const ck_bank_small_traits *traits, const ck_bank_small_queries *queries,
  float squares, float *keys) {
  for (size_t r = 0; r < rows; r++) {
    const float scale = traits->scales[r], residual = traits->residuals[r], length = traits->lengths[r];
    const float half = squares * traits->half_squares[r];
    UNROLLED
    for (int v = 0; v < LANES; v += 16) {
      lanes16 dot = __builtin_convertvector(
        *(const ints16 *)(tile + r * LANES + v) - *(const ints16 *)(queries->excess + v), lanes16);
      lanes16 bound = LOAD16(queries->lengths + v) * residual + LOAD16(queries->residuals + v) * length;
      *(lanes16 *)(keys + r * LANES + v) = dot * (LOAD16(queries->scales + v) * scale) + (bound - half);
    }
  }
}

IN_WHOLE_VECTORS(
  void, bank_small_keys,
  (const int32_t *tile, size_t rows, const ck_bank_small_traits *traits, const ck_bank_small_queries *queries,
   float squares, float *keys),
  (tile, rows, traits, queries, squares, keys))

ALWAYS_INLINE void bank_small_row_keys(
  const int32_t *products, size_t rows, const ck_bank_small_traits *traits, const ck_bank_small_queries *queries,
  size_t lane, float squares, float *keys) {
  const float scale = queries->scales[lane], length = queries->lengths[lane], residual = queries->residuals[lane];
  const int32_t excess = queries->excess[lane];
  for (size_t r = 0; r < rows; r++) {
    float bound = length * traits->residuals[r] + residual * traits->lengths[r];
    keys[r] = (float)(products[r] - excess) * (scale * traits->scales[r]) + (bound - squares * traits->half_squares[r]);
  }
}

IN_WHOLE_VECTORS(
  void, bank_small_row_keys,
  (const int32_t *products, size_t rows, const ck_bank_small_traits *traits, const ck_bank_small_queries *queries,
   size_t lane, float squares, float *keys),
  (products, rows, traits, queries, lane, squares, keys))
