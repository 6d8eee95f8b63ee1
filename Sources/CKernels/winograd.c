#include "CKernelsWinograd.h"

#include "CKernelsNetwork.h"

// a * b + c is one fused operation.
#pragma STDC FP_CONTRACT ON

// Along one axis, four outputs y of six inputs d and three weights g, by Toom-Cook at 0, +-a, +-b and infinity:
//
//     y = A' [(G g) . (B' d)]
//
// and along both by doing so twice. What is multiplied are 36 positions, each a matrix product over channels for a block of
// tiles. With a = 5/8 and b = 3/2 rounding hurts less than with the textbook's 1 and 2.

#define A 0.625f
#define B 1.5f
#define AA (A * A)
#define BB (B * B)
// What the points' polynomials divide by.
#define AT_0 (AA * BB)
#define AT_A (2 * AA * (AA - BB))
#define AT_B (2 * BB * (BB - AA))

#define ALWAYS_INLINE static inline __attribute__((always_inline))
#define UNROLLED _Pragma("clang loop unroll(full)")

#if defined(__x86_64__)
// Without the second attribute the compiler cuts vectors of 64 bytes in two, for the sake of CPUs that slow down.
#define AVX512 __attribute__((target("arch=x86-64-v4"), min_vector_width(512)))
#else
#define AVX512
#endif

typedef float lanes __attribute__((vector_size(64), aligned(4), may_alias));
typedef unsigned words __attribute__((vector_size(64), aligned(4), may_alias));
typedef unsigned short halves __attribute__((vector_size(32), aligned(2), may_alias));

// Vectors are never arguments: how a function takes them depends on the instruction set.
#define LANES(pointer) (*(lanes *)(pointer))

enum {
  block = 16,
  positions = 36,
  /// Tiles that are transformed together: few enough for their transforms to stay in cache.
  tiles_a_turn = 32,
  /// As many as this are taken in one turn. Weights are then transformed where they are used, and not kept.
  most_tiles = 128,
};

// MARK: Tiles

struct map {
  void *values;
  int64_t blocks, side;
  int bfloat16;
};

/// Of 4 x 4 outputs, in the order of images, rows, columns.
struct turn {
  int64_t first, count;
  /// Tiles that scratch has room for, a multiple of 16.
  int64_t room;
  int64_t a_row, an_image;
};

ALWAYS_INLINE int64_t turns(int64_t images, int64_t side, struct turn *turn) {
  turn->a_row = side / 4;
  turn->an_image = turn->a_row * turn->a_row;
  int64_t all = images * turn->an_image;
  turn->first = 0;
  turn->count = all <= most_tiles ? all : tiles_a_turn;
  turn->room = (turn->count + 15) / 16 * 16;
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

#define READ(x, map, pixel)                                                                             \
  if ((map)->bfloat16) {                                                                                \
    halves stored = *(const halves *)((const uint16_t *)(map)->values + (pixel) * block);               \
    x = (lanes)(__builtin_convertvector(stored, words) << 16);                                          \
  } else {                                                                                              \
    x = LANES((const float *)(map)->values + (pixel) * block);                                          \
  }

// bfloat16 as network_blocked.inc rounds: to the nearest, ties to even; infinity stays, and NaN stays one.
#define WRITE(x, map, pixel)                                                                            \
  if ((map)->bfloat16) {                                                                                \
    words bits = (words)(x);                                                                            \
    words rounded = (bits + 0x7fff + (bits >> 16 & 1)) >> 16;                                           \
    words not_a_number = (words)((bits & 0x7fffffff) > 0x7f800000);                                     \
    words quiet = bits >> 16 | 0x40;                                                                    \
    *(halves *)((uint16_t *)(map)->values + (pixel) * block) =                                          \
        __builtin_convertvector((rounded & ~not_a_number) | (quiet & not_a_number), halves);            \
  } else {                                                                                              \
    LANES((float *)(map)->values + (pixel) * block) = (x);                                              \
  }

// MARK: Transforms along one axis

/// out = B' in, 6 to 6.
#define TRANSFORM_SOURCE(out, in)                              \
  {                                                            \
    lanes even_a = in(4) - BB * in(2), odd_a = in(3) - BB * in(1); \
    lanes even_b = in(4) - AA * in(2), odd_b = in(3) - AA * in(1); \
    out(0) = in(4) - (AA + BB) * in(2) + AA * BB * in(0);      \
    out(1) = even_a + A * odd_a;                               \
    out(2) = even_a - A * odd_a;                               \
    out(3) = even_b + B * odd_b;                               \
    out(4) = even_b - B * odd_b;                               \
    out(5) = in(5) - (AA + BB) * in(3) + AA * BB * in(1);      \
  }

/// out = A' in, 6 to 4.
#define TRANSFORM_SUMS(out, in)                                \
  {                                                            \
    lanes sum_a = in(1) + in(2), difference_a = in(1) - in(2); \
    lanes sum_b = in(3) + in(4), difference_b = in(3) - in(4); \
    out(0) = in(0) + sum_a + sum_b;                            \
    out(1) = A * difference_a + B * difference_b;              \
    out(2) = AA * sum_a + BB * sum_b;                          \
    out(3) = A * AA * difference_a + (B * BB * difference_b + in(5)); \
  }

/// out = A in, 4 to 6.
#define TRANSFORM_GRADIENT(out, in)                            \
  {                                                            \
    lanes even_a = in(0) + AA * in(2), odd_a = in(1) + AA * in(3); \
    lanes even_b = in(0) + BB * in(2), odd_b = in(1) + BB * in(3); \
    out(0) = in(0);                                            \
    out(1) = even_a + A * odd_a;                               \
    out(2) = even_a - A * odd_a;                               \
    out(3) = even_b + B * odd_b;                               \
    out(4) = even_b - B * odd_b;                               \
    out(5) = in(3);                                            \
  }

/// out = G in, 3 to 6.
#define TRANSFORM_WEIGHTS(out, in)                             \
  {                                                            \
    lanes even_a = (1 / AT_A) * in(0) + (AA / AT_A) * in(2), odd_a = (A / AT_A) * in(1); \
    lanes even_b = (1 / AT_B) * in(0) + (BB / AT_B) * in(2), odd_b = (B / AT_B) * in(1); \
    out(0) = (1 / AT_0) * in(0);                               \
    out(1) = even_a + odd_a;                                   \
    out(2) = even_a - odd_a;                                   \
    out(3) = even_b + odd_b;                                   \
    out(4) = even_b - odd_b;                                   \
    out(5) = in(2);                                            \
  }

/// out = G' in, 6 to 3.
#define TRANSFORM_WEIGHT_SUMS(out, in)                         \
  {                                                            \
    lanes sum_a = in(1) + in(2), difference_a = in(1) - in(2); \
    lanes sum_b = in(3) + in(4), difference_b = in(3) - in(4); \
    out(0) = (1 / AT_0) * in(0) + (1 / AT_A) * sum_a + (1 / AT_B) * sum_b; \
    out(1) = (A / AT_A) * difference_a + (B / AT_B) * difference_b; \
    out(2) = (AA / AT_A) * sum_a + (BB / AT_B) * sum_b + in(5); \
  }

/// Along columns, then along rows: from side_in x side_in vectors, `in(vector, y, x)`, to side_out x side_out.
#define TRANSFORM(transform, side_in, side_out, in, out)       \
  {                                                            \
    lanes half[side_out][side_in];                             \
    UNROLLED for (int x = 0; x < side_in; x++) {               \
      lanes column[side_in], columns_out[side_out];            \
      UNROLLED for (int y = 0; y < side_in; y++) in(column[y], y, x) \
      transform(COLUMN_OUT, COLUMN_IN)                         \
      UNROLLED for (int y = 0; y < side_out; y++) half[y][x] = columns_out[y]; \
    }                                                          \
    UNROLLED for (int y = 0; y < side_out; y++) {              \
      lanes row_out[side_out];                                 \
      transform(ROW_OUT, ROW_IN)                               \
      UNROLLED for (int x = 0; x < side_out; x++) out(row_out[x], y, x) \
    }                                                          \
  }
#define COLUMN_IN(i) column[i]
#define COLUMN_OUT(i) columns_out[i]
#define ROW_IN(i) half[y][i]
#define ROW_OUT(i) row_out[i]

/// v = B' d B of the 6 x 6 pixels around each tile; (positions, blocks, tiles, 16).
ALWAYS_INLINE void transform_source(const struct map *map, const struct turn *turn, float *v, int64_t v_stride) {
  const int64_t side = map->side;
  for (int64_t b = 0; b < map->blocks; b++)
    for (int64_t t = 0; t < turn->count; t++) {
      int64_t image, top, left;
      place_of(turn, t, &image, &top, &left);
      const int64_t first = (image * map->blocks + b) * side * side + (top - 1) * side + left - 1;
      float *out = v + (b * turn->room + t) * block;
#define OUT(vector, y, x) LANES(out + (6 * (y) + (x)) * v_stride) = vector;
      if (top > 0 && left > 0 && top + 4 < side && left + 4 < side) {
#define IN(vector, y, x) READ(vector, map, first + (y) * side + (x))
        TRANSFORM(TRANSFORM_SOURCE, 6, 6, IN, OUT)
#undef IN
      } else {
#define IN(vector, y, x)                                                                     \
  if ((uint64_t)(top + (y) - 1) < (uint64_t)side && (uint64_t)(left + (x) - 1) < (uint64_t)side) { \
    READ(vector, map, first + (y) * side + (x))                                              \
  } else {                                                                                   \
    vector = (lanes){0};                                                                     \
  }
        TRANSFORM(TRANSFORM_SOURCE, 6, 6, IN, OUT)
#undef IN
      }
#undef OUT
    }
}

/// z = A dy A' of each tile; (positions, blocks, tiles, 16).
ALWAYS_INLINE void transform_gradient(const struct map *map, const struct turn *turn, float *z, int64_t z_stride) {
  for (int64_t b = 0; b < map->blocks; b++)
    for (int64_t t = 0; t < turn->count; t++) {
      const int64_t first = first_pixel(map, turn, b, t);
      float *out = z + (b * turn->room + t) * block;
#define IN(vector, y, x) READ(vector, map, first + (y) * map->side + (x))
#define OUT(vector, y, x) LANES(out + (6 * (y) + (x)) * z_stride) = vector;
      TRANSFORM(TRANSFORM_GRADIENT, 4, 6, IN, OUT)
#undef IN
#undef OUT
    }
}

// As ck_normalise and ck_normalise_pool compute it, to the bit.
ALWAYS_INLINE void normalise_tile(const ck_normalisation *normalisation, int64_t channel, lanes outputs[4][4]) {
#pragma STDC FP_CONTRACT OFF
  const lanes scale = LANES(normalisation->scale + channel), shift = LANES(normalisation->shift + channel);
  UNROLLED for (int y = 0; y < 4; y++) {
    UNROLLED for (int x = 0; x < 4; x++) outputs[y][x] = outputs[y][x] * scale + shift;
  }
}

/// From 4 x 4 to the first 2 x 2.
ALWAYS_INLINE void pool_tile(lanes outputs[4][4]) {
  UNROLLED for (int y = 0; y < 2; y++) {
    UNROLLED for (int x = 0; x < 2; x++) {
      lanes upper = __builtin_elementwise_max(outputs[2 * y][2 * x], outputs[2 * y][2 * x + 1]);
      lanes lower = __builtin_elementwise_max(outputs[2 * y + 1][2 * x], outputs[2 * y + 1][2 * x + 1]);
      outputs[y][x] = __builtin_elementwise_max(upper, lower);
    }
  }
}

ALWAYS_INLINE void activate_tile(const ck_normalisation *normalisation, lanes outputs[4][4], const int side) {
  UNROLLED for (int y = 0; y < side; y++) {
    UNROLLED for (int x = 0; x < side; x++) {
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
  UNROLLED for (int y = 0; y < side; y++) {
    UNROLLED for (int x = 0; x < side; x++) WRITE(outputs[y][x], map, first + y * map->side + x)
  }
}

/// The outputs A' m A of each tile, for `wide` blocks of them from `first_block`; m is (positions, wide, tiles, 16). What
/// follows the convolution is done on the way.
ALWAYS_INLINE void transform_sums(
    const float *m, int64_t m_stride, const struct turn *turn, const struct map *map, int64_t first_block,
    const int wide, const ck_normalisation *then) {
  for (int w = 0; w < wide; w++)
    for (int64_t t = 0; t < turn->count; t++) {
      const float *in = m + (w * turn->room + t) * block;
      lanes outputs[4][4];
#define IN(vector, y, x) vector = LANES(in + (6 * (y) + (x)) * m_stride);
#define OUT(vector, y, x) outputs[y][x] = vector;
      TRANSFORM(TRANSFORM_SUMS, 6, 4, IN, OUT)
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
      const int64_t tile =
          weights->transposed ? b * weights->output_blocks + o : o * weights->input_blocks + b;
      for (int i = 0; i < block; i++) {
        const float *from = weights->packed + (tile * 9 * block + i) * block;
        float *out = u + ((b * block + i) * wide + w) * block;
#define IN(vector, y, x) \
  vector = LANES(from + (weights->transposed ? 8 - (3 * (y) + (x)) : 3 * (y) + (x)) * block * block);
#define OUT(vector, y, x) LANES(out + (6 * (y) + (x)) * u_stride) = vector;
        TRANSFORM(TRANSFORM_WEIGHTS, 3, 6, IN, OUT)
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
#define IN(vector, y, x) vector = LANES(in + (6 * (y) + (x)) * wide * block * block);
#define OUT(vector, y, x) LANES(to + (3 * (y) + (x)) * block * block) = vector;
      TRANSFORM(TRANSFORM_WEIGHT_SUMS, 6, 3, IN, OUT)
#undef IN
#undef OUT
    }
}

// MARK: Products

/// For `height` tiles and `wide` blocks of outputs, m[t] = sum over inputs c of v[t][c] u[c].
ALWAYS_INLINE void product_tile(
    const float *v, int64_t v_block, int64_t input_blocks, const float *u, float *m, int64_t m_block, const int height,
    const int wide) {
  lanes sums[block][2];
  UNROLLED for (int t = 0; t < height; t++) {
    UNROLLED for (int w = 0; w < wide; w++) sums[t][w] = (lanes){0};
  }
  for (int64_t b = 0; b < input_blocks; b++)
    for (int c = 0; c < block; c++) {
      const float *in = v + b * v_block + c, *weight = u + (b * block + c) * wide * block;
      UNROLLED for (int t = 0; t < height; t++) {
        lanes x = in[t * block] - (lanes){0};
        UNROLLED for (int w = 0; w < wide; w++) sums[t][w] = x * LANES(weight + w * block) + sums[t][w];
      }
    }
  UNROLLED for (int t = 0; t < height; t++) {
    UNROLLED for (int w = 0; w < wide; w++) LANES(m + w * m_block + t * block) = sums[t][w];
  }
}

/// m = v u at each position.
ALWAYS_INLINE void multiply(
    const float *v, int64_t v_stride, const float *u, int64_t u_stride, int64_t input_blocks, int64_t room, float *m,
    int64_t m_stride, const int wide) {
  const int height = block / wide;
  for (int p = 0; p < positions; p++)
    for (int64_t t = 0; t < room; t += height)
      product_tile(
          v + p * v_stride + t * block, room * block, input_blocks, u + p * u_stride, m + p * m_stride + t * block,
          room * block, height, wide);
}

/// Of 16 inputs c and `wide` blocks of outputs, `height` inputs at a time: u[c] = sum over tiles of v[t][c] z[t], which is
/// added to what is there but for the first turn.
ALWAYS_INLINE void outer_products(
    const float *v, const float *z, const struct turn *turn, float *u, const int wide) {
  const int height = block / wide;
  for (int first = 0; first < block; first += height) {
    lanes sums[block][2];
    UNROLLED for (int c = 0; c < height; c++) {
      UNROLLED for (int w = 0; w < wide; w++) sums[c][w] = (lanes){0};
    }
    for (int64_t t = 0; t < turn->count; t++) {
      UNROLLED for (int c = 0; c < height; c++) {
        lanes x = v[t * block + first + c] - (lanes){0};
        UNROLLED for (int w = 0; w < wide; w++) {
          sums[c][w] = x * LANES(z + (w * turn->room + t) * block) + sums[c][w];
        }
      }
    }
    float *out = u + first * wide * block;
    UNROLLED for (int c = 0; c < height; c++) {
      UNROLLED for (int w = 0; w < wide; w++) {
        float *place = out + (c * wide + w) * block;
        LANES(place) = turn->first ? LANES(place) + sums[c][w] : sums[c][w];
      }
    }
  }
}

// MARK: Passes

// Positions lie 16 floats further apart than they need to: at a power of two they would fight for the same places of the cache.
ALWAYS_INLINE int64_t apart(int64_t blocks, int64_t room) { return blocks * room * block + block; }

/// The same of the weights' transforms for `wide` blocks of outputs.
ALWAYS_INLINE int64_t weights_apart(int64_t input_blocks, int wide) {
  return input_blocks * block * wide * block + block;
}

/// Of convolutions as they are computed: from `input_blocks`.
ALWAYS_INLINE int64_t convolution_scratch(int64_t input_blocks, int64_t output_blocks, int64_t room, int in_one_turn) {
  const int64_t pairs = in_one_turn ? 1 : (output_blocks + 1) / 2;
  return positions * (apart(input_blocks, room) + apart(2, room) + pairs * weights_apart(input_blocks, 2));
}

int64_t ck_winograd_scratch(int64_t images, int64_t input_blocks, int64_t output_blocks, int64_t side) {
  struct turn turn;
  const int in_one_turn = turns(images, side, &turn) == turn.count;
  const int64_t forward = convolution_scratch(input_blocks, output_blocks, turn.room, in_one_turn);
  const int64_t backward = convolution_scratch(output_blocks, input_blocks, turn.room, in_one_turn);
  const int64_t pairs = in_one_turn ? 1 : input_blocks * ((output_blocks + 1) / 2);
  const int64_t weights =
      positions * (apart(input_blocks, turn.room) + apart(output_blocks, turn.room) + pairs * 2 * block * block);
  const int64_t most = forward > backward ? forward : backward;
  return most > weights ? most : weights;
}

/// `wide` blocks of outputs from `first_block`, of one turn. The weights are transformed in the first.
ALWAYS_INLINE void convolve_blocks(
    const float *v, const struct weights *weights, int64_t first_block, const int wide, const struct turn *turn,
    float *u, float *m, const struct map *to, const ck_normalisation *then) {
  const int64_t inputs = weights->input_blocks;
  const int64_t u_stride = weights_apart(inputs, wide), m_stride = apart(wide, turn->room);
  if (!turn->first) transform_weights(weights, first_block, wide, u, u_stride);
  multiply(v, apart(inputs, turn->room), u, u_stride, inputs, turn->room, m, m_stride, wide);
  transform_sums(m, m_stride, turn, to, first_block, wide, then);
}

ALWAYS_INLINE void convolve(
    const struct map *from, const struct weights *weights, int64_t images, const struct map *to,
    const ck_normalisation *then, float *scratch) {
  struct turn turn;
  const int64_t all = turns(images, from->side, &turn);
  // In one turn, each two blocks' transformed weights take the place of the last two's.
  const int64_t u_size = turn.count == all ? 0 : positions * weights_apart(from->blocks, 2);
  float *v = scratch, *m = v + positions * apart(from->blocks, turn.room), *u = m + positions * apart(2, turn.room);
  for (; turn.first < all; turn.first += turn.count) {
    if (turn.count > all - turn.first) turn.count = all - turn.first;
    transform_source(from, &turn, v, apart(from->blocks, turn.room));
    int64_t o = 0;
    for (; o + 2 <= to->blocks; o += 2) convolve_blocks(v, weights, o, 2, &turn, u + o / 2 * u_size, m, to, then);
    if (o < to->blocks) convolve_blocks(v, weights, o, 1, &turn, u + o / 2 * u_size, m, to, then);
  }
}

ALWAYS_INLINE void weight_gradient(
    const struct map *from, const struct map *gradient, int64_t images, float *packed, float *scratch) {
  struct turn turn;
  const int64_t all = turns(images, from->side, &turn), inputs = from->blocks, outputs = gradient->blocks;
  const int64_t v_stride = apart(inputs, turn.room), z_stride = apart(outputs, turn.room);
  const int64_t size = block * block, pairs = (outputs + 1) / 2;
  float *v = scratch, *z = v + positions * v_stride, *u = z + positions * z_stride;
  const int in_one_turn = turn.count == all;
  for (; turn.first < all; turn.first += turn.count) {
    if (turn.count > all - turn.first) turn.count = all - turn.first;
    transform_source(from, &turn, v, v_stride);
    transform_gradient(gradient, &turn, z, z_stride);
    // In one turn, the positions of two tiles of weights are summed and transformed while they are in cache; in several,
    // each position's sums go on while its tiles are.
    const int64_t rounds = in_one_turn ? 1 : positions, positions_a_round = positions / rounds;
    for (int64_t round = 0; round < rounds; round++)
      for (int64_t b = 0; b < inputs; b++)
        for (int64_t o = 0; o < outputs; o += 2) {
          const int wide = o + 1 < outputs ? 2 : 1;
          float *sums = in_one_turn ? u : u + (b * pairs + o / 2) * positions * 2 * size;
          for (int64_t p = round; p < round + positions_a_round; p++) {
            const float *vp = v + p * v_stride + b * turn.room * block, *zp = z + p * z_stride + o * turn.room * block;
            if (wide == 2)
              outer_products(vp, zp, &turn, sums + p * 2 * size, 2);
            else
              outer_products(vp, zp, &turn, sums + p * size, 1);
          }
          if (round + positions_a_round < positions || turn.first + turn.count < all) continue;
          float *tile = packed + (o * inputs + b) * 9 * size;
          if (wide == 2)
            transform_weight_sums(sums, 2, tile, inputs * 9 * size);
          else
            transform_weight_sums(sums, 1, tile, inputs * 9 * size);
        }
  }
}

// MARK: Versions for what activations are stored as

#define CONVOLVE                                                                                            \
  struct map *from, const struct weights *weights, int64_t images, struct map *to, const ck_normalisation *then, \
      float *scratch

AVX512 static void convolve_floats(CONVOLVE) {
  from->bfloat16 = to->bfloat16 = 0;
  convolve(from, weights, images, to, then, scratch);
}

AVX512 static void convolve_bfloat16(CONVOLVE) {
  from->bfloat16 = to->bfloat16 = 1;
  convolve(from, weights, images, to, then, scratch);
}

static void convolve_as_stored(int64_t layout, CONVOLVE) {
  (layout == ck_blocks_of_16_bfloat16 ? convolve_bfloat16 : convolve_floats)(from, weights, images, to, then, scratch);
}

#define WEIGHT_GRADIENT struct map *from, struct map *gradient, int64_t images, float *packed, float *scratch

AVX512 static void weight_gradient_floats(WEIGHT_GRADIENT) {
  from->bfloat16 = gradient->bfloat16 = 0;
  weight_gradient(from, gradient, images, packed, scratch);
}

AVX512 static void weight_gradient_bfloat16(WEIGHT_GRADIENT) {
  from->bfloat16 = gradient->bfloat16 = 1;
  weight_gradient(from, gradient, images, packed, scratch);
}

void ck_winograd_convolve(
    const void *source, const float *weights, int64_t images, int64_t input_blocks, int64_t output_blocks,
    int64_t side, int64_t layout, const ck_normalisation *then, void *destination, float *scratch) {
  struct map from = {(void *)source, input_blocks, side};
  struct map to = {destination, output_blocks, then && then->pools ? side / 2 : side};
  struct weights as_given = {weights, input_blocks, output_blocks, 0};
  convolve_as_stored(layout, &from, &as_given, images, &to, then, scratch);
}

void ck_winograd_source_gradient(
    const void *gradient, const float *weights, int64_t images, int64_t input_blocks, int64_t output_blocks,
    int64_t side, int64_t layout, void *source_gradient, float *scratch) {
  struct map from = {(void *)gradient, output_blocks, side}, to = {source_gradient, input_blocks, side};
  struct weights transposed = {weights, output_blocks, input_blocks, 1};
  convolve_as_stored(layout, &from, &transposed, images, &to, 0, scratch);
}

void ck_winograd_weight_gradient(
    const void *source, const void *gradient, int64_t images, int64_t input_blocks, int64_t output_blocks,
    int64_t side, int64_t layout, float *weight_gradient, float *scratch) {
  struct map from = {(void *)source, input_blocks, side}, to = {(void *)gradient, output_blocks, side};
  (layout == ck_blocks_of_16_bfloat16 ? weight_gradient_bfloat16 : weight_gradient_floats)(
      &from, &to, images, weight_gradient, scratch);
}
