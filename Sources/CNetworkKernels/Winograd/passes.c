#include "CNetworkKernels.h"
#include "products.h"
#include "rooms.h"
#include "transforms.h"

// a * b + c is one fused operation.
#pragma STDC FP_CONTRACT ON

// MARK: Room

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

// MARK: Passes

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
    transform_source(from, 0, from->blocks, &turn, v, apart(from->blocks, turn.room));
    int64_t o = 0;
    for (; o + 2 <= to->blocks; o += 2)
      convolve_blocks(v, weights, o, 2, &turn, !turn.first, u + o / 2 * u_size, m, to, then);
    if (o < to->blocks) convolve_blocks(v, weights, o, 1, &turn, !turn.first, u + o / 2 * u_size, m, to, then);
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
    transform_source(from, 0, inputs, &turn, v, v_stride);
    transform_gradient(gradient, 0, outputs, &turn, z, z_stride);
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

AVX512 static void convolve_floats(
  struct map *from, const struct weights *weights, int64_t images, struct map *to, const ck_normalisation *then,
  float *scratch) {
  from->bfloat16 = to->bfloat16 = 0;
  convolve(from, weights, images, to, then, scratch);
}

AVX512 static void convolve_bfloat16(
  struct map *from, const struct weights *weights, int64_t images, struct map *to, const ck_normalisation *then,
  float *scratch) {
  from->bfloat16 = to->bfloat16 = 1;
  convolve(from, weights, images, to, then, scratch);
}

static void convolve_as_stored(
  int64_t layout, struct map *from, const struct weights *weights, int64_t images, struct map *to,
  const ck_normalisation *then, float *scratch) {
  (layout == ck_blocks_of_16_bfloat16 ? convolve_bfloat16 : convolve_floats)(from, weights, images, to, then, scratch);
}

AVX512 static void weight_gradient_floats(
  struct map *from, struct map *gradient, int64_t images, float *packed, float *scratch) {
  from->bfloat16 = gradient->bfloat16 = 0;
  weight_gradient(from, gradient, images, packed, scratch);
}

AVX512 static void weight_gradient_bfloat16(
  struct map *from, struct map *gradient, int64_t images, float *packed, float *scratch) {
  from->bfloat16 = gradient->bfloat16 = 1;
  weight_gradient(from, gradient, images, packed, scratch);
}

void ck_winograd_convolve(
  const void *source, const float *weights, int64_t images, int64_t input_blocks, int64_t output_blocks, int64_t side,
  int64_t layout, const ck_normalisation *then, void *destination, float *scratch) {
  struct map from = {(void *)source, input_blocks, side};
  struct map to = {destination, output_blocks, then && then->pools ? side / 2 : side};
  struct weights as_given = {weights, input_blocks, output_blocks, 0};
  convolve_as_stored(layout, &from, &as_given, images, &to, then, scratch);
}

void ck_winograd_source_gradient(
  const void *gradient, const float *weights, int64_t images, int64_t input_blocks, int64_t output_blocks, int64_t side,
  int64_t layout, void *source_gradient, float *scratch) {
  struct map from = {(void *)gradient, output_blocks, side}, to = {source_gradient, input_blocks, side};
  struct weights transposed = {weights, output_blocks, input_blocks, 1};
  convolve_as_stored(layout, &from, &transposed, images, &to, 0, scratch);
}

void ck_winograd_weight_gradient(
  const void *source, const void *gradient, int64_t images, int64_t input_blocks, int64_t output_blocks, int64_t side,
  int64_t layout, float *weight_gradient, float *scratch) {
  struct map from = {(void *)source, input_blocks, side}, to = {(void *)gradient, output_blocks, side};
  (layout == ck_blocks_of_16_bfloat16 ? weight_gradient_bfloat16
                                      : weight_gradient_floats)(&from, &to, images, weight_gradient, scratch);
}
