#pragma once
#include <stdint.h>

#include "products.h"
#include "transforms.h"

// a * b + c is one fused operation.
#pragma STDC FP_CONTRACT ON

// Positions lie 16 floats further apart than they need to: at a power of two they would fight for the same places of the cache.
ALWAYS_INLINE int64_t apart(int64_t blocks, int64_t room) { return blocks * room * block + block; }

/// The same of the weights' transforms for `wide` blocks of outputs.
ALWAYS_INLINE int64_t weights_apart(int64_t input_blocks, int wide) {
  return input_blocks * block * wide * block + block;
}

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
