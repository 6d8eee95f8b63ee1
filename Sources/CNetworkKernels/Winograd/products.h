#pragma once
#include <stdint.h>

#include "tiles.h"

// a * b + c is one fused operation.
#pragma STDC FP_CONTRACT ON

// Sums stay in registers: of AVX-512's 32, 16 of them; of AVX2's 16, 12, beside three of weights and one of an input; of those
// before it, which hold half a block, 8.
enum { most_wide = MOST_WIDE };

/// So many blocks of outputs are computed together where `left` are left. Of three, 3 and 2 rather than 1.
ALWAYS_INLINE int wide_of(int64_t left) {
  if (most_wide == 3) return left == 1 ? 1 : left == 2 || left == 4 ? 2 : 3;
  return left < most_wide ? 1 : most_wide;
}

/// With so many tiles, or inputs, at a time.
#define HEIGHT(wide) (BLOCK == 16 ? 16 / (wide) : 4)

/// For `height` tiles and `wide` blocks of outputs, m[t] = sum over inputs c of v[t][c] u[c].
ALWAYS_INLINE void product_tile(
  const float *v, int64_t v_block, int64_t input_blocks, const float *u, float *m, int64_t m_block, const int height,
  const int wide) {
  lanes sums[16][most_wide];
  UNROLLED
  for (int t = 0; t < height; t++) {
    UNROLLED
    for (int w = 0; w < wide; w++) sums[t][w] = (lanes){0};
  }
  for (int64_t b = 0; b < input_blocks; b++)
    for (int c = 0; c < block; c++) {
      const float *in = v + b * v_block + c, *weight = u + (b * block + c) * wide * block;
      UNROLLED
      for (int t = 0; t < height; t++) {
        lanes x = in[t * block] - (lanes){0};
        UNROLLED
        for (int w = 0; w < wide; w++) sums[t][w] = x * LANES(weight + w * block) + sums[t][w];
      }
    }
  UNROLLED
  for (int t = 0; t < height; t++) {
    UNROLLED
    for (int w = 0; w < wide; w++) LANES(m + w * m_block + t * block) = sums[t][w];
  }
}

/// m = v u at each position.
ALWAYS_INLINE void multiply(
  const float *v, int64_t v_stride, const float *u, int64_t u_stride, int64_t input_blocks, int64_t room, float *m,
  int64_t m_stride, const int wide) {
  const int height = HEIGHT(wide);
  for (int p = 0; p < positions; p++)
    for (int64_t t = 0; t < room; t += height)
      product_tile(
        v + p * v_stride + t * block, room * block, input_blocks, u + p * u_stride, m + p * m_stride + t * block,
        room * block, height, wide);
}

/// Of 16 inputs c and `wide` blocks of outputs, `height` inputs at a time: u[c] = sum over tiles of v[t][c] z[t], which is
/// added to what is there but for the first turn.
ALWAYS_INLINE void outer_products(const float *v, const float *z, const struct turn *turn, float *u, const int wide) {
  const int height = HEIGHT(wide);
  for (int first = 0; first < block; first += height) {
    lanes sums[16][most_wide];
    UNROLLED
    for (int c = 0; c < height; c++) {
      UNROLLED
      for (int w = 0; w < wide; w++) sums[c][w] = (lanes){0};
    }
    for (int64_t t = 0; t < turn->count; t++) {
      UNROLLED
      for (int c = 0; c < height; c++) {
        lanes x = v[t * block + first + c] - (lanes){0};
        UNROLLED
        for (int w = 0; w < wide; w++) {
          sums[c][w] = x * LANES(z + (w * turn->room + t) * block) + sums[c][w];
        }
      }
    }
    float *out = u + first * wide * block;
    UNROLLED
    for (int c = 0; c < height; c++) {
      UNROLLED
      for (int w = 0; w < wide; w++) {
        float *place = out + (c * wide + w) * block;
        LANES(place) = turn->first ? LANES(place) + sums[c][w] : sums[c][w];
      }
    }
  }
}
