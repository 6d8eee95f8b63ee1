#pragma once
#include <stdint.h>

#include "bfloat16.h"
#include "vectors.h"

// Maps, cut into tiles of 4 x 4 outputs; a channel block of one pixel is a vector. The file that includes this says what BLOCK
// is, 16 or 8, and how many blocks of outputs are computed together, MOST_WIDE.

typedef float lanes __attribute__((vector_size(4 * BLOCK), aligned(4), may_alias));
typedef unsigned words __attribute__((vector_size(4 * BLOCK), aligned(4), may_alias));
typedef unsigned short halves __attribute__((vector_size(2 * BLOCK), aligned(2), may_alias));

#define LANES(pointer) (*(lanes *)(pointer))

enum {
  block = BLOCK,
  positions = 36,
  /// Tiles that are transformed together: few enough for their transforms to stay in cache.
  tiles_a_turn = 32,
  /// Tiles that are multiplied together are a divisor of this.
  tiles_together = BLOCK == 16 ? 16 : 4,
  /// As many as this are taken in one turn. Weights are then transformed where they are used, and not kept.
  most_tiles = 128,
};

struct map {
  void *values;
  int64_t blocks, side;
  int bfloat16;
};

/// Of 4 x 4 outputs, in the order of images, rows, columns.
struct turn {
  int64_t first, count;
  /// Tiles that scratch has room for, a multiple of tiles_together.
  int64_t room;
  int64_t a_row, an_image;
};

ALWAYS_INLINE int64_t turns(int64_t images, int64_t side, struct turn *turn) {
  turn->a_row = side / 4;
  turn->an_image = turn->a_row * turn->a_row;
  int64_t all = images * turn->an_image;
  turn->first = 0;
  turn->count = all <= most_tiles ? all : tiles_a_turn;
  turn->room = (turn->count + tiles_together - 1) / tiles_together * tiles_together;
  return all;
}

/// Where the tile is: its image, its upper left pixel.
ALWAYS_INLINE void place_of(const struct turn *turn, int64_t t, int64_t *image, int64_t *top, int64_t *left) {
  int64_t tile = turn->first + t, place = tile % turn->an_image;
  *image = tile / turn->an_image;
  *top = place / turn->a_row * 4;
  *left = place % turn->a_row * 4;
}

/// The tile's upper left pixel, among all pixels of all planes.
ALWAYS_INLINE int64_t first_pixel(const struct map *map, const struct turn *turn, int64_t map_block, int64_t t) {
  int64_t image, top, left;
  place_of(turn, t, &image, &top, &left);
  return ((image * map->blocks + map_block) * map->side + top) * map->side + left;
}

#define READ(x, map, pixel)                                                             \
  if ((map)->bfloat16) {                                                                \
    halves stored = *(const halves *)((const uint16_t *)(map)->values + (pixel)*block); \
    x = FLOATS_OF_BFLOAT16(stored, words, lanes);                                       \
  } else {                                                                              \
    x = LANES((const float *)(map)->values + (pixel)*block);                            \
  }

#define WRITE(x, map, pixel)                                                                \
  if ((map)->bfloat16) {                                                                    \
    *(halves *)((uint16_t *)(map)->values + (pixel)*block) = BFLOAT16_OF(x, words, halves); \
  } else {                                                                                  \
    LANES((float *)(map)->values + (pixel)*block) = (x);                                    \
  }
