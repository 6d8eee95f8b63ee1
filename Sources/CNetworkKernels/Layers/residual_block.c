#include "CNetworkKernels.h"
#include "blocks.h"

#pragma STDC FP_CONTRACT OFF

#define PASSES "residual_block.inc"
#include "each_layout.h"

DISPATCHED(
  void, ck_rectify, (const void *values, int64_t count, int64_t layout, void *output),
  (values, count, layout, output)) {
  FOR_LAYOUT(rectify, values, count, output);
}

DISPATCHED(
  void, ck_rectify_backward,
  (const void *output, const void *gradient, int64_t count, int64_t layout, void *value_gradient),
  (output, gradient, count, layout, value_gradient)) {
  FOR_LAYOUT(rectify_backward, output, gradient, count, value_gradient);
}

DISPATCHED(
  void, ck_add_rectified, (const void *left, const void *right, int64_t count, int64_t layout, void *output),
  (left, right, count, layout, output)) {
  FOR_LAYOUT(add_rectified, left, right, count, output);
}

DISPATCHED(
  void, ck_add, (const void *values, int64_t count, int64_t layout, void *sums), (values, count, layout, sums)) {
  FOR_LAYOUT(add, values, count, sums);
}
