#pragma once
#include <stdint.h>

#include "CNetworkWinograd.h"
#include "axes.h"
#include "tiles.h"

// a * b + c is one fused operation.
#pragma STDC FP_CONTRACT ON

// MARK: Sources and gradients

/// v = B' d B of the 6 x 6 pixels around each tile, of the blocks from `first_block` to `end_block`; (positions, blocks,
/// tiles, 16).
ALWAYS_INLINE void transform_source(
  const struct map *map, int64_t first_block, int64_t end_block, const struct turn *turn, float *v, int64_t v_stride) {
  const int64_t side = map->side;
  for (int64_t b = first_block; b < end_block; b++)
    for (int64_t t = 0; t < turn->count; t++) {
      int64_t image, top, left;
      place_of(turn, t, &image, &top, &left);
      const int64_t first = (image * map->blocks + b) * side * side + (top - 1) * side + left - 1;
      float *out = v + (b * turn->room + t) * block;
#define OUT(vector, y, x) LANES(out + (6 * (y) + (x)) * v_stride) = vector
      if (top > 0 && left > 0 && top + 4 < side && left + 4 < side) {
#define IN(vector, y, x) READ(vector, map, first + (y)*side + (x))
        TRANSFORM(TRANSFORM_SOURCE, 6, 6, IN, OUT);
#undef IN
      } else {
#define IN(vector, y, x)                                                                       \
  if ((uint64_t)(top + (y)-1) < (uint64_t)side && (uint64_t)(left + (x)-1) < (uint64_t)side) { \
    READ(vector, map, first + (y)*side + (x))                                                  \
  } else {                                                                                     \
    vector = (lanes){0};                                                                       \
  }
        TRANSFORM(TRANSFORM_SOURCE, 6, 6, IN, OUT);
#undef IN
      }
#undef OUT
    }
}

/// z = A dy A' of each tile, of the blocks from `first_block` to `end_block`; (positions, blocks, tiles, 16).
ALWAYS_INLINE void transform_gradient(
  const struct map *map, int64_t first_block, int64_t end_block, const struct turn *turn, float *z, int64_t z_stride) {
  for (int64_t b = first_block; b < end_block; b++)
    for (int64_t t = 0; t < turn->count; t++) {
      const int64_t first = first_pixel(map, turn, b, t);
      float *out = z + (b * turn->room + t) * block;
#define IN(vector, y, x) READ(vector, map, first + (y)*map->side + (x))
#define OUT(vector, y, x) LANES(out + (6 * (y) + (x)) * z_stride) = vector
      TRANSFORM(TRANSFORM_GRADIENT, 4, 6, IN, OUT);
#undef IN
#undef OUT
    }
}

// MARK: Sums

// As ck_normalise and ck_normalise_pool compute it, to the bit.
ALWAYS_INLINE void normalise_tile(const ck_normalisation *normalisation, int64_t channel, lanes outputs[4][4]) {
#pragma STDC FP_CONTRACT OFF
  const lanes scale = LANES(normalisation->scale + channel), shift = LANES(normalisation->shift + channel);
  UNROLLED
  for (int y = 0; y < 4; y++) {
    UNROLLED
    for (int x = 0; x < 4; x++) outputs[y][x] = outputs[y][x] * scale + shift;
  }
}

/// From 4 x 4 to the first 2 x 2.
ALWAYS_INLINE void pool_tile(lanes outputs[4][4]) {
  UNROLLED
  for (int y = 0; y < 2; y++) {
    UNROLLED
    for (int x = 0; x < 2; x++) {
      lanes upper = __builtin_elementwise_max(outputs[2 * y][2 * x], outputs[2 * y][2 * x + 1]);
      lanes lower = __builtin_elementwise_max(outputs[2 * y + 1][2 * x], outputs[2 * y + 1][2 * x + 1]);
      outputs[y][x] = __builtin_elementwise_max(upper, lower);
    }
  }
}

ALWAYS_INLINE void activate_tile(const ck_normalisation *normalisation, lanes outputs[4][4], const int side) {
  UNROLLED
  for (int y = 0; y < side; y++) {
    UNROLLED
    for (int x = 0; x < side; x++) {
      outputs[y][x] = __builtin_elementwise_max(outputs[y][x], outputs[y][x] * normalisation->slope);
    }
  }
}

/// The first `side` x `side` outputs of a tile, 4 or, where they were pooled, 2.
ALWAYS_INLINE void write_tile(
  const struct map *map, const struct turn *turn, int64_t map_block, int64_t t, lanes outputs[4][4], const int side) {
  int64_t image, top, left;
  place_of(turn, t, &image, &top, &left);
  const int64_t plane = image * map->blocks + map_block;
  const int64_t first = (plane * map->side + top * side / 4) * map->side + left * side / 4;
  UNROLLED
  for (int y = 0; y < side; y++) {
    UNROLLED
    for (int x = 0; x < side; x++) WRITE(outputs[y][x], map, first + y * map->side + x);
  }
}

/// The outputs A' m A of each tile, for `wide` blocks of them from `first_block`; m is (positions, wide, tiles, 16). What
/// follows the convolution is done on the way.
ALWAYS_INLINE void transform_sums(
  const float *m, int64_t m_stride, const struct turn *turn, const struct map *map, int64_t first_block, const int wide,
  const ck_normalisation *then) {
  for (int w = 0; w < wide; w++)
    for (int64_t t = 0; t < turn->count; t++) {
      const float *in = m + (w * turn->room + t) * block;
      lanes outputs[4][4];
#define IN(vector, y, x) vector = LANES(in + (6 * (y) + (x)) * m_stride)
#define OUT(vector, y, x) outputs[y][x] = vector
      TRANSFORM(TRANSFORM_SUMS, 6, 4, IN, OUT);
#undef IN
#undef OUT
      if (then) normalise_tile(then, (first_block + w) * block, outputs);
      if (then && then->pools) {
        pool_tile(outputs);
        activate_tile(then, outputs, 2);
        write_tile(map, turn, first_block + w, t, outputs, 2);
      } else {
        if (then) activate_tile(then, outputs, 4);
        write_tile(map, turn, first_block + w, t, outputs, 4);
      }
    }
}

// MARK: Weights

struct weights {
  const float *packed;
  int64_t input_blocks, output_blocks;
  /// Read as their transpose's, turned by 180 degrees: what the source's gradient is convolved with.
  int transposed;
};

/// u = G g G' for `wide` blocks of outputs from `first_block`: (positions, inputs, wide, 16).
ALWAYS_INLINE void transform_weights(
  const struct weights *weights, int64_t first_block, const int wide, float *u, int64_t u_stride) {
  for (int64_t b = 0; b < weights->input_blocks; b++)
    for (int w = 0; w < wide; w++) {
      const int64_t o = first_block + w;
      const int64_t tile = weights->transposed ? b * weights->output_blocks + o : o * weights->input_blocks + b;
      for (int i = 0; i < block; i++) {
        const float *from = weights->packed + (tile * 9 * block + i) * block;
        float *out = u + ((b * block + i) * wide + w) * block;
#define IN(vector, y, x) \
  vector = LANES(from + (weights->transposed ? 8 - (3 * (y) + (x)) : 3 * (y) + (x)) * block * block)
#define OUT(vector, y, x) LANES(out + (6 * (y) + (x)) * u_stride) = vector
        TRANSFORM(TRANSFORM_WEIGHTS, 3, 6, IN, OUT);
#undef IN
#undef OUT
      }
    }
}

/// The gradient G' u G of `wide` tiles of 16 x 16 weights from `packed`, `tile_stride` floats apart; u is (positions,
/// 16, wide, 16).
ALWAYS_INLINE void transform_weight_sums(const float *u, const int wide, float *packed, int64_t tile_stride) {
  for (int w = 0; w < wide; w++)
    for (int i = 0; i < block; i++) {
      const float *in = u + (i * wide + w) * block;
      float *to = packed + w * tile_stride + i * block;
#define IN(vector, y, x) vector = LANES(in + (6 * (y) + (x)) * wide * block * block)
#define OUT(vector, y, x) LANES(to + (3 * (y) + (x)) * block * block) = vector
      TRANSFORM(TRANSFORM_WEIGHT_SUMS, 6, 3, IN, OUT);
#undef IN
#undef OUT
    }
}
