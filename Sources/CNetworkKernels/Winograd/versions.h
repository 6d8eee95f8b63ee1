#pragma once
#include <stdint.h>

#include "CNetworkWinograd.h"

/// The passes of CNetworkWinograd.h in one instruction set, on activations in its blocks.
struct winograd {
  int64_t (*scratch)(int64_t images, int64_t input_blocks, int64_t output_blocks, int64_t side);
  /// `transposed`: the source's gradient, from the output's: inputs are what the forward pass calls outputs.
  void (*convolve)(
    const void *source, const float *weights, int64_t images, int64_t input_blocks, int64_t output_blocks, int64_t side,
    int transposed, const ck_normalisation *then, void *destination, float *scratch);
  void (*weight_gradient)(
    const void *source, const void *gradient, int64_t images, int64_t input_blocks, int64_t output_blocks, int64_t side,
    float *weight_gradient, float *scratch);
  int64_t (*pieces)(const ck_winograd_pass *pass, int phase);
  int64_t (*shared)(const ck_winograd_pass *pass);
  int64_t (*own)(const ck_winograd_pass *pass);
  void (*piece)(const ck_winograd_pass *pass, int phase, int64_t piece, float *own);
};

extern const struct winograd ck_winograd_16, ck_winograd_16_bfloat16, ck_winograd_8, ck_winograd_8_baseline;
