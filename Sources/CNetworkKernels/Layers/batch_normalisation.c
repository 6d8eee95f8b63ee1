#include "CNetworkKernels.h"
#include "blocks.h"

#pragma STDC FP_CONTRACT OFF

#define PASSES "batch_normalisation.inc"
#include "each_layout.h"

DISPATCHED(
  void, ck_batch_moments,
  (const void *values, int64_t images, int64_t blocks, int64_t pixels, int64_t layout, double *sum,
   double *sum_of_squares),
  (values, images, blocks, pixels, layout, sum, sum_of_squares)) {
  FOR_LAYOUT(batch_moments, values, images, blocks, pixels, sum, sum_of_squares);
}

DISPATCHED(
  void, ck_normalise,
  (const void *values, int64_t images, int64_t blocks, int64_t pixels, int64_t layout, const float *scale,
   const float *shift, float slope, void *output),
  (values, images, blocks, pixels, layout, scale, shift, slope, output)) {
  FOR_LAYOUT(normalise, values, images, blocks, pixels, scale, shift, slope, output);
}

DISPATCHED(
  void, ck_normalise_pool,
  (const void *values, int64_t images, int64_t blocks, int64_t height, int64_t width, int64_t layout,
   const float *scale, const float *shift, float slope, void *output),
  (values, images, blocks, height, width, layout, scale, shift, slope, output)) {
  FOR_LAYOUT(normalise_pool, values, images, blocks, height, width, scale, shift, slope, output);
}

DISPATCHED(
  void, ck_normalise_backward_sums,
  (const void *values, const void *gradient, int64_t images, int64_t blocks, int64_t pixels, int64_t layout,
   const float *scale, const float *shift, float slope, const float *mean, const float *inverse_deviation,
   double *sum_gradient, double *sum_product),
  (values, gradient, images, blocks, pixels, layout, scale, shift, slope, mean, inverse_deviation, sum_gradient,
   sum_product)) {
  FOR_LAYOUT(
    normalise_backward_sums, values, gradient, images, blocks, pixels, scale, shift, slope, mean, inverse_deviation,
    sum_gradient, sum_product);
}

DISPATCHED(
  void, ck_normalise_backward,
  (const void *values, const void *gradient, int64_t images, int64_t blocks, int64_t pixels, int64_t layout,
   const float *scale, const float *shift, float slope, const float *mean, const float *inverse_deviation,
   const float *mean_gradient, const float *mean_product, void *value_gradient),
  (values, gradient, images, blocks, pixels, layout, scale, shift, slope, mean, inverse_deviation, mean_gradient,
   mean_product, value_gradient)) {
  FOR_LAYOUT(
    normalise_backward, values, gradient, images, blocks, pixels, scale, shift, slope, mean, inverse_deviation,
    mean_gradient, mean_product, value_gradient);
}

DISPATCHED(
  void, ck_normalise_pool_backward_sums,
  (const void *values, const void *gradient, int64_t images, int64_t blocks, int64_t height, int64_t width,
   int64_t layout, const float *scale, const float *shift, float slope, const float *mean,
   const float *inverse_deviation, double *sum_gradient, double *sum_product),
  (values, gradient, images, blocks, height, width, layout, scale, shift, slope, mean, inverse_deviation, sum_gradient,
   sum_product)) {
  FOR_LAYOUT(
    normalise_pool_backward_sums, values, gradient, images, blocks, height, width, scale, shift, slope, mean,
    inverse_deviation, sum_gradient, sum_product);
}

DISPATCHED(
  void, ck_normalise_pool_backward,
  (const void *values, const void *gradient, int64_t images, int64_t blocks, int64_t height, int64_t width,
   int64_t layout, const float *scale, const float *shift, float slope, const float *mean,
   const float *inverse_deviation, const float *mean_gradient, const float *mean_product, void *value_gradient),
  (values, gradient, images, blocks, height, width, layout, scale, shift, slope, mean, inverse_deviation, mean_gradient,
   mean_product, value_gradient)) {
  FOR_LAYOUT(
    normalise_pool_backward, values, gradient, images, blocks, height, width, scale, shift, slope, mean,
    inverse_deviation, mean_gradient, mean_product, value_gradient);
}
