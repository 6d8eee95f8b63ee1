#pragma once
#include "passes.h"
#include "pieces.h"
#include "versions.h"

// a * b + c is one fused operation.
#pragma STDC FP_CONTRACT ON

// MARK: Versions for what activations are stored as

/// Defines ck_winograd_`stored`, compiled as `TARGET` says.
#define STORED_AS(stored, is_bfloat16)                                                                        \
  TARGET static void convolve_##stored(                                                                       \
    const void *source, const float *packed, int64_t images, int64_t input_blocks, int64_t output_blocks,     \
    int64_t side, int transposed, const ck_normalisation *then, void *destination, float *scratch) {          \
    const struct map from = {(void *)source, input_blocks, side, is_bfloat16};                                \
    const struct map to = {destination, output_blocks, then && then->pools ? side / 2 : side, is_bfloat16};   \
    const struct weights weights = {packed, input_blocks, output_blocks, transposed};                         \
    convolve(&from, &weights, images, &to, then, scratch);                                                    \
  }                                                                                                           \
  TARGET static void weight_gradient_##stored(                                                                \
    const void *source, const void *gradient, int64_t images, int64_t input_blocks, int64_t output_blocks,    \
    int64_t side, float *packed, float *scratch) {                                                            \
    const struct map from = {(void *)source, input_blocks, side, is_bfloat16};                                \
    const struct map to = {(void *)gradient, output_blocks, side, is_bfloat16};                               \
    weight_gradient(&from, &to, images, packed, scratch);                                                     \
  }                                                                                                           \
  TARGET static void run_piece_##stored(const ck_winograd_pass *pass, int phase, int64_t piece, float *own) { \
    run_piece(pass, is_bfloat16, phase, piece, own);                                                          \
  }                                                                                                           \
  const struct winograd                                                                                       \
    ck_winograd_##stored = {scratch_size, convolve_##stored, weight_gradient_##stored, piece_count,           \
                            shared_size,  own_size,          run_piece_##stored};
