#include "CNetworkKernels.h"
#include "bfloat16.h"

#pragma STDC FP_CONTRACT OFF

// The sizes of a block are constants in the calls below, and so in the loops.

ALWAYS_INLINE void pack_weights(
  const float *weights, int64_t outputs, int64_t inputs, int64_t taps, const int64_t block, int output_inner,
  float *packed) {
  int64_t output_blocks = (outputs + block - 1) / block, input_blocks = (inputs + block - 1) / block;
  for (int64_t ob = 0; ob < output_blocks; ob++)
    for (int64_t ib = 0; ib < input_blocks; ib++) {
      float *tile = packed + (ob * input_blocks + ib) * taps * block * block;
      for (int64_t o = 0; o < block; o++)
        for (int64_t i = 0; i < block; i++) {
          int64_t output = ob * block + o, input = ib * block + i;
          int64_t place = output_inner ? i * block + o : o * block + i;
          const float *in = weights + (output * inputs + input) * taps;
          int inside = output < outputs && input < inputs;
          for (int64_t k = 0; k < taps; k++) tile[k * block * block + place] = inside ? in[k] : 0;
        }
    }
}

ALWAYS_INLINE void unpack_weights(
  const float *packed, int64_t outputs, int64_t inputs, int64_t taps, const int64_t block, float *weights) {
  int64_t input_blocks = (inputs + block - 1) / block;
  // A tile at a time: it stays in the first cache while its outputs, which lie side by side, are picked apart.
  for (int64_t first = 0; first < outputs; first += block)
    for (int64_t ib = 0; ib < input_blocks; ib++) {
      const float *tile = packed + (first / block * input_blocks + ib) * taps * block * block;
      int64_t last = inputs - ib * block < block ? inputs - ib * block : block;
      for (int64_t o = 0; o < block && first + o < outputs; o++) {
        float *out = weights + ((first + o) * inputs + ib * block) * taps;
        for (int64_t i = 0; i < last; i++)
          for (int64_t k = 0; k < taps; k++) *out++ = tile[(k * block + i) * block + o];
      }
    }
}

ALWAYS_INLINE void pack_image_weights(
  const float *weights, int64_t outputs, int64_t inputs, int64_t taps, const int64_t block, float *packed) {
  int64_t output_blocks = (outputs + block - 1) / block;
  for (int64_t output = 0; output < output_blocks * block; output++)
    for (int64_t k = 0; k < taps; k++)
      for (int64_t input = 0; input < inputs; input++)
        packed[(((output / block) * taps + k) * inputs + input) * block + output % block] =
          output < outputs ? weights[(output * inputs + input) * taps + k] : 0;
}

DISPATCHED(
  void, ck_pack_weights,
  (const float *weights, int64_t outputs, int64_t inputs, int64_t taps, int64_t block, int output_inner, float *packed),
  (weights, outputs, inputs, taps, block, output_inner, packed)) {
  if (block == 16) {
    pack_weights(weights, outputs, inputs, taps, 16, output_inner, packed);
  } else {
    pack_weights(weights, outputs, inputs, taps, 8, output_inner, packed);
  }
}

DISPATCHED(
  void, ck_unpack_weights,
  (const float *packed, int64_t outputs, int64_t inputs, int64_t taps, int64_t block, float *weights),
  (packed, outputs, inputs, taps, block, weights)) {
  if (block == 16) {
    unpack_weights(packed, outputs, inputs, taps, 16, weights);
  } else {
    unpack_weights(packed, outputs, inputs, taps, 8, weights);
  }
}

DISPATCHED(
  void, ck_pack_image_weights,
  (const float *weights, int64_t outputs, int64_t inputs, int64_t taps, int64_t block, float *packed),
  (weights, outputs, inputs, taps, block, packed)) {
  if (block == 16) {
    pack_image_weights(weights, outputs, inputs, taps, 16, packed);
  } else {
    pack_image_weights(weights, outputs, inputs, taps, 8, packed);
  }
}

DISPATCHED(
  void, ck_pack_weights_bfloat16,
  (const float *weights, int64_t outputs, int64_t inputs, int64_t taps, ck_weight_order order, uint16_t *packed),
  (weights, outputs, inputs, taps, order, packed)) {
  enum { block = 16 };
  int64_t output_blocks = (outputs + block - 1) / block, input_blocks = (inputs + block - 1) / block;
  for (int64_t ob = 0; ob < output_blocks; ob++)
    for (int64_t ib = 0; ib < input_blocks; ib++) {
      int64_t place = order == ck_IOhw8o16i2o ? ib * output_blocks + ob : ob * input_blocks + ib;
      uint16_t *tile = packed + place * taps * block * block;
      for (int64_t o = 0; o < block; o++)
        for (int64_t i = 0; i < block; i++) {
          int64_t output = ob * block + o, input = ib * block + i;
          const float *in = weights + (output * inputs + input) * taps;
          int inside = output < outputs && input < inputs;
          // Pairs of inputs for the forward pass, which sums over inputs; of outputs for the backward pass.
          int64_t lane = order == ck_OIhw8i16o2i ? (i / 2 * block + o) * 2 + i % 2 : (o / 2 * block + i) * 2 + o % 2;
          for (int64_t k = 0; k < taps; k++) tile[k * block * block + lane] = inside ? bfloat16_of(in[k]) : 0;
        }
    }
}
