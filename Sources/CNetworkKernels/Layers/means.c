#include "CNetworkKernels.h"
#include "blocks.h"

#pragma STDC FP_CONTRACT OFF

#define PASSES "means.inc"
#include "each_layout.h"

DISPATCHED(
  void, ck_mean_over_pixels,
  (const void *values, int64_t images, int64_t blocks, int64_t pixels, int64_t layout, float *means),
  (values, images, blocks, pixels, layout, means)) {
  FOR_LAYOUT(mean_over_pixels, values, images, blocks, pixels, means);
}

DISPATCHED(
  void, ck_mean_over_pixels_backward,
  (const float *mean_gradient, int64_t images, int64_t blocks, int64_t pixels, int64_t layout, void *value_gradient),
  (mean_gradient, images, blocks, pixels, layout, value_gradient)) {
  FOR_LAYOUT(mean_over_pixels_backward, mean_gradient, images, blocks, pixels, value_gradient);
}

DISPATCHED(
  void, ck_normalise_means,
  (const void *values, int64_t images, int64_t blocks, int64_t height, int64_t width, int64_t layout,
   const float *scale, const float *shift, float slope, int pools, void *output, float *means),
  (values, images, blocks, height, width, layout, scale, shift, slope, pools, output, means)) {
  if (height % 2 != 0 || width % 2 != 0) {
    // A map of one pixel: the deepest of the smallest images.
    ck_normalise(values, images, blocks, height * width, layout, scale, shift, slope, output);
    ck_mean_over_pixels(output, images, blocks, height * width, layout, means);
    return;
  }
  FOR_LAYOUT(normalise_means, values, images, blocks, height, width, scale, shift, slope, pools, output, means);
}
