#pragma once
#include "CNetworkKernels.h"
#include "products.h"
#include "transforms.h"

// a * b + c is one fused operation.
#pragma STDC FP_CONTRACT ON

// MARK: Room

// Positions lie 16 floats further apart than they need to: at a power of two they would fight for the same places of the cache.
ALWAYS_INLINE int64_t apart(int64_t blocks, int64_t room) { return blocks * room * block + block; }

/// The same of the weights' transforms for `wide` blocks of outputs.
ALWAYS_INLINE int64_t weights_apart(int64_t input_blocks, int wide) {
  return input_blocks * block * wide * block + block;
}

/// Of convolutions as they are computed: from `input_blocks`.
ALWAYS_INLINE int64_t convolution_scratch(int64_t input_blocks, int64_t output_blocks, int64_t room, int in_one_turn) {
  const int64_t weights =
    in_one_turn ? weights_apart(input_blocks, most_wide) : output_blocks * weights_apart(input_blocks, 1);
  return positions * (apart(input_blocks, room) + apart(most_wide, room) + weights);
}

static int64_t scratch_size(int64_t images, int64_t input_blocks, int64_t output_blocks, int64_t side) {
  struct turn turn;
  const int in_one_turn = turns(images, side, &turn) == turn.count;
  const int64_t forward = convolution_scratch(input_blocks, output_blocks, turn.room, in_one_turn);
  const int64_t backward = convolution_scratch(output_blocks, input_blocks, turn.room, in_one_turn);
  const int64_t tiles = in_one_turn ? most_wide : input_blocks * output_blocks;
  const int64_t weights =
    positions * (apart(input_blocks, turn.room) + apart(output_blocks, turn.room) + tiles * block * block);
  const int64_t most = forward > backward ? forward : backward;
  return most > weights ? most : weights;
}

// MARK: Passes

/// `wide` blocks of outputs from `first_block`, of one turn. The weights are transformed where `transforms` says so.
ALWAYS_INLINE void convolve_blocks(
  const float *v, const struct weights *weights, int64_t first_block, const int wide, const struct turn *turn,
  const int transforms, float *u, float *m, const struct map *to, const ck_normalisation *then) {
  const int64_t inputs = weights->input_blocks;
  const int64_t u_stride = weights_apart(inputs, wide), m_stride = apart(wide, turn->room);
  if (transforms) transform_weights(weights, first_block, wide, u, u_stride);
  multiply(v, apart(inputs, turn->room), u, u_stride, inputs, turn->room, m, m_stride, wide);
  transform_sums(m, m_stride, turn, to, first_block, wide, then);
}

/// The same, as wide as suits the blocks that are left.
ALWAYS_INLINE void convolve_next(
  const float *v, const struct weights *weights, int64_t first_block, const struct turn *turn, const int transforms,
  float *u, float *m, const struct map *to, const ck_normalisation *then) {
  switch (wide_of(to->blocks - first_block)) {
  case 1: convolve_blocks(v, weights, first_block, 1, turn, transforms, u, m, to, then); break;
  case 2: convolve_blocks(v, weights, first_block, most_wide > 1 ? 2 : 1, turn, transforms, u, m, to, then); break;
  case 3: convolve_blocks(v, weights, first_block, most_wide, turn, transforms, u, m, to, then); break;
  }
}

ALWAYS_INLINE void convolve(
  const struct map *from, const struct weights *weights, int64_t images, const struct map *to,
  const ck_normalisation *then, float *scratch) {
  struct turn turn;
  const int64_t all = turns(images, from->side, &turn);
  // In one turn, the next blocks' transformed weights take the place of the last ones'.
  const int64_t u_size = turn.count == all ? 0 : positions * weights_apart(from->blocks, 1);
  float *v = scratch, *m = v + positions * apart(from->blocks, turn.room);
  float *u = m + positions * apart(most_wide, turn.room);
  for (; turn.first < all; turn.first += turn.count) {
    if (turn.count > all - turn.first) turn.count = all - turn.first;
    transform_source(from, 0, from->blocks, &turn, v, apart(from->blocks, turn.room));
    for (int64_t o = 0; o < to->blocks; o += wide_of(to->blocks - o))
      convolve_next(v, weights, o, &turn, !turn.first, u + o * u_size, m, to, then);
  }
}

/// The products of a turn's tiles, of one block of inputs and `wide` of outputs, added to the sums of position `p`.
ALWAYS_INLINE void add_products(
  const float *vp, const float *zp, const struct turn *turn, float *sums, int64_t p, const int wide) {
  const int64_t size = block * block;
  switch (wide) {
  case 1: outer_products(vp, zp, turn, sums + p * size, 1); break;
  case 2: outer_products(vp, zp, turn, sums + p * 2 * size, most_wide > 1 ? 2 : 1); break;
  case 3: outer_products(vp, zp, turn, sums + p * most_wide * size, most_wide); break;
  }
}

ALWAYS_INLINE void weight_gradient(
  const struct map *from, const struct map *gradient, int64_t images, float *packed, float *scratch) {
  struct turn turn;
  const int64_t all = turns(images, from->side, &turn), inputs = from->blocks, outputs = gradient->blocks;
  const int64_t v_stride = apart(inputs, turn.room), z_stride = apart(outputs, turn.room);
  const int64_t size = block * block;
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
        for (int64_t o = 0; o < outputs; o += wide_of(outputs - o)) {
          const int wide = wide_of(outputs - o);
          float *sums = in_one_turn ? u : u + (b * outputs + o) * positions * size;
          for (int64_t p = round; p < round + positions_a_round; p++) {
            const float *vp = v + p * v_stride + b * turn.room * block, *zp = z + p * z_stride + o * turn.room * block;
            add_products(vp, zp, &turn, sums, p, wide);
          }
          if (round + positions_a_round < positions || turn.first + turn.count < all) continue;
          transform_weight_sums(sums, wide, packed + (o * inputs + b) * 9 * size, inputs * 9 * size);
        }
  }
}
