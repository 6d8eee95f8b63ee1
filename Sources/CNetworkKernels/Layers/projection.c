#include "CNetworkKernels.h"
#include "blocks.h"

#pragma STDC FP_CONTRACT OFF

#define PASSES "projection.inc"
#include "each_layout.h"

DISPATCHED(
  void, ck_project,
  (const void *values, const float *weights, int64_t images, int64_t channels, int64_t blocks, int64_t pixels,
   int64_t layout, float *output),
  (values, weights, images, channels, blocks, pixels, layout, output)) {
  FOR_LAYOUT(project, values, weights, images, channels, blocks, pixels, output);
}

DISPATCHED(
  void, ck_project_backward,
  (const void *values, const float *weights, const float *gradient, int64_t images, int64_t channels, int64_t blocks,
   int64_t pixels, int64_t layout, void *value_gradient, double *weight_gradient),
  (values, weights, gradient, images, channels, blocks, pixels, layout, value_gradient, weight_gradient)) {
  FOR_LAYOUT(
    project_backward, values, weights, gradient, images, channels, blocks, pixels, value_gradient, weight_gradient);
}
