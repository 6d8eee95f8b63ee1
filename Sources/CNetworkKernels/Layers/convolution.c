#include "CNetworkKernels.h"
#include "blocks.h"

#pragma STDC FP_CONTRACT OFF

#define PASSES "convolution.inc"
#include "each_layout.h"

DISPATCHED(
  void, ck_image_weight_gradient,
  (const float *source, const void *gradient, int64_t images, int64_t inputs, int64_t blocks, int64_t side,
   int64_t kernel, int64_t stride, int64_t layout, double *weight_gradient),
  (source, gradient, images, inputs, blocks, side, kernel, stride, layout, weight_gradient)) {
  FOR_LAYOUT(image_weight_gradient, source, gradient, images, inputs, blocks, side, kernel, stride, weight_gradient);
}

DISPATCHED(
  void, ck_small_map_weight_gradient,
  (const float *source, const float *gradient, int64_t images, int64_t input_blocks, int64_t output_blocks,
   int64_t side, int64_t kernel, int64_t block, float *packed),
  (source, gradient, images, input_blocks, output_blocks, side, kernel, block, packed)) {
  if (block == 16) {
    small_map_weight_gradient_16(source, gradient, images, input_blocks, output_blocks, side, kernel, packed);
  } else {
    small_map_weight_gradient_8(source, gradient, images, input_blocks, output_blocks, side, kernel, packed);
  }
}
